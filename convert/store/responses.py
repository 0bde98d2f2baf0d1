"""The statements of the Responses API's state: responses, their chains and their events.

A response is `queued` or `in_progress` until it is one of FINAL, and then stays that: whoever finishes it first, wins.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, literal, or_, select, update

from convert.store.rows import insert
from convert.store.schema import EVENTS, RESPONSES

RUNNING = ("queued", "in_progress")
ENDING = ("status", "output", "body", "owner", "work")  # the columns that change in the end
FINAL = ("completed", "incomplete", "failed", "cancelled")
BATCH = 1000  # ids in one statement; both databases have a limit
_OLDER = RESPONSES.alias("older")
_NEWER = RESPONSES.alias("newer")


@dataclass(slots=True, kw_only=True)
class Row:
    """A row of `responses` (schema.py says what its columns hold)."""

    tenant: str
    id: str
    thread: str
    created: float
    status: str
    input: bytes
    previous: str | None = None
    conversation: str | None = None
    owner: str | None = None
    attempts: int = 0
    output: bytes = b"[]"
    body: bytes = b"{}"
    work: bytes | None = None


@dataclass(slots=True, frozen=True)
class Segment:
    """A few of a response's events, as bytes of its stream; `number` is the first one's sequence number."""

    number: int
    data: bytes


def begin(connection: Connection, row: Row) -> None:
    """Writes a response that is under way, unless it is there already."""
    connection.execute(insert(connection, RESPONSES).on_conflict_do_nothing(), asdict(row))


def finish(connection: Connection, row: Row) -> bool:
    """Writes a response in its final state; False when it was final already, and then nothing is written."""
    statement = insert(connection, RESPONSES)
    changed = {name: statement.excluded[name] for name in ENDING}
    running = RESPONSES.c.status.in_(RUNNING)
    statement = statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=changed, where=running)
    return connection.execute(statement.returning(RESPONSES.c.id), asdict(row)).first() is not None


def end(connection: Connection, row: Row) -> bool:
    """As `finish`, of a response that was begun before: False, too, when it was deleted since."""
    statement = update(RESPONSES).where(_is(row.tenant, row.id), RESPONSES.c.status.in_(RUNNING))
    values = {name: getattr(row, name) for name in ENDING}
    return connection.execute(statement, values).rowcount == 1


def grow(connection: Connection, tenant: str, response: str, segments: Sequence[Segment]) -> None:
    """Adds events to a response's stream; those that are there already are left as they are."""
    if segments:
        rows = [{"tenant": tenant, "response": response, **asdict(segment)} for segment in segments]
        connection.execute(insert(connection, EVENTS).on_conflict_do_nothing(), rows)


def get(connection: Connection, tenant: str, response: str, since: float) -> Row | None:
    """A response; None when the tenant has none of this id, or it has expired: when neither it nor a later one of
    its chain was made after `since`."""
    statement = select(RESPONSES).where(_is(tenant, response), alive(since))
    found = connection.execute(statement).mappings().one_or_none()
    return Row(**found) if found else None


def several(connection: Connection, tenant: str, identities: Sequence[str], since: float) -> list[Row]:
    """Those of the responses that `get` would find, in any order: one statement for each BATCH of them."""
    rows: list[Row] = []
    for start in range(0, len(identities), BATCH):
        mine = and_(RESPONSES.c.tenant == tenant, RESPONSES.c.id.in_(identities[start : start + BATCH]))
        rows += [Row(**found) for found in connection.execute(select(RESPONSES).where(mine, alive(since))).mappings()]
    return rows


def alive(since: float) -> Any:
    """The condition that a response, or a later one of its chain, was made after `since`."""
    newer = select(literal(1)).where(
        _NEWER.c.tenant == RESPONSES.c.tenant, _NEWER.c.thread == RESPONSES.c.thread, _NEWER.c.created > since
    )
    return (RESPONSES.c.created > since) | exists(newer)


def remove(connection: Connection, tenant: str, response: str) -> bool:
    """Deletes a response and its events; whether there was one."""
    connection.execute(delete(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.response == response))
    return connection.execute(delete(RESPONSES).where(_is(tenant, response))).rowcount == 1


def chain(connection: Connection, tenant: str, response: str) -> list[Row]:
    """A response and all before it, the oldest first, with `input` and `output` only: one query, however many.
    The first one's `previous` is None unless that one was deleted. Empty when there is no such response."""
    columns = (RESPONSES.c.id, RESPONSES.c.previous, RESPONSES.c.thread, RESPONSES.c.status)
    links = select(*columns, literal(0).label("depth")).where(_is(tenant, response)).cte("links", recursive=True)
    links = links.union_all(
        select(_OLDER.c.id, _OLDER.c.previous, _OLDER.c.thread, _OLDER.c.status, links.c.depth + 1).where(
            and_(_OLDER.c.tenant == tenant, _OLDER.c.id == links.c.previous)
        )
    )
    statement = (
        select(links, RESPONSES.c.input, RESPONSES.c.output, RESPONSES.c.conversation)
        .join(RESPONSES, and_(RESPONSES.c.tenant == tenant, RESPONSES.c.id == links.c.id))
        .order_by(links.c.depth.desc())
    )
    return [
        Row(
            tenant=tenant, id=found.id, thread=found.thread, previous=found.previous, created=0.0,
            status=found.status, input=found.input, output=found.output, conversation=found.conversation,
        )
        for found in connection.execute(statement)
    ]  # fmt: skip


def events(connection: Connection, tenant: str, response: str, after: int) -> list[Segment]:
    """The stored events of a response, in order, that may have numbers above `after`."""
    mine = and_(EVENTS.c.tenant == tenant, EVENTS.c.response == response)
    at_or_before = select(EVENTS.c.number).where(mine, EVENTS.c.number <= after + 1)
    first = connection.execute(at_or_before.order_by(EVENTS.c.number.desc()).limit(1)).scalar()
    statement = select(EVENTS.c.number, EVENTS.c.data).where(mine, EVENTS.c.number >= (first or 0))
    return [Segment(number, data) for number, data in connection.execute(statement.order_by(EVENTS.c.number))]


def cancel(connection: Connection, tenant: str, response: str, body: bytes) -> bool:
    """Marks a response as cancelled that is still under way; whether it was."""
    statement = update(RESPONSES).where(_is(tenant, response), RESPONSES.c.status.in_(RUNNING))
    values = {"status": "cancelled", "body": body, "owner": None, "work": None}
    return connection.execute(statement, values).rowcount == 1


def claim(connection: Connection, tenant: str, response: str, owner: str) -> Row | None:
    """Takes a queued response for a process to work on; None when it is not queued (any more)."""
    statement = update(RESPONSES).where(_is(tenant, response), RESPONSES.c.status == "queued")
    values = {"status": "in_progress", "owner": owner, "attempts": RESPONSES.c.attempts + 1}
    found = connection.execute(statement.values(values).returning(*RESPONSES.c)).mappings().one_or_none()
    return Row(**found) if found else None


def grown(connection: Connection, tenant: str, response: str, number: int) -> bool:
    """Whether there are events of a response from a number on."""
    return connection.execute(select(literal(1)).where(_from(tenant, response, number)).limit(1)).first() is not None


def clear(connection: Connection, tenant: str, response: str, number: int = 0) -> None:
    """Deletes the events from a number on, of a response that is made anew."""
    connection.execute(delete(EVENTS).where(_from(tenant, response, number)))


def waiting(connection: Connection, before: float, most: int) -> list[tuple[str, str]]:
    """(tenant, id) of responses that were queued before a time, the oldest first."""
    statement = select(RESPONSES.c.tenant, RESPONSES.c.id).where(
        RESPONSES.c.status == "queued", RESPONSES.c.created < before
    )
    return [(row.tenant, row.id) for row in connection.execute(statement.order_by(RESPONSES.c.created).limit(most))]


def statuses(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The status of each of the responses, (tenant, id), that exist."""
    columns = (RESPONSES.c.tenant, RESPONSES.c.id, RESPONSES.c.status)
    mine = or_(*(_is(tenant, response) for tenant, response in keys))
    return {(row.tenant, row.id): row.status for row in connection.execute(select(*columns).where(mine))}


def _is(tenant: str, response: str) -> Any:
    return and_(RESPONSES.c.tenant == tenant, RESPONSES.c.id == response)


def _from(tenant: str, response: str, number: int) -> Any:
    return and_(EVENTS.c.tenant == tenant, EVENTS.c.response == response, EVENTS.c.number >= number)


def now() -> float:
    """Seconds since 1970."""
    return time.time()
