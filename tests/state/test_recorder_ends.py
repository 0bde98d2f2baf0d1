from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.settings import load
from convert.state import turn
from convert.state.memory import Memory
from convert.state.recorder import Recorder
from convert.store import responses


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
