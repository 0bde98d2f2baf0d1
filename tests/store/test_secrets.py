from __future__ import annotations

from convert.store import open_database, secrets


def test_the_first_secret_stays(database_url: str) -> None:
    for _ in range(2):
        database = open_database(database_url)
        assert database.run(lambda connection: secrets.get_or_make(connection, "a", lambda: b"first")) == b"first"
        assert database.run(lambda connection: secrets.get_or_make(connection, "a", lambda: b"second")) == b"first"
        assert database.run(lambda connection: secrets.get_or_make(connection, "b", lambda: b"other")) == b"other"
        database.close()
