"""Retention: what nobody has used for long enough is deleted."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, exists, select

from convert.store.responses import alive
from convert.store.schema import COMPLETIONS, CONVERSATIONS, EVENTS, ITEMS, RESPONSES, SEALS


def sweep(connection: Connection, since: float) -> int:
    """Deletes what is older than `since` (seconds since 1970), a chain of responses and a conversation as a whole once
    its latest use is; the number of rows."""
    count = connection.execute(delete(RESPONSES).where(RESPONSES.c.created <= since, ~alive(since))).rowcount
    owner = select(RESPONSES.c.id).where(RESPONSES.c.tenant == EVENTS.c.tenant, RESPONSES.c.id == EVENTS.c.response)
    connection.execute(delete(EVENTS).where(~exists(owner)))
    old = select(CONVERSATIONS.c.tenant, CONVERSATIONS.c.id).where(CONVERSATIONS.c.used <= since).subquery()
    theirs = select(old.c.id).where(and_(old.c.tenant == ITEMS.c.tenant, old.c.id == ITEMS.c.conversation))
    connection.execute(delete(ITEMS).where(exists(theirs)))
    count += connection.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.used <= since)).rowcount
    count += connection.execute(delete(COMPLETIONS).where(COMPLETIONS.c.created <= since)).rowcount
    return count + connection.execute(delete(SEALS).where(SEALS.c.created <= since)).rowcount
