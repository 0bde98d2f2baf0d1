from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from convert.store import Database, conversations, open_database
from convert.store.conversations import Conversation


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    for tenant in ("t", "other"):
        made = Conversation("c", 1000.0, b"{}")
        opened.run(lambda connection, tenant=tenant, made=made: conversations.create(connection, tenant, made))  # type: ignore[misc]
    yield opened
    opened.close()


def append(database: Database, *names: str, conversation: str = "c") -> bool:
    given = [(name, f'"{name}"'.encode()) for name in names]
    return database.run(lambda connection: conversations.append(connection, "t", conversation, given))


def names(found: list[bytes]) -> list[str]:
    return [data.decode().strip('"') for data in found]


def items(database: Database, tenant: str = "t") -> list[str]:
    return names(database.run(lambda connection: conversations.items(connection, tenant, "c")))


def page(database: Database, after: str | None, limit: int, descending: bool = False) -> list[str]:
    def work(connection: Any) -> list[bytes]:
        at = conversations.position(connection, "t", "c", after) if after else None
        return conversations.page(connection, "t", "c", at, limit, descending)

    return names(database.run(work))


def get(database: Database, since: float, tenant: str = "t") -> Conversation | None:
    return database.run(lambda connection: conversations.get(connection, tenant, "c", since))


def test_it_comes_back_and_is_described(database: Database) -> None:
    assert get(database, 0.0) == Conversation("c", 1000.0, b"{}")
    assert database.run(lambda connection: conversations.describe(connection, "t", "c", b'{"a": "b"}'))
    found = get(database, time.time() - 10)  # to describe it is to use it
    assert found and found.metadata == b'{"a": "b"}'
    assert not database.run(lambda connection: conversations.describe(connection, "t", "d", b"{}"))


def test_items_stay_in_order_and_come_once(database: Database) -> None:
    assert append(database, "a", "b")
    assert append(database, "b", "c", "c")
    assert append(database)
    assert items(database) == ["a", "b", "c"]
    assert database.run(lambda connection: conversations.count(connection, "t", "c")) == 3


def test_nothing_is_added_to_a_conversation_that_is_gone(database: Database) -> None:
    assert not append(database, "a", conversation="d")
    rows = database.run(lambda connection: connection.execute(text("SELECT count(*) FROM items")).scalar())
    assert rows == 0


def test_pages_in_both_orders(database: Database) -> None:
    append(database, *"abcde")
    assert page(database, None, 2) == ["a", "b"]
    assert page(database, "b", 9) == ["c", "d", "e"]
    assert page(database, None, 2, descending=True) == ["e", "d"]
    assert page(database, "d", 9, descending=True) == ["c", "b", "a"]
    assert page(database, "e", 9) == []


def test_an_item_by_itself(database: Database) -> None:
    append(database, "a", "b")
    assert database.run(lambda connection: conversations.item(connection, "t", "c", "b")) == b'"b"'
    assert database.run(lambda connection: conversations.remove_item(connection, "t", "c", "a"))
    assert not database.run(lambda connection: conversations.remove_item(connection, "t", "c", "a"))
    assert database.run(lambda connection: conversations.item(connection, "t", "c", "a")) is None
    assert database.run(lambda connection: conversations.position(connection, "t", "c", "a")) is None
    assert items(database) == ["b"]


def test_tenants_with_the_same_ids_do_not_meet(database: Database) -> None:
    append(database, "a")
    assert items(database, "other") == []
    assert database.run(lambda connection: conversations.position(connection, "other", "c", "a")) is None
    assert database.run(lambda connection: conversations.item(connection, "other", "c", "a")) is None
    assert not database.run(lambda connection: conversations.remove_item(connection, "other", "c", "a"))
    assert database.run(lambda connection: conversations.count(connection, "other", "c")) == 0
    assert database.run(lambda connection: conversations.remove(connection, "other", "c"))
    assert items(database) == ["a"] and get(database, 0.0) is not None


def test_its_items_go_with_it(database: Database) -> None:
    append(database, "a")
    assert database.run(lambda connection: conversations.remove(connection, "t", "c"))
    assert not database.run(lambda connection: conversations.remove(connection, "t", "c"))
    assert items(database) == [] and get(database, 0.0) is None


def test_it_expires_from_its_last_use(database: Database) -> None:
    assert get(database, 1000.0) is None
    append(database, "a")
    assert get(database, 1000.0) is not None


def test_items_of_two_answers_do_not_mix(database: Database) -> None:
    def answer(letter: str) -> None:
        append(database, *(f"{letter}{n}" for n in range(20)))

    threads = [threading.Thread(target=answer, args=(letter,)) for letter in "abcd"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    found = items(database)
    assert len(found) == 80
    blocks = [found[at : at + 20] for at in range(0, 80, 20)]
    assert all(block == [f"{block[0][0]}{n}" for n in range(20)] for block in blocks)
