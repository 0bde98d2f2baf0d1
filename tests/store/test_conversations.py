from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from convert.store import Database, conversations
from convert.store.conversations import Conversation


def run(database: Database, function: Any, *arguments: Any) -> Any:
    return database.run(lambda connection: function(connection, *arguments))


def made(database: Database, created: float = 100.0) -> None:
    run(database, conversations.create, "t", Conversation("c", created, b"{}"))


def entries(*names: str) -> list[tuple[str, bytes]]:
    return [(name, name.encode()) for name in names]


def test_items_keep_their_order_and_are_there_once(database: Database) -> None:
    made(database)
    assert run(database, conversations.append, "t", "c", entries("b", "a"))
    assert run(database, conversations.append, "t", "c", entries("a", "c"))
    assert run(database, conversations.items, "t", "c") == [b"b", b"a", b"c"]
    assert run(database, conversations.count, "t", "c") == 3
    place = run(database, conversations.position, "t", "c", "a")
    assert run(database, conversations.page, "t", "c", place, 5, False) == [b"c"]
    assert run(database, conversations.page, "t", "c", place, 5, True) == [b"b"]
    assert run(database, conversations.page, "t", "c", None, 2, True) == [b"c", b"a"]


def test_a_conversation_that_is_gone_takes_no_items(database: Database) -> None:
    made(database)
    assert run(database, conversations.remove, "t", "c")
    assert not run(database, conversations.append, "t", "c", entries("a"))
    assert run(database, conversations.items, "t", "c") == []
    assert not run(database, conversations.remove, "t", "c")


def test_of_another_tenant_there_is_nothing(database: Database) -> None:
    made(database)
    run(database, conversations.append, "t", "c", entries("a"))
    assert run(database, conversations.get, "other", "c", 0.0) is None
    assert not run(database, conversations.append, "other", "c", entries("b"))
    assert not run(database, conversations.describe, "other", "c", b"{}")
    assert not run(database, conversations.remove_item, "other", "c", "a")
    assert run(database, conversations.item, "other", "c", "a") is None
    assert run(database, conversations.position, "other", "c", "a") is None


def test_use_keeps_a_conversation_alive(database: Database) -> None:
    made(database)
    assert run(database, conversations.get, "t", "c", 150.0) is None
    run(database, conversations.append, "t", "c", [])
    assert run(database, conversations.get, "t", "c", 150.0) == Conversation("c", 100.0, b"{}")
    assert run(database, conversations.describe, "t", "c", b'{"a":"b"}')


def test_answers_at_the_same_time_do_not_mix_their_items(database: Database) -> None:
    made(database)
    with ThreadPoolExecutor(8) as pool:
        jobs = [entries(f"{n}-question", f"{n}-answer") for n in range(24)]
        assert all(pool.map(lambda job: run(database, conversations.append, "t", "c", job), jobs))
    names = [each.decode().split("-") for each in run(database, conversations.items, "t", "c")]
    assert [number for number, _ in names[::2]] == [number for number, _ in names[1::2]] and len(names) == 48
