from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from convert.errors import ProxyError
from convert.store import Database, database, open_database
from convert.store.database import normal
from tests.store.rows_of import begin, get, row


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://u:p@h/db", "postgresql+psycopg"),
        ("postgresql://h/db", "postgresql+psycopg"),
        ("postgresql+psycopg2://h/db", "postgresql+psycopg"),
        ("sqlite:////tmp/x.db", "sqlite"),
    ],
)
def test_a_url_gets_the_driver_that_is_installed(url: str, driver: str) -> None:
    assert normal(url).drivername == driver


@pytest.mark.parametrize("url", ["mysql://h/db", "nothing"])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        normal(url)


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////proc/none/x.db"])
def test_a_database_that_cannot_be_opened(url: str) -> None:
    with pytest.raises(ProxyError) as caught:
        open_database(url)
    assert (caught.value.status, caught.value.retry_after) == (503, "5")


def test_nothing_is_written_of_a_transaction_that_fails(database: Database) -> None:
    def half(connection: object) -> None:
        from convert.store import responses

        responses.begin(connection, row())  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run(half)
    assert get(database) is None


def test_a_lock_of_another_process_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    begin(opened, row())
    assert get(opened) is not None
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    with pytest.raises(ProxyError) as caught:
        begin(opened, row("r2"))
    assert caught.value.status == 503
    other.execute("ROLLBACK")


def test_connections_that_died_are_replaced(postgres: str) -> None:
    from tests import databases

    with databases.fresh(postgres) as url:
        opened = open_database(url)
        begin(opened, row())
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
        other = open_database(url)
        with other.engine.connect() as connection:
            connection.execute(text(kill))
        assert get(opened) is not None
        opened.close()
        other.close()


def test_a_full_disk_is_an_error_and_no_half_written_row(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    begin(opened, row())
    with opened.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count={pages + 2}"))
    with pytest.raises(ProxyError) as caught:
        begin(opened, row("r2"), row("r3", input=b"x" * 1_000_000))
    assert caught.value.status == 503
    assert get(opened, "r3") is None and get(opened, "r1") is not None
