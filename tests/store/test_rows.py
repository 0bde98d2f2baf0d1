from __future__ import annotations

from convert.store import open_database
from convert.store.rows import insert
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
