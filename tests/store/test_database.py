from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from convert.errors import ProxyError
from convert.store import Database, database, open_database
from convert.store.database import PAUSE, normal, passing, said

BAD_URLS = ["mysql://h/d", "nonsense", "", "/a/file.db", "http://h/", "sqlite://", "sqlite:///:memory:"]
BAD_URLS += ["postgresql://h:port/d"]


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    made = open_database(database_url)
    yield made
    made.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[tuple[Database, Path]]:
    path = tmp_path / "locked.db"
    made = open_database(f"sqlite:///{path}")
    yield made, path
    made.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps of the database while it waits for a lock, in seconds: a count, for a clock may jump."""
    slept: list[float] = []

    def pause(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    return slept


def one(connection: Connection) -> Any:
    return connection.execute(text("SELECT 1")).scalar()


def processes(connection: Connection) -> Any:
    return connection.execute(text("SELECT count(*) FROM processes")).scalar()


def enter(connection: Connection) -> None:
    connection.execute(text("INSERT INTO processes (id, alive) VALUES ('p', 1.0)"))


def locked(path: Path) -> sqlite3.Connection:
    """Another process's connection that holds the lock of writers."""
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    return holder


def test_work_is_done_whole_or_not_at_all(opened: Database) -> None:
    def torn(connection: Connection) -> None:
        enter(connection)
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        opened.run(torn)
    assert opened.run(processes) == 0
    opened.run(enter)
    assert opened.run(processes) == 1


def test_an_error_of_the_work_itself_is_passed_on(opened: Database) -> None:
    def refuse(connection: Connection) -> None:
        raise ProxyError("not_found", "nothing here")

    with pytest.raises(ProxyError, match="nothing here"):
        opened.run(refuse)
    assert opened.run(one) == 1


def test_a_wrong_statement_is_no_reason_to_wait(opened: Database, pauses: list[float]) -> None:
    with pytest.raises(ProxyError) as caught:
        opened.run(lambda connection: connection.execute(text("SELECT nonsense FROM nowhere")))
    assert (caught.value.status, caught.value.retry_after) == (503, "5")
    assert pauses == []
    assert opened.run(one) == 1


def test_a_lock_is_waited_for_only_so_long(
    sqlite: tuple[Database, Path],
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    holder = locked(sqlite[1])
    begun = time.monotonic()
    with pytest.raises(ProxyError) as caught:
        sqlite[0].run(one)
    assert time.monotonic() - begun >= 0.1
    assert 1 <= len(pauses) <= 0.1 / PAUSE + 1
    assert (caught.value.status, caught.value.retry_after) == (503, "5")
    assert "database is locked" in caplog.text
    holder.close()


def test_a_lock_that_is_released_in_time_does_no_harm(
    sqlite: tuple[Database, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = locked(sqlite[1])
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 20:
            holder.execute("ROLLBACK")

    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    sqlite[0].run(enter)
    assert pauses == [PAUSE] * 20
    holder.close()
    assert sqlite[0].run(processes) == 1


def test_a_reader_elsewhere_holds_nobody_up(sqlite: tuple[Database, Path]) -> None:
    reader = sqlite3.connect(sqlite[1], isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM processes").fetchone() == (0,)
    sqlite[0].run(enter)
    assert reader.execute("SELECT count(*) FROM processes").fetchone() == (0,)  # its own snapshot
    reader.close()


def test_sqlite_survives_a_kill(sqlite: tuple[Database, Path]) -> None:
    assert sqlite[0].run(lambda connection: connection.execute(text("PRAGMA journal_mode")).scalar()) == "wal"
    assert sqlite[0].run(lambda connection: connection.execute(text("PRAGMA synchronous")).scalar()) == 1


def test_threads_write_together(opened: Database) -> None:
    failed = []

    def write(number: int) -> None:
        statement = text("INSERT INTO processes (id, alive) VALUES (:id, 1.0)")
        try:
            for turn in range(5):
                identity = f"{number}-{turn}"
                opened.run(lambda connection, id=identity: connection.execute(statement, {"id": id}))  # type: ignore[misc]
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (failed, opened.run(processes)) == ([], 40)


def killed(server: Database) -> None:
    """Ends all connections of the database but the one that asks, as a restart of the server does."""
    other = open_database(server.engine.url.render_as_string(hide_password=False))
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name"
    name = server.engine.url.database
    other.run(lambda connection: connection.execute(text(kill), {"name": name}).all())
    other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_died_is_replaced(opened: Database) -> None:
    assert opened.run(one) == 1
    killed(opened)
    assert opened.run(one) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_dies_in_the_middle_is_replaced_and_the_work_done_once(opened: Database) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        enter(connection)
        tries.append(1)
        if len(tries) == 1:
            killed(opened)
        connection.execute(text("SELECT 1"))

    opened.run(work)
    assert (len(tries), opened.run(processes)) == (2, 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_full_pool_is_not_waited_for_twice(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened.engine.pool, "_timeout", 0.1)
    taken = [opened.engine.connect() for _ in range(30)]
    begun = time.monotonic()
    with pytest.raises(ProxyError):
        opened.run(one)
    assert time.monotonic() - begun < 1
    [connection.close() for connection in taken]
    assert opened.run(one) == 1


def test_a_server_that_is_not_there_is_told_soon(caplog: pytest.LogCaptureFixture) -> None:
    begun = time.monotonic()
    with pytest.raises(ProxyError) as caught:
        open_database("postgresql://user:secret-word@127.0.0.1:1/none")
    assert (caught.value.status, caught.value.retry_after) == (503, "5")
    assert time.monotonic() - begun < 4
    assert "secret-word" not in caplog.text + caught.value.message


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "given.db").write_bytes(b"not a database, but long enough for its header" * 50)
    with pytest.raises(ProxyError):
        open_database(f"sqlite:///{tmp_path / 'given.db'}")


def test_a_folder_is_made_for_the_file(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'some' / 'where' / 'given.db'}").close()
    assert (tmp_path / "some" / "where" / "given.db").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProxyError) as caught:
        open_database(f"sqlite:///{tmp_path / 'file' / 'given.db'}")
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@h/d?sslmode=require", "postgresql+psycopg"),
        ("sqlite:///x.db", "sqlite"),
    ],
)
def test_urls_as_platforms_write_them(url: str, driver: str) -> None:
    parsed = normal(url)
    assert (parsed.drivername, parsed.query) == (driver, {"sslmode": "require"} if "ssl" in url else {})


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_of_another_database_or_of_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|must begin"):
        normal(url)
    with pytest.raises(ProxyError):
        open_database(url)


class ComplaintError(Exception):
    sqlstate = ""


def complaint(words: str, state: str = "") -> DBAPIError:
    error = ComplaintError(words)
    error.sqlstate = state
    return OperationalError("SELECT 'a secret'", {"x": "a secret"}, error)


def test_what_passes_is_tried_again() -> None:
    assert passing(complaint("database is locked"))
    assert passing(complaint("serialization failure", "40001"))
    assert passing(complaint("deadlock detected", "40P01"))
    assert not passing(complaint("database or disk is full"))
    assert not passing(complaint("syntax error", "42601"))
    assert not passing(OSError("read-only file system"))


def test_a_complaint_is_one_line_without_values() -> None:
    assert said(complaint("it is full\nDETAIL: a secret")) == "it is full"
    assert said(OSError("read-only")) == "read-only"


def test_whether_other_machines_see_it(opened: Database, database_url: str) -> None:
    assert opened.shared == database_url.startswith("postgresql")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_an_error_and_nothing_half_written(opened: Database) -> None:
    """SQLite's own limit of pages stands for the disk's."""

    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 40")

    opened.engine.dispose()
    event.listen(opened.engine, "connect", limit)
    large = text("INSERT INTO secrets (name, value) VALUES ('large', :value)")

    def write(connection: Connection) -> None:
        enter(connection)
        connection.execute(large, {"value": b"x" * 1_000_000})

    with pytest.raises(ProxyError) as caught:
        opened.run(write)
    assert caught.value.status == 503
    assert opened.run(processes) == 0
    opened.run(enter)  # what still fits


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_transactions_at_odds_both_get_through(opened: Database) -> None:
    """Each holds a row that the other wants: the server ends one, which is done again."""
    add = text("INSERT INTO processes (id, alive) VALUES (:id, 0)")
    for name in ("a", "b"):
        opened.run(lambda connection, name=name: connection.execute(add, {"id": name}))  # type: ignore[misc]
    met = threading.Barrier(2, timeout=5)
    update = text("UPDATE processes SET alive = alive + 1 WHERE id = :id")

    def work(first: str, second: str) -> None:
        tries: list[int] = []

        def step(connection: Connection) -> None:
            tries.append(1)
            connection.execute(update, {"id": first})
            if len(tries) == 1:
                met.wait()
            connection.execute(update, {"id": second})

        opened.run(step)

    threads = [threading.Thread(target=work, args=names) for names in (("a", "b"), ("b", "a"))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert opened.run(lambda connection: connection.execute(text("SELECT sum(alive) FROM processes")).scalar()) == 4


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lock_on_a_table_is_waited_for_only_so_long(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.3)
    hurried = open_database(opened.engine.url.render_as_string(hide_password=False))
    with opened.engine.begin() as holder:
        holder.execute(text("LOCK TABLE processes IN ACCESS EXCLUSIVE MODE"))
        begun = time.monotonic()
        with pytest.raises(ProxyError) as caught:
            hurried.run(processes)
        assert caught.value.status == 503 and time.monotonic() - begun < 2
    assert hurried.run(processes) == 0
    hurried.close()


def test_a_server_that_accepts_and_is_silent_is_told_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(ProxyError):
            open_database(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d")
        assert time.monotonic() - begun < 5
