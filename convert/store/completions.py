"""The statements of stored Chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, update

from convert import sse
from convert.store.rows import insert, key
from convert.store.schema import COMPLETIONS

MODEL = 256  # characters of a model's name
BATCH = 200  # rows that are looked through at once for metadata


@dataclass(slots=True, kw_only=True)
class Row:
    """A row of `completions`; `metadata`, `request` and `body` are JSON."""

    tenant: str
    id: str
    created: float
    model: str
    metadata: bytes
    request: bytes
    body: bytes


@dataclass(slots=True, frozen=True)
class Query:
    """What a list is asked for; `after`: the row behind which it goes on."""

    since: float
    limit: int
    descending: bool = False
    model: str | None = None
    metadata: Mapping[str, str] | None = None
    after: Row | None = None


def add(connection: Connection, row: Row) -> None:
    """Writes a completion."""
    values = {**asdict(row), "model": key(row.model, MODEL)}
    connection.execute(insert(connection, COMPLETIONS), values)


def get(connection: Connection, tenant: str, completion: str, since: float) -> Row | None:
    """A completion; None when the tenant has none of this id, or it was made before `since`."""
    found = connection.execute(select(COMPLETIONS).where(_is(tenant, completion), COMPLETIONS.c.created > since))
    row = found.mappings().one_or_none()
    return Row(**row) if row else None


def page(connection: Connection, tenant: str, query: Query) -> list[Row]:
    """At most `limit` completions in the order of their making."""
    found: list[Row] = []
    after = query.after
    while True:
        rows = _batch(connection, tenant, query, after)
        found += [row for row in rows if _has(row, query.metadata or {})]
        if len(found) >= query.limit or len(rows) < BATCH:
            return found[: query.limit]
        after = rows[-1]


def _batch(connection: Connection, tenant: str, query: Query, after: Row | None) -> list[Row]:
    created, identity = COMPLETIONS.c.created, COMPLETIONS.c.id
    statement = select(COMPLETIONS).where(COMPLETIONS.c.tenant == tenant, created > query.since)
    if query.model is not None:
        statement = statement.where(COMPLETIONS.c.model == key(query.model, MODEL))
    if after is not None and query.descending:
        later = or_(created < after.created, and_(created == after.created, identity < after.id))
        statement = statement.where(later)
    elif after is not None:
        later = or_(created > after.created, and_(created == after.created, identity > after.id))
        statement = statement.where(later)
    order = (created.desc(), identity.desc()) if query.descending else (created, identity)
    limit = BATCH if query.metadata else query.limit
    return [Row(**found) for found in connection.execute(statement.order_by(*order).limit(limit)).mappings()]


def _has(row: Row, wanted: Mapping[str, str]) -> bool:
    metadata = sse.loads(row.metadata) if wanted else {}
    return all(metadata.get(key) == value for key, value in wanted.items())


def describe(connection: Connection, tenant: str, completion: str, metadata: bytes) -> bool:
    """Replaces the metadata; whether there is such a completion."""
    statement = update(COMPLETIONS).where(_is(tenant, completion))
    return connection.execute(statement, {"metadata": metadata}).rowcount == 1


def remove(connection: Connection, tenant: str, completion: str) -> bool:
    """Deletes a completion; whether there was one."""
    return connection.execute(delete(COMPLETIONS).where(_is(tenant, completion))).rowcount == 1


def _is(tenant: str, completion: str) -> Any:
    return and_(COMPLETIONS.c.tenant == tenant, COMPLETIONS.c.id == key(completion))
