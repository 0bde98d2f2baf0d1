"""The statements of the Conversations API: conversations and their items.

An item is a JSON object with its `id`, which may be any string; ids are unique within a conversation.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from convert.store.rows import insert, key
from convert.store.schema import CONVERSATIONS, ITEMS


@dataclass(slots=True, frozen=True)
class Conversation:
    """A row of `conversations`; `metadata` is JSON."""

    id: str
    created: float
    metadata: bytes


def create(connection: Connection, tenant: str, conversation: Conversation) -> None:
    """Writes a new conversation."""
    row = {"tenant": tenant, "id": conversation.id, "created": conversation.created, "used": conversation.created,
           "metadata": conversation.metadata}  # fmt: skip
    connection.execute(insert(connection, CONVERSATIONS), row)


def get(connection: Connection, tenant: str, conversation: str, since: float) -> Conversation | None:
    """A conversation; None when the tenant has none of this id, or it was last used before `since`."""
    columns = (CONVERSATIONS.c.id, CONVERSATIONS.c.created, CONVERSATIONS.c.metadata)
    found = connection.execute(select(*columns).where(_is(tenant, conversation), CONVERSATIONS.c.used > since)).first()
    return Conversation(*found) if found else None


def describe(connection: Connection, tenant: str, conversation: str, metadata: bytes) -> bool:
    """Replaces the metadata; whether there is such a conversation."""
    values = {"metadata": metadata, "used": time.time()}
    return connection.execute(update(CONVERSATIONS).where(_is(tenant, conversation)), values).rowcount == 1


def remove(connection: Connection, tenant: str, conversation: str) -> bool:
    """Deletes a conversation and its items; whether there was one."""
    connection.execute(delete(ITEMS).where(_of(tenant, conversation)))
    return connection.execute(delete(CONVERSATIONS).where(_is(tenant, conversation))).rowcount == 1


def append(connection: Connection, tenant: str, conversation: str, items: Sequence[tuple[str, bytes]]) -> bool:
    """Adds items, (id, JSON) each, at the end; one whose id is there already is left as it is. False, and nothing is
    written, when the conversation is gone. Locks the conversation, so that items of two answers do not mix."""
    mine = update(CONVERSATIONS).where(_is(tenant, conversation))
    if connection.execute(mine, {"used": time.time()}).rowcount != 1:
        return False
    rows = [{"tenant": tenant, "conversation": conversation, "id": key(id), "data": data} for id, data in items]
    if rows:
        connection.execute(insert(connection, ITEMS).on_conflict_do_nothing(), rows)
    return True


def items(connection: Connection, tenant: str, conversation: str) -> list[bytes]:
    """All items, in order."""
    statement = select(ITEMS.c.data).where(_of(tenant, conversation)).order_by(ITEMS.c.position)
    return [*connection.execute(statement).scalars()]


def count(connection: Connection, tenant: str, conversation: str) -> int:
    """The number of items."""
    statement = select(func.count()).select_from(ITEMS).where(_of(tenant, conversation))
    return int(connection.execute(statement).scalar() or 0)


def position(connection: Connection, tenant: str, conversation: str, item: str) -> int | None:
    """Where an item stands, for `page`; None when there is no such item."""
    statement = select(ITEMS.c.position).where(_of(tenant, conversation), ITEMS.c.id == key(item))
    return connection.execute(statement).scalar()


def page(
    connection: Connection, tenant: str, conversation: str, after: int | None, limit: int, descending: bool
) -> list[bytes]:
    """At most `limit` items behind the position `after`, in the order asked for."""
    order = ITEMS.c.position.desc() if descending else ITEMS.c.position.asc()
    statement = select(ITEMS.c.data).where(_of(tenant, conversation))
    if after is not None:
        statement = statement.where(ITEMS.c.position < after if descending else ITEMS.c.position > after)
    return [*connection.execute(statement.order_by(order).limit(limit)).scalars()]


def item(connection: Connection, tenant: str, conversation: str, item: str) -> bytes | None:
    """One item; None when there is no such item."""
    return connection.execute(select(ITEMS.c.data).where(_of(tenant, conversation), ITEMS.c.id == key(item))).scalar()


def remove_item(connection: Connection, tenant: str, conversation: str, item: str) -> bool:
    """Deletes an item; whether there was one."""
    return connection.execute(delete(ITEMS).where(_of(tenant, conversation), ITEMS.c.id == key(item))).rowcount == 1


def _is(tenant: str, conversation: str) -> Any:
    return and_(CONVERSATIONS.c.tenant == tenant, CONVERSATIONS.c.id == conversation)


def _of(tenant: str, conversation: str) -> Any:
    return and_(ITEMS.c.tenant == tenant, ITEMS.c.conversation == conversation)
