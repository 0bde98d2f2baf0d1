from __future__ import annotations

import dataclasses
import time
from collections.abc import Container
from typing import Any

import pytest
from sqlalchemy import text

from convert.store import Database, processes, responses
from convert.store.responses import Row


def running(name: str, owner: str | None, **changes: Any) -> Row:
    made = Row(tenant="t", id=name, thread=name, created=1.0, status="in_progress", owner=owner, input=b"[]")
    return dataclasses.replace(made, **changes)


def fill(database: Database, *rows: Row) -> None:
    database.run(lambda connection: [responses.begin(connection, each) for each in rows])


def beat(database: Database, process: str, ago: float = 0.0) -> None:
    database.run(lambda connection: processes.beat(connection, process))
    change = text("UPDATE processes SET alive = :alive WHERE id = :id")
    database.run(lambda connection: connection.execute(change, {"alive": time.time() - ago, "id": process}))


def failed(row: Row) -> bytes:
    return f'"{row.id} failed"'.encode()


def release(database: Database, process: str = "me", dropped: Container[tuple[str, str]] = ()) -> None:
    database.run(lambda connection: processes.release(connection, process, dropped, failed))


def state(database: Database, name: str) -> tuple[str, str | None]:
    found = database.run(lambda connection: responses.get(connection, "t", name, 0.0))
    assert found is not None
    return found.status, found.owner


def test_who_says_so_is_alive(database: Database) -> None:
    beat(database, "other")
    fill(database, running("r", "other"))
    release(database)
    assert state(database, "r") == ("in_progress", "other")


@pytest.mark.parametrize("owner", ["silent", "unheard-of", None])
def test_the_response_of_a_dead_process_has_failed(database: Database, owner: str | None) -> None:
    beat(database, "silent", ago=processes.SILENCE + 1)
    fill(database, running("r", owner))
    release(database)
    found = database.run(lambda connection: responses.get(connection, "t", "r", 0.0))
    assert found and (found.status, found.owner, found.body) == ("failed", None, b'"r failed"')


def test_a_background_response_is_run_again_a_few_times(database: Database) -> None:
    tired = running("tired", None, work=b"sealed", attempts=processes.ATTEMPTS)
    fill(database, running("r", None, work=b"sealed"), tired)
    release(database)
    assert state(database, "r") == ("queued", None)
    assert state(database, "tired") == ("failed", None)
    kept = database.run(lambda connection: responses.get(connection, "t", "r", 0.0))
    assert kept and kept.work == b"sealed"
    release(database)
    assert state(database, "r") == ("queued", None)  # what is queued is nobody's orphan


def test_a_process_frees_what_it_has_dropped_and_nothing_else_of_its_own(database: Database) -> None:
    beat(database, "me")
    fill(database, running("kept", "me"), running("lost", "me"), running("theirs", "other"))
    assert database.run(lambda connection: processes.held(connection, "me")) == {("t", "kept"), ("t", "lost")}
    release(database, "me", {("t", "lost")})
    assert (state(database, "kept"), state(database, "lost")) == (("in_progress", "me"), ("failed", None))


def test_what_is_finished_is_left_alone(database: Database) -> None:
    fill(database, running("r", None, status="completed", body=b'"done"'))
    release(database)
    assert state(database, "r") == ("completed", None)


def test_a_process_that_ends_in_good_order_frees_its_work_at_once(database: Database) -> None:
    beat(database, "other")
    fill(database, running("r", "other", work=b"sealed"))
    release(database)
    assert state(database, "r") == ("in_progress", "other")
    database.run(lambda connection: processes.leave(connection, "other"))
    release(database)
    assert state(database, "r") == ("queued", None)


def test_processes_long_dead_are_forgotten(database: Database) -> None:
    beat(database, "old", ago=processes.SILENCE * 30)
    beat(database, "new")
    release(database)
    left = database.run(lambda connection: connection.execute(text("SELECT id FROM processes")).scalars().all())
    assert left == ["new"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_that_look_at_once_do_not_free_the_same(database: Database) -> None:
    fill(database, running("r", None, work=b"sealed"))
    with database.engine.begin() as first:
        assert [each.id for each in processes.orphans(first, "one", ())] == ["r"]
        with database.engine.begin() as second:
            assert processes.orphans(second, "two", ()) == []
