"""Which processes are alive, and what becomes of the responses of those that are not.

A process that works on responses says every few seconds that it is alive. Whoever looks and finds that one has been
silent for too long, frees its responses: background ones are queued again (a few times), others have failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container

from sqlalchemy import Connection, delete, or_, select, update

from convert.store.responses import Row
from convert.store.rows import insert
from convert.store.schema import PROCESSES, RESPONSES

BEAT = 2.0  # seconds between two signs of life
SILENCE = 30.0  # seconds after which a process is taken for dead
ATTEMPTS = 3  # how often a background response is begun


def beat(connection: Connection, process: str) -> None:
    """Says that a process is alive."""
    statement = insert(connection, PROCESSES)
    changed = {"alive": statement.excluded.alive}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_=changed), {"id": process, "alive": time.time()}
    )


def leave(connection: Connection, process: str) -> None:
    """Says that a process ends in good order; what it still works on is free at once."""
    connection.execute(delete(PROCESSES).where(PROCESSES.c.id == process))


def held(connection: Connection, process: str) -> set[tuple[str, str]]:
    """(tenant, id) of the responses in progress that are a process's."""
    columns = (RESPONSES.c.tenant, RESPONSES.c.id)
    mine = select(*columns).where(RESPONSES.c.status == "in_progress", RESPONSES.c.owner == process)
    return {(row.tenant, row.id) for row in connection.execute(mine)}


def orphans(connection: Connection, process: str, dropped: Container[tuple[str, str]]) -> list[Row]:
    """The responses in progress that nobody works on, each locked for this transaction: those of dead processes, and
    those of `process` itself that it has `dropped`, (tenant, id) each."""
    living = select(PROCESSES.c.id).where(PROCESSES.c.alive > time.time() - SILENCE)
    dead = or_(RESPONSES.c.owner.is_(None), RESPONSES.c.owner.not_in(living), RESPONSES.c.owner == process)
    statement = select(RESPONSES).where(RESPONSES.c.status == "in_progress", dead).with_for_update(skip_locked=True)
    rows = [Row(**found) for found in connection.execute(statement).mappings()]
    return [row for row in rows if row.owner != process or (row.tenant, row.id) in dropped]


def release(
    connection: Connection, process: str, dropped: Container[tuple[str, str]], failed: Callable[[Row], bytes]
) -> None:
    """Frees the orphans: a background response is queued again, any other has failed; `failed` gives the body of the
    latter."""
    for row in orphans(connection, process, dropped):
        repeat = row.work is not None and row.attempts < ATTEMPTS
        values = {"status": "queued"} if repeat else {"status": "failed", "body": failed(row), "work": None}
        this = (RESPONSES.c.tenant == row.tenant, RESPONSES.c.id == row.id, RESPONSES.c.status == "in_progress")
        connection.execute(update(RESPONSES).where(*this), {**values, "owner": None})
    connection.execute(delete(PROCESSES).where(PROCESSES.c.alive < time.time() - 20 * SILENCE))
