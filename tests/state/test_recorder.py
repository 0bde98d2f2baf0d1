from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from convert import sse
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.settings import load
from convert.state import ids, recorder
from convert.state.memory import Memory
from convert.state.recorder import Recorder, joined, stopped
from convert.state.turn import Turn, take
from convert.store import conversations, responses
from convert.store.conversations import Conversation
from convert.store.responses import Row, Segment
from tests.conftest import Make

ASKED = {"model": "m", "input": "one two three four", "stream": True}


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread outlives its test."""
    made: list[Recorder] = []
    start = Recorder.start
    monkeypatch.setattr(Recorder, "start", lambda self: made.append(self) or start(self))
    yield
    for each in made:
        each.stop()


@pytest.fixture
def memory(database_url: str) -> Iterator[Memory]:
    made = Memory(load(None, {"DATABASE_URL": database_url}))
    yield made
    made.database.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder looks around more often than it would."""
    monkeypatch.setattr(recorder, "FLUSH", 0.02)
    monkeypatch.setattr(recorder, "LOOK", 0.05)
    monkeypatch.setattr(recorder, "WATCH", 0.02)
    monkeypatch.setattr("convert.store.processes.BEAT", 0.02)


def turn(memory: Memory, keeper: Recorder, **asked: Any) -> Turn:
    made = take(memory, keeper, "t", FORMATS["responses"], {"model": "m", "input": "Hi", **asked})
    assert made is not None
    return made


def completed(made: Turn) -> dict[str, Any]:
    return {**made.shell(), "status": "completed"}


def stored(memory: Memory, identity: str) -> Row | None:
    return memory.run(lambda connection: responses.get(connection, "t", identity, 0.0))


def segments(memory: Memory, identity: str) -> list[Segment]:
    return memory.run(lambda connection: responses.events(connection, "t", identity, -1))


def event(number: int) -> bytes:
    return sse.event({"type": "some", "sequence_number": number})


def until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """What a condition gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


def test_events_are_written_while_a_stream_runs(memory: Memory, quick: None) -> None:
    made = turn(memory, Recorder(memory))
    made.begin()
    made.grow(event(0) + event(1))
    until(lambda: segments(memory, made.id))
    made.grow(event(2))
    until(lambda: len(segments(memory, made.id)) == 2)
    assert [(each.number, each.data) for each in segments(memory, made.id)] == [(0, event(0) + event(1)), (2, event(2))]
    made.grow(event(3))
    made.finish(completed(made))
    assert b"".join(each.data for each in segments(memory, made.id)) == b"".join(event(n) for n in range(4))
    row = stored(memory, made.id)
    assert row and (row.status, row.owner) == ("completed", None)


def test_what_grows_waits_for_a_database_that_is_away(
    memory: Memory, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = turn(memory, Recorder(memory))
    made.begin()
    run, refused = memory.database.run, []

    def refuse(_: object) -> None:
        refused.append(1)
        raise ProxyError("overloaded", "away")

    monkeypatch.setattr(memory.database, "run", refuse)
    made.grow(event(0))
    until(lambda: refused)
    made.grow(event(1))
    monkeypatch.setattr(memory.database, "run", run)
    until(lambda: segments(memory, made.id))
    made.finish(completed(made))
    assert b"".join(each.data for each in segments(memory, made.id)) == event(0) + event(1)


def test_a_failing_finish_writes_nothing_and_is_found_as_an_orphan(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ids.new("conv")
    memory.run(lambda connection: conversations.create(connection, "t", Conversation(name, time.time(), b"{}")))
    keeper = Recorder(memory)
    monkeypatch.setattr(keeper, "start", lambda: None)
    made = turn(memory, keeper, conversation=name)
    made.begin()
    made.grow(event(0))

    def refuse(*_: object) -> None:
        raise ProxyError("overloaded", "the last statement of the transaction failed")

    with monkeypatch.context() as patch:
        patch.setattr(conversations, "append", refuse)
        with pytest.raises(ProxyError):
            made.finish(completed(made))
    row = stored(memory, made.id)
    assert row and row.status == "in_progress" and segments(memory, made.id) == []
    keeper._look()
    keeper._look()  # what is missing at two looks was dropped
    row = stored(memory, made.id)
    assert row and row.status == "failed"
    assert json.loads(row.body)["error"]["code"] == "server_error"


def test_a_response_that_cannot_be_begun_is_not_followed(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Recorder(memory)
    monkeypatch.setattr(keeper, "start", lambda: None)
    made = turn(memory, keeper)

    def refuse(_: object) -> None:
        raise ProxyError("overloaded", "away")

    monkeypatch.setattr(memory.database, "run", refuse)
    with pytest.raises(ProxyError):
        made.begin()
    assert keeper._turns == set()


def test_what_is_abandoned_is_cancelled_once(memory: Memory) -> None:
    made = turn(memory, Recorder(memory))
    made.abandon()  # never begun
    assert stored(memory, made.id) is None
    made.begin()
    made.abandon()
    made.abandon()
    row = stored(memory, made.id)
    assert row and (row.status, row.owner, json.loads(row.body)["status"]) == ("cancelled", None, "cancelled")
    with pytest.raises(ProxyError, match="ended from elsewhere"):
        made.finish(completed(made))
    row = stored(memory, made.id)
    assert row and row.status == "cancelled"


def test_a_response_that_was_ended_elsewhere_is_not_told_as_complete(memory: Memory) -> None:
    made = turn(memory, Recorder(memory))
    made.begin()
    memory.run(lambda connection: responses.cancel(connection, "t", made.id, b"{}"))
    chunk = sse.event({"type": "response.completed", "response": completed(made)}, "response.completed")
    (told,) = made.recorded(iter([chunk]))
    row = stored(memory, made.id)
    assert b"response.failed" in told and row and row.status == "cancelled"


def test_a_background_response_that_is_cancelled_is_told(memory: Memory) -> None:
    made = turn(memory, Recorder(memory), background=True)
    made.begin()
    memory.run(lambda connection: responses.cancel(connection, "t", made.id, b"{}"))
    begun = time.monotonic()
    until(lambda: made.cancelled)
    assert time.monotonic() - begun < 2


def test_what_is_finished_cannot_be_abandoned(memory: Memory) -> None:
    made = turn(memory, Recorder(memory))
    made.begin()
    made.finish(completed(made))
    made.abandon()
    row = stored(memory, made.id)
    assert row and row.status == "completed"


def test_the_items_of_an_answer_join_the_conversation_with_its_status(memory: Memory) -> None:
    name = ids.new("conv")
    memory.run(lambda connection: conversations.create(connection, "t", Conversation(name, time.time(), b"{}")))
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    for status, expected in (("failed", 0), ("incomplete", 2), ("completed", 3)):
        made = turn(memory, Recorder(memory), conversation=name)
        made.finish({**completed(made), "status": status, "output": [message]})
        count = memory.run(lambda connection: conversations.count(connection, "t", name))
        assert count == expected, status  # msg_1 is there once


def test_a_process_says_that_it_is_alive_and_frees_what_the_dead_left(memory: Memory, quick: None) -> None:
    left = turn(memory, Recorder(memory))
    memory.run(lambda connection: responses.begin(connection, Row(**{**_fields(left.begun()), "owner": "dead"})))
    keeper = Recorder(memory)
    keeper.start()
    until(lambda: (row := stored(memory, left.id)) and row.status == "failed")
    alive = text("SELECT id FROM processes")
    assert memory.process in memory.run(lambda connection: connection.execute(alive).scalars().all())


def _fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Row.__slots__}


def test_retention_is_swept(memory: Memory) -> None:
    old = Row(tenant="t", id="old", thread="old", created=1.0, status="completed", input=b"[]")
    memory.run(lambda connection: responses.begin(connection, old))
    Recorder(memory)._sweep()
    assert stored(memory, "old") is None


def test_events_that_are_written_together() -> None:
    assert joined([]) == []
    assert joined([(3, b"a"), (4, b"b")]) == [Segment(3, b"ab")]


def test_the_body_of_what_was_stopped() -> None:
    row = Row(tenant="t", id="r", thread="r", created=1.0, status="in_progress", input=b"[]", body=b'{"id":"r"}')
    assert json.loads(stopped(row)) == {
        "id": "r", "status": "failed",
        "error": {"code": "server_error", "message": "The process that worked on this response was stopped."},
    }  # fmt: skip


def statuses(memory: Memory) -> list[str]:
    return [*memory.run(lambda connection: connection.execute(text("SELECT status FROM responses")).scalars().all())]


def test_a_stream_whose_client_hangs_up_is_stored_as_cancelled(make: Make, memory: Memory, database_url: str) -> None:
    answer = make(DATABASE_URL=database_url).post("/v1/responses", json=ASKED, buffered=False)
    pieces = answer.iter_encoded()
    assert b"response.created" in next(pieces)
    assert statuses(memory) == ["in_progress"]
    answer.close()
    assert statuses(memory) == ["cancelled"]


def test_a_stream_that_is_never_read_is_stored_as_cancelled(make: Make, memory: Memory, database_url: str) -> None:
    make(DATABASE_URL=database_url).post("/v1/responses", json=ASKED, buffered=False).close()
    assert statuses(memory) == ["cancelled"]


def test_a_database_that_fails_at_the_end_fails_the_stream(
    make: Make, memory: Memory, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: object) -> bool:
        raise ProxyError("overloaded", "away")

    monkeypatch.setattr(responses, "grow", torn)  # comes after the row in the transaction
    answer = make(DATABASE_URL=database_url).post("/v1/responses", json=ASKED)
    events = [*sse.chunks([answer.get_data()])]
    assert [each["sequence_number"] for each in events] == [*range(len(events))]
    assert (events[-1]["type"], events[-1]["response"]["status"]) == ("response.failed", "failed")
    assert "response.completed" not in {each["type"] for each in events}
    assert statuses(memory) == ["in_progress"]  # an orphan, which the recorder frees


def test_a_response_that_is_finished_while_its_events_are_written_has_them_all(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Recorder(memory)
    monkeypatch.setattr(written, "start", lambda: None)
    made = turn(memory, written)
    made.begin()
    made.grow(b"event: a\ndata: 1\n\n")
    run = memory.run

    def overtaken(work: Callable[[Any], Any]) -> Any:
        """The transaction of the thread comes after that of who finishes the response."""
        monkeypatch.setattr(memory, "run", run)
        made.grow(b"event: b\ndata: 2\n\n")
        made.finish({**made.shell(), "status": "completed", "output": []})
        kept.extend(run(lambda connection: responses.events(connection, "t", made.id, -1)))
        return run(work)

    kept: list[responses.Segment] = []
    monkeypatch.setattr(memory, "run", overtaken)
    written._flush()
    assert b"".join(each.data for each in kept) == b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n"
    assert run(lambda connection: responses.events(connection, "t", made.id, -1)) == kept


def test_what_was_deleted_does_not_come_back(memory: Memory) -> None:
    made = turn(memory, Recorder(memory))
    made.begin()
    memory.run(lambda connection: responses.remove(connection, "t", made.id))
    with pytest.raises(ProxyError, match="ended from elsewhere"):
        made.finish({**made.shell(), "status": "completed", "output": []})
    assert stored(memory, made.id) is None


def test_who_leaves_is_not_waited_for(memory: Memory) -> None:
    leaving = Recorder(memory)
    made = turn(memory, leaving)
    made.begin()
    leaving._beat()
    leaving.leave()
    other = Recorder(Memory(load(None, {"DATABASE_URL": memory.settings.database})))
    other._look()
    assert stored(memory, made.id).status == "failed"


def test_a_process_is_known_before_its_first_response_can_be_found(memory: Memory) -> None:
    made = turn(memory, Recorder(memory))
    made.begin()
    Recorder(Memory(load(None, {"DATABASE_URL": memory.settings.database})))._look()  # before the thread did anything
    assert stored(memory, made.id).status == "in_progress"


def test_the_stored_events_are_those_that_the_client_got(make: Make, memory: Memory, database_url: str) -> None:
    data = make(DATABASE_URL=database_url).post("/v1/responses", json=ASKED).get_data()
    kept = memory.run(lambda connection: connection.execute(text("SELECT number, data FROM events ORDER BY 1")).all())
    assert b"".join(row.data for row in kept) == data
    for row in kept:
        assert next(sse.chunks([row.data]))["sequence_number"] == row.number
