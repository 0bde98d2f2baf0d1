from __future__ import annotations

import time
from typing import Any

import pytest

from convert.store import Database, processes
from tests.store.rows_of import begin, get, row


def run(database: Database, function: Any, *arguments: Any) -> Any:
    return database.run(lambda connection: function(connection, *arguments))


def release(database: Database, dropped: Any = ()) -> None:
    run(database, processes.release, "me", dropped, lambda each: b'{"failed": true}')


def test_the_responses_of_a_dead_process_are_freed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("convert.store.processes.time.time", lambda: now - 60)
    run(database, processes.beat, "dead")
    monkeypatch.setattr("convert.store.processes.time.time", lambda: now)
    run(database, processes.beat, "alive")
    begin(
        database, row("r1", status="in_progress", owner="dead"), row("r2", status="in_progress", owner="alive"),
        row("r3", status="in_progress", owner="dead", work=b"w", attempts=1), row("r4", owner="dead"),
        row("r5", status="in_progress", owner="unheard"), row("r6", status="queued"),
        row("r7", status="in_progress", owner="dead", work=b"w", attempts=processes.ATTEMPTS),
    )  # fmt: skip
    release(database)
    found = {each: get(database, each).status for each in ("r1", "r2", "r3", "r4", "r5", "r6", "r7")}  # type: ignore[union-attr]
    assert found == {
        "r1": "failed", "r2": "in_progress", "r3": "queued", "r4": "completed", "r5": "failed", "r6": "queued",
        "r7": "failed",
    }  # fmt: skip
    failed = get(database, "r7")
    assert failed and failed.body == b'{"failed": true}' and failed.work is None and failed.owner is None


def test_a_process_frees_what_it_has_dropped_and_nothing_else_of_its_own(database: Database) -> None:
    run(database, processes.beat, "me")
    begin(database, row("r1", status="in_progress", owner="me"), row("r2", status="in_progress", owner="me"))
    assert run(database, processes.held, "me") == {("t", "r1"), ("t", "r2")}
    release(database, {("t", "r2")})
    assert [get(database, each).status for each in ("r1", "r2")] == ["in_progress", "failed"]  # type: ignore[union-attr]


def test_a_process_that_ends_leaves_nothing_behind(database: Database) -> None:
    run(database, processes.beat, "me")
    begin(database, row("r1", status="in_progress", owner="me"))
    run(database, processes.leave, "me")
    run(database, processes.release, "another", set(), lambda each: b"{}")
    assert get(database, "r1").status == "failed"  # type: ignore[union-attr]
