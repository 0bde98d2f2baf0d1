from __future__ import annotations

from sqlalchemy import Connection, text

from convert.store import Database, completions, conversations, responses, seals
from convert.store.conversations import Conversation
from convert.store.responses import Row, Segment
from convert.store.sweep import sweep


def response(connection: Connection, name: str, created: float, thread: str, tenant: str = "t") -> None:
    made = Row(tenant=tenant, id=name, thread=thread, created=created, status="completed", input=b"[]")
    responses.begin(connection, made)
    responses.grow(connection, tenant, name, [Segment(0, b"data")])


def left(database: Database, table: str, column: str = "id") -> list[str]:
    statement = text(f"SELECT {column} FROM {table} ORDER BY {column}")
    return [*database.run(lambda connection: connection.execute(statement).scalars().all())]


def test_a_chain_goes_as_a_whole_once_its_last_is_old(database: Database) -> None:
    def fill(connection: Connection) -> None:
        response(connection, "old-1", 10.0, "old-1")
        response(connection, "old-2", 20.0, "old-1")
        response(connection, "used-1", 10.0, "used-1")
        response(connection, "used-2", 30.0, "used-1")
        response(connection, "old-3", 10.0, "used-1", tenant="other")  # of the same name, and not the same thread

    database.run(fill)
    assert database.run(lambda connection: sweep(connection, 20.0)) == 3
    assert left(database, "responses") == ["used-1", "used-2"]
    assert left(database, "events", "response") == ["used-1", "used-2"]


def test_a_conversation_goes_with_its_items(database: Database) -> None:
    def fill(connection: Connection) -> None:
        for tenant, name, created in (("t", "old", 10.0), ("t", "new", 30.0), ("other", "old", 30.0)):
            conversations.create(connection, tenant, Conversation(name, created, b"{}"))
            add = text("INSERT INTO items (tenant, conversation, id, data) VALUES (:t, :c, :id, :data)")
            connection.execute(add, {"t": tenant, "c": name, "id": f"{tenant}-{name}", "data": b"{}"})

    database.run(fill)
    assert database.run(lambda connection: sweep(connection, 20.0)) == 1
    assert left(database, "conversations") == ["new", "old"]
    assert left(database, "items") == ["other-old", "t-new"]


def test_completions_and_seals_go_by_their_age(database: Database) -> None:
    def fill(connection: Connection) -> None:
        for name, created in (("old", 10.0), ("new", 30.0)):
            made = completions.Row(
                tenant="t", id=name, created=created, model="m", metadata=b"{}", request=b"{}", body=b"{}"
            )
            completions.add(connection, made)
        seals.keep(connection, "t", {"old": b"1", "new": b"2"})
        connection.execute(text("UPDATE seals SET created = 10.0 WHERE call = 'old'"))

    database.run(fill)
    assert database.run(lambda connection: sweep(connection, 20.0)) == 2
    assert left(database, "completions") == ["new"] and left(database, "seals", "call") == ["new"]


def test_events_without_a_response_go(database: Database) -> None:
    """A stream may write after its response was deleted."""
    database.run(lambda connection: responses.grow(connection, "t", "gone", [Segment(0, b"data")]))
    database.run(lambda connection: response(connection, "there", 30.0, "there"))
    assert database.run(lambda connection: sweep(connection, 20.0)) == 0
    assert left(database, "events", "response") == ["there"]
