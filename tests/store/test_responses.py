from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import event

from convert.store import Database, responses
from convert.store.responses import Segment
from tests.store.rows_of import begin, get, row


def run(database: Database, function: Any, *arguments: Any) -> Any:
    return database.run(lambda connection: function(connection, *arguments))


def chained(database: Database, count: int) -> None:
    begin(database, *(row(f"r{n}", thread="r0", previous=f"r{n - 1}" if n else None) for n in range(count)))


def test_the_first_final_state_stays(database: Database) -> None:
    begin(database, row(status="in_progress", owner="p"))
    assert run(database, responses.finish, row(output=b"[1]"))
    assert not run(database, responses.finish, row(status="failed"))
    found = get(database)
    assert found and (found.status, found.output, found.owner) == ("completed", b"[1]", None)


def test_a_response_may_be_finished_that_was_never_begun(database: Database) -> None:
    assert run(database, responses.finish, row())
    begin(database, row(status="in_progress"))  # comes late
    found = get(database)
    assert found and found.status == "completed"


def test_of_another_tenant_there_is_nothing(database: Database) -> None:
    begin(database, row())
    assert get(database, tenant="other") is None
    assert run(database, responses.chain, "other", "r1") == []
    assert run(database, responses.events, "other", "r1", -1) == []
    assert not run(database, responses.remove, "other", "r1")
    assert not run(database, responses.cancel, "other", "r1", b"{}")
    assert run(database, responses.claim, "other", "r1", "p") is None


@pytest.mark.parametrize("count", [1, 5, 300])
def test_a_chain_is_read_in_one_statement(database: Database, count: int) -> None:
    chained(database, count)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    rows = run(database, responses.chain, "t", f"r{count - 1}")
    assert [each.id for each in rows] == [f"r{n}" for n in range(count)]
    assert len([each for each in statements if "SELECT" in each]) == 1


def test_a_chain_shows_where_a_link_was_deleted(database: Database) -> None:
    chained(database, 4)
    assert run(database, responses.remove, "t", "r1")
    rows = run(database, responses.chain, "t", "r3")
    assert ([each.id for each in rows], rows[0].previous) == (["r2", "r3"], "r1")


def test_a_chain_expires_as_a_whole(database: Database) -> None:
    begin(database, row("r0", thread="r0", created=100.0), row("r1", thread="r0", previous="r0", created=200.0))
    assert get(database, "r0", since=150.0) is not None
    assert get(database, "r0", since=250.0) is None


def test_events_from_the_middle(database: Database) -> None:
    segments = [Segment(0, b"a"), Segment(4, b"b"), Segment(9, b"c")]
    run(database, responses.grow, "t", "r1", segments)
    run(database, responses.grow, "t", "r1", [Segment(4, b"another"), Segment(12, b"d")])
    assert run(database, responses.events, "t", "r1", -1) == [*segments, Segment(12, b"d")]
    assert run(database, responses.events, "t", "r1", 6) == [Segment(4, b"b"), Segment(9, b"c"), Segment(12, b"d")]
    assert run(database, responses.events, "t", "r1", 8) == [Segment(9, b"c"), Segment(12, b"d")]
    run(database, responses.clear, "t", "r1")
    assert run(database, responses.events, "t", "r1", -1) == []


def test_a_queued_response_is_claimed_once(database: Database) -> None:
    begin(database, row(status="queued", work=b"w", created=time.time() - 60))
    assert run(database, responses.waiting, time.time() - 5, 10) == [("t", "r1")]
    claimed = run(database, responses.claim, "t", "r1", "p1")
    assert (claimed.status, claimed.owner, claimed.attempts, claimed.work) == ("in_progress", "p1", 1, b"w")
    assert run(database, responses.claim, "t", "r1", "p2") is None
    assert run(database, responses.waiting, time.time(), 10) == []


def test_what_is_under_way_can_be_cancelled_and_nothing_else(database: Database) -> None:
    begin(database, row(status="in_progress"), row("r2"))
    assert run(database, responses.cancel, "t", "r1", b"{}")
    assert not run(database, responses.cancel, "t", "r1", b"{}")
    assert not run(database, responses.cancel, "t", "r2", b"{}")
    wanted = [("t", "r1"), ("t", "r2"), ("t", "r3")]
    assert run(database, responses.statuses, wanted) == {("t", "r1"): "cancelled", ("t", "r2"): "completed"}
