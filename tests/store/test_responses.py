from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from convert.store import Database, responses
from convert.store.responses import Row, Segment


def row(name: str, previous: str | None = None, **changes: Any) -> Row:
    made = Row(
        tenant="t", id=name, thread="r0", previous=previous, created=1000.0, status="completed",
        input=f'["{name} in"]'.encode(), output=f'["{name} out"]'.encode(),
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def fill(database: Database, *rows: Row) -> None:
    database.run(lambda connection: [responses.begin(connection, each) for each in rows])


def chained(database: Database, length: int) -> None:
    fill(database, *(row(f"r{n}", f"r{n - 1}" if n else None) for n in range(length)))


def statements(database: Database, work: Callable[[], Any]) -> list[str]:
    """The statements that `work` sends, without those of transactions."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    work()
    event.remove(database.engine, "before_cursor_execute", note)
    return [each for each in sent if not each.startswith("BEGIN")]


def get(database: Database, name: str, tenant: str = "t", since: float = 0.0) -> Row | None:
    return database.run(lambda connection: responses.get(connection, tenant, name, since))


def chain(database: Database, name: str, tenant: str = "t") -> list[str]:
    return [each.id for each in database.run(lambda connection: responses.chain(connection, tenant, name))]


def finish(database: Database, changed: Row) -> bool:
    return database.run(lambda connection: responses.finish(connection, changed))


def grow(database: Database, name: str, *segments: Segment) -> None:
    database.run(lambda connection: responses.grow(connection, "t", name, segments))


def events(database: Database, name: str, after: int = -1, tenant: str = "t") -> list[tuple[int, bytes]]:
    found = database.run(lambda connection: responses.events(connection, tenant, name, after))
    return [(each.number, each.data) for each in found]


def test_a_row_comes_back_as_it_was_written(database: Database) -> None:
    whole = row("r1", "r0", conversation="c", owner="p", attempts=2, body=b'{"a": 1}', work=b"sealed")
    fill(database, whole)
    assert get(database, "r1") == whole


def test_what_is_begun_twice_is_one(database: Database) -> None:
    fill(database, row("r1", status="in_progress"), row("r1", status="queued"))
    found = get(database, "r1")
    assert found and found.status == "in_progress"


@pytest.mark.parametrize("length", [1, 2, 300])
def test_a_chain_is_one_query_however_long(database: Database, length: int) -> None:
    chained(database, length)
    last = f"r{length - 1}"
    assert len(statements(database, lambda: chain(database, last))) == 1
    assert chain(database, last) == [f"r{n}" for n in range(length)]


def test_a_chain_has_what_came_in_and_went_out(database: Database) -> None:
    chained(database, 2)
    found = database.run(lambda connection: responses.chain(connection, "t", "r1"))
    assert [(each.input, each.output) for each in found] == [
        (b'["r0 in"]', b'["r0 out"]'), (b'["r1 in"]', b'["r1 out"]'),
    ]  # fmt: skip
    assert {(each.thread, each.status) for each in found} == {("r0", "completed")}


def test_a_chain_from_the_middle_and_a_branch(database: Database) -> None:
    chained(database, 4)
    fill(database, row("b2", "r1"), row("b3", "b2"))
    assert chain(database, "r2") == ["r0", "r1", "r2"]
    assert chain(database, "b3") == ["r0", "r1", "b2", "b3"]


def test_a_deleted_link_shows(database: Database) -> None:
    chained(database, 4)
    assert database.run(lambda connection: responses.remove(connection, "t", "r1"))
    found = database.run(lambda connection: responses.chain(connection, "t", "r3"))
    assert [each.id for each in found] == ["r2", "r3"]
    assert found[0].previous == "r1"  # so that the caller sees that there was more


def test_a_chain_that_begins_at_nothing_is_empty(database: Database) -> None:
    assert chain(database, "r1") == []


def test_tenants_with_the_same_ids_do_not_meet(database: Database) -> None:
    chained(database, 3)
    fill(database, row("r1", "r0", tenant="other", input=b"[]"), row("r2", "r1", tenant="other", input=b"[]"))
    assert chain(database, "r2", "other") == ["r1", "r2"]
    assert get(database, "r0", "other") is None
    grow(database, "r2", Segment(0, b"mine"))
    assert events(database, "r2", tenant="other") == []
    assert database.run(lambda connection: responses.remove(connection, "other", "r2"))
    assert not database.run(lambda connection: responses.remove(connection, "other", "r0"))
    assert not database.run(lambda connection: responses.cancel(connection, "other", "r0", b"{}"))
    wanted = [("other", "r0"), ("other", "r1"), ("t", "r9"), ("t", "r0")]
    known = database.run(lambda connection: responses.statuses(connection, wanted))
    assert known == {("other", "r1"): "completed", ("t", "r0"): "completed"}
    assert chain(database, "r2") == ["r0", "r1", "r2"] and events(database, "r2") == [(0, b"mine")]


def test_a_response_lives_as_long_as_its_thread(database: Database) -> None:
    fill(database, row("r0", created=10.0), row("r1", "r0", created=20.0), row("x", thread="x", created=10.0))
    assert get(database, "r0", since=15.0) is not None
    assert get(database, "x", since=15.0) is None
    assert get(database, "r0", since=20.0) is None
    fill(database, row("r2", tenant="other", created=99.0))  # the thread of another tenant keeps nothing alive
    assert get(database, "r0", since=20.0) is None


def test_whoever_finishes_first_wins(database: Database) -> None:
    fill(database, row("r1", status="in_progress", owner="p", work=b"sealed", output=b"[]"))
    assert finish(database, row("r1", body=b'"first"'))
    assert not finish(database, row("r1", status="failed", body=b'"second"'))
    found = get(database, "r1")
    assert found and (found.status, found.body, found.owner, found.work) == ("completed", b'"first"', None, None)
    assert found.output == b'["r1 out"]'


def test_what_was_never_begun_can_be_finished(database: Database) -> None:
    assert finish(database, row("r1"))
    assert not finish(database, row("r1", status="cancelled"))


def test_what_is_over_cannot_be_cancelled(database: Database) -> None:
    fill(database, row("r1", status="queued", work=b"sealed"), row("r2"))

    def cancel(name: str) -> bool:
        return database.run(lambda connection: responses.cancel(connection, "t", name, b'"cancelled"'))

    assert [cancel("r1"), cancel("r1"), cancel("r2"), cancel("r3")] == [True, False, False, False]
    found = get(database, "r1")
    assert found and (found.status, found.body, found.work) == ("cancelled", b'"cancelled"', None)
    assert not finish(database, row("r1"))


def test_a_queued_response_is_claimed_once(database: Database) -> None:
    fill(database, row("r1", status="queued", work=b"sealed"), row("r2", status="queued", created=2000.0), row("r3"))

    def waiting(before: float, most: int = 9) -> list[tuple[str, str]]:
        return database.run(lambda connection: responses.waiting(connection, before, most))

    def claim(name: str, owner: str, tenant: str = "t") -> Row | None:
        return database.run(lambda connection: responses.claim(connection, tenant, name, owner))

    assert (waiting(2000.0), waiting(9999.0), len(waiting(9999.0, 1))) == ([("t", "r1")], [("t", "r1"), ("t", "r2")], 1)
    assert claim("r1", "p1", tenant="other") is None
    claimed = claim("r1", "p1")
    assert claimed and (claimed.status, claimed.owner, claimed.attempts, claimed.work) == (
        "in_progress", "p1", 1, b"sealed",
    )  # fmt: skip
    assert [claim("r1", "p2"), claim("r3", "p2"), claim("r4", "p2")] == [None, None, None]
    assert waiting(9999.0) == [("t", "r2")]


def test_the_events_of_what_is_made_anew_are_cleared(database: Database) -> None:
    for name in ("r1", "r2"):
        grow(database, name, Segment(0, b"data"))
    database.run(lambda connection: responses.clear(connection, "t", "r1"))
    assert (events(database, "r1"), events(database, "r2")) == ([], [(0, b"data")])


def test_events_from_the_start_the_middle_and_the_end(database: Database) -> None:
    grow(database, "r1", Segment(0, b"0 1 2"), Segment(3, b"3 4"), Segment(5, b"5"))
    everything = [(0, b"0 1 2"), (3, b"3 4"), (5, b"5")]
    assert events(database, "r1") == everything
    assert events(database, "r1", after=0) == everything  # the first segment holds 1 and 2 too
    assert events(database, "r1", after=1) == everything
    assert events(database, "r1", after=2) == everything[1:]
    assert events(database, "r1", after=3) == everything[1:]
    assert events(database, "r1", after=4) == everything[2:]
    assert events(database, "r1", after=99) == everything[2:]
    assert events(database, "r2") == []


def test_events_written_again_are_left_as_they_are(database: Database) -> None:
    grow(database, "r1", Segment(0, b"first"))
    grow(database, "r1", Segment(0, b"again"), Segment(1, b"next"))
    grow(database, "r1")
    assert events(database, "r1") == [(0, b"first"), (1, b"next")]


def test_a_deleted_response_takes_its_events_along(database: Database) -> None:
    fill(database, row("r1"), row("r2"))
    for name in ("r1", "r2"):
        grow(database, name, Segment(0, b"data"))
    assert database.run(lambda connection: responses.remove(connection, "t", "r1"))
    assert not database.run(lambda connection: responses.remove(connection, "t", "r1"))
    left = text("SELECT response FROM events")
    assert database.run(lambda connection: connection.execute(left).scalars().all()) == ["r2"]


def test_large_bytes_come_back(database: Database) -> None:
    large = bytes(range(256)) * 8192
    fill(database, row("r1", output=large))
    found = get(database, "r1")
    assert found and found.output == large
