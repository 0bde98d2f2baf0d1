from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convert import sse
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.settings import load
from convert.state import recorder, turn
from convert.state.memory import Memory
from convert.state.recorder import Recorder
from convert.store import processes, responses


def until(condition: Callable[[], Any]) -> Any:
    """What `condition` gives once it gives something; at most ten seconds."""
    deadline = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread outlives its test."""
    made: list[Recorder] = []
    start = Recorder.start
    monkeypatch.setattr(Recorder, "start", lambda self: made.append(self) or start(self))
    yield
    for each in made:
        each.stop()


@pytest.fixture
def memory(database_url: str) -> Memory:
    return Memory(load(None, {"DATABASE_URL": database_url}))


def begun(memory: Memory, written: Recorder, **asked: Any) -> turn.Turn:
    made = turn.take(memory, written, "t", FORMATS["responses"], {"model": "m", "input": "Hi", **asked})
    assert made
    made.begin()
    return made


def stored(memory: Memory, identity: str) -> Any:
    return memory.run(lambda connection: responses.get(connection, "t", identity, 0))


def test_others_see_a_response_and_its_events_while_it_is_made(memory: Memory) -> None:
    written = Recorder(memory)
    made = begun(memory, written)
    assert stored(memory, made.id).status == "in_progress"
    made.grow(b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n")
    made.grow(b"event: c\ndata: 3\n\n")
    events = until(lambda: memory.run(lambda connection: responses.events(connection, "t", made.id, -1)))
    assert (events[0].number, events[0].data.count(b"\n\n")) == (0, 3)
    made.grow(b"event: d\ndata: 4\n\n")
    made.finish({**made.shell(), "status": "completed", "output": []})
    last = memory.run(lambda connection: responses.events(connection, "t", made.id, 2))[-1]
    assert (last.number, stored(memory, made.id).status) == (3, "completed")


def test_a_response_that_was_ended_elsewhere_is_not_told_as_complete(memory: Memory) -> None:
    made = begun(memory, Recorder(memory))
    memory.run(lambda connection: responses.cancel(connection, "t", made.id, b"{}"))
    chunk = sse.event({"type": "response.completed", "response": {**made.shell(), "status": "completed"}}, "x")
    (told,) = made.recorded(iter([chunk]))
    assert b"response.failed" in told and stored(memory, made.id).status == "cancelled"


def test_a_background_response_that_is_cancelled_is_told(memory: Memory) -> None:
    made = begun(memory, Recorder(memory), background=True)
    memory.run(lambda connection: responses.cancel(connection, "t", made.id, b"{}"))
    began = time.monotonic()
    until(lambda: made.cancelled)
    assert time.monotonic() - began < 2


def test_what_a_dead_process_left_behind_has_failed(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SILENCE", -1)  # everybody is dead at once
    dead = begun(memory, Recorder(memory))
    monkeypatch.setattr(recorder, "LOOK", 0.1)
    another = Recorder(Memory(load(None, {"DATABASE_URL": memory.settings.database})))
    another.start()
    until(lambda: stored(memory, dead.id).status == "failed")
    assert b"was stopped" in stored(memory, dead.id).body


def test_what_could_not_be_finished_is_found_by_its_own_process(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "LOOK", 0.1)
    written = Recorder(memory)
    made = begun(memory, written)
    written._turns.discard(made)  # as after a `finish` that failed
    until(lambda: stored(memory, made.id).status == "failed")


def test_a_response_that_is_finished_while_its_events_are_written_has_them_all(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Recorder(memory)
    monkeypatch.setattr(written, "start", lambda: None)
    made = begun(memory, written)
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
    made = begun(memory, Recorder(memory))
    memory.run(lambda connection: responses.remove(connection, "t", made.id))
    with pytest.raises(ProxyError, match="ended from elsewhere"):
        made.finish({**made.shell(), "status": "completed", "output": []})
    assert stored(memory, made.id) is None


def test_who_leaves_is_not_waited_for(memory: Memory) -> None:
    leaving = Recorder(memory)
    made = begun(memory, leaving)
    leaving._beat()
    leaving.leave()
    other = Recorder(Memory(load(None, {"DATABASE_URL": memory.settings.database})))
    other._look()
    assert stored(memory, made.id).status == "failed"


def test_a_process_is_known_before_its_first_response_can_be_found(memory: Memory) -> None:
    made = begun(memory, Recorder(memory))
    Recorder(Memory(load(None, {"DATABASE_URL": memory.settings.database})))._look()  # before the thread did anything
    assert stored(memory, made.id).status == "in_progress"
