from __future__ import annotations

from convert.store import Database
from convert.store.rows import insert
from convert.store.schema import SECRETS


def test_an_insert_may_meet_a_row_that_is_there(database: Database) -> None:
    for value in (b"first", b"second"):
        database.run(
            lambda connection, value=value: connection.execute(  # type: ignore[misc]
                insert(connection, SECRETS).values(name="a", value=value).on_conflict_do_nothing()
            )
        )
    assert database.run(lambda connection: connection.execute(SECRETS.select()).all()) == [("a", b"first")]
