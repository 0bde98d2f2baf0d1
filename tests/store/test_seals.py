from __future__ import annotations

from convert.store import Database, seals


def test_the_latest_value_of_each_call_of_a_tenant(database: Database) -> None:
    database.run(lambda connection: seals.keep(connection, "t", {"a": b"1", "b": b"2"}))
    database.run(lambda connection: seals.keep(connection, "t", {"a": b"3"}))
    database.run(lambda connection: seals.keep(connection, "t", {}))
    assert database.run(lambda connection: seals.recall(connection, "t", ["a", "b", "c"])) == {"a": b"3", "b": b"2"}
    assert database.run(lambda connection: seals.recall(connection, "other", ["a"])) == {}
