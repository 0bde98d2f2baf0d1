"""What is written is let go: SQLAlchemy keeps compiled statements, and with each the values that were a part of it."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection

from convert.store import Database, completions, conversations, open_database, responses, seals, secrets
from convert.store import database as module
from convert.store.conversations import Conversation
from convert.store.responses import Segment
from tests.store.test_completions import row as completion
from tests.store.test_responses import row

Write = Callable[[Connection, bytes], object]

WRITES: dict[str, Write] = {
    "begin a response": lambda connection, data: responses.begin(connection, row("r1", input=data)),
    "finish a response": lambda connection, data: responses.finish(connection, row("r2", output=data)),
    "end a response": lambda connection, data: responses.end(connection, row("r0", output=data)),
    "cancel a response": lambda connection, data: responses.cancel(connection, "t", "r0", data),
    "events": lambda connection, data: responses.grow(connection, "t", "r0", [Segment(0, data)]),
    "add a completion": lambda connection, data: completions.add(connection, completion(1, metadata=data)),
    "describe a completion": lambda connection, data: completions.describe(connection, "t", "c0000", data),
    "create a conversation": lambda connection, data: conversations.create(
        connection, "t", Conversation("c1", 1000.0, data)
    ),
    "describe a conversation": lambda connection, data: conversations.describe(connection, "t", "c0", data),
    "append to a conversation": lambda connection, data: conversations.append(connection, "t", "c0", [("i", data)]),
    "keep a seal": lambda connection, data: seals.keep(connection, "t", {"call": data}),
    "make a secret": lambda connection, data: secrets.get_or_make(connection, "a", lambda: data),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_value_that_was_written_is_let_go(database: Database, name: str) -> None:
    def there(connection: Connection) -> None:
        responses.begin(connection, row("r0", status="in_progress"))
        completions.add(connection, completion(0))
        conversations.create(connection, "t", Conversation("c0", 1000.0, b"{}"))

    database.run(there)
    data = os.urandom(1000)
    before = sys.getrefcount(data)
    database.run(lambda connection: WRITES[name](connection, data))
    assert sys.getrefcount(data) == before


def test_a_value_that_waited_for_a_lock_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, other = (open_database(f"sqlite:///{tmp_path / 'locked.db'}") for _ in range(2))
    holder = other.engine.connect()
    holder.begin()
    data = os.urandom(1000)
    before = sys.getrefcount(data)
    given = [data]
    calls: list[int] = []

    def pause(_seconds: float) -> None:
        calls.append(1)
        holder.close()

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    gc.disable()  # it would free some day what holds itself
    try:
        write(database, given)
    finally:
        gc.enable()
    given.clear()
    assert calls and sys.getrefcount(data) == before
    database.close()
    other.close()


def write(database: Database, given: list[bytes]) -> None:
    """As a request does: the frames of this call know the value."""
    (data,) = given
    database.run(lambda connection: responses.begin(connection, row("r1", input=data)))


def test_sqlite_keeps_no_copy(tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    database = open_database(f"sqlite:///{tmp_path / 'large.db'}")
    size = 64_000_000  # more than any allocator keeps for later
    write(database, [b"small"])
    before = resident()
    write(database, [bytes(size)])
    assert resident() - before < size / 2
    database.close()
