from __future__ import annotations

from convert.store import Database, completions, conversations, responses, seals
from convert.store.conversations import Conversation
from convert.store.responses import Segment
from convert.store.sweep import sweep
from tests.store.rows_of import begin, get, row


def test_what_nobody_has_used_is_deleted_and_the_rest_stays(database: Database) -> None:
    begin(
        database, row("old", created=100.0), row("first", thread="first", created=100.0),
        row("second", thread="first", previous="first", created=300.0),
    )  # fmt: skip
    kept = completions.Row(tenant="t", id="c", created=100.0, model="m", metadata=b"{}", request=b"{}", body=b"{}")

    def fill(connection: object) -> None:
        for identity in ("old", "second"):
            responses.grow(connection, "t", identity, [Segment(0, b"x")])  # type: ignore[arg-type]
        for name, created in (("old", 100.0), ("new", 300.0)):
            conversations.create(connection, "t", Conversation(name, created, b"{}"))  # type: ignore[arg-type]
        completions.add(connection, kept)  # type: ignore[arg-type]
        seals.keep(connection, "t", {"call": b"1"})  # type: ignore[arg-type]

    database.run(fill)
    assert database.run(lambda connection: sweep(connection, 200.0)) == 3
    assert [get(database, each) is not None for each in ("old", "first", "second")] == [False, True, True]
    assert database.run(lambda connection: responses.events(connection, "t", "old", -1)) == []
    assert len(database.run(lambda connection: responses.events(connection, "t", "second", -1))) == 1
    assert database.run(lambda connection: conversations.get(connection, "t", "old", 0.0)) is None
    assert database.run(lambda connection: conversations.get(connection, "t", "new", 0.0)) is not None
    assert database.run(lambda connection: seals.recall(connection, "t", ["call"])) == {"call": b"1"}


def test_a_conversation_goes_with_its_items(database: Database) -> None:
    database.run(lambda connection: conversations.create(connection, "t", Conversation("c", 100.0, b"{}")))
    database.run(lambda connection: conversations.append(connection, "t", "c", [("i", b"x")]))
    assert database.run(lambda connection: sweep(connection, 200.0)) == 0  # it was used just now
    assert database.run(lambda connection: sweep(connection, 1e12)) == 1
    assert database.run(lambda connection: conversations.items(connection, "t", "c")) == []
