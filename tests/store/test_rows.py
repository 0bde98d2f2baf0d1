from __future__ import annotations

from convert.store import open_database
from convert.store.rows import insert, key
from convert.store.schema import SECRETS


def test_an_insert_leaves_what_is_there(database_url: str) -> None:
    database = open_database(database_url)
    for value in (b"first", b"second"):
        database.run(
            lambda connection, value=value: connection.execute(  # type: ignore[misc]
                insert(connection, SECRETS).values(name="key", value=value).on_conflict_do_nothing()
            )
        )
    assert database.run(lambda connection: connection.execute(SECRETS.select()).all()) == [("key", b"first")]
    database.close()


def test_a_word_that_a_column_does_not_take_has_a_key_all_the_same() -> None:
    assert key("call_1") == "call_1" and key("x" * 128) == "x" * 128 and key("x" * 200, 256) == "x" * 200
    strange = ["x" * 129, "y" * 129, "a\0b", "\0", "\ud800" * 129]
    assert len({key(word) for word in strange}) == 5
    assert all(len(key(word)) < 128 and "\0" not in key(word) for word in strange)
