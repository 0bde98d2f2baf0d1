from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from convert import sse
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.settings import load
from convert.state import ids
from convert.state.memory import Memory
from convert.state.recorder import Recorder
from convert.state.turn import Turn, before_last, failure, take
from convert.store import responses
from convert.store.responses import Row

TENANT = "t"
RESPONSES = FORMATS["responses"]


@pytest.fixture
def memory(database_url: str) -> Iterator[Memory]:
    made = Memory(load(None, {"DATABASE_URL": database_url}))
    yield made
    made.database.close()


def taken(memory: Memory, **asked: Any) -> Turn | None:
    return take(memory, Recorder(memory), TENANT, RESPONSES, {"model": "m", "input": "Hi", **asked})


def turn(memory: Memory, **asked: Any) -> Turn:
    made = taken(memory, **asked)
    assert made is not None
    return made


def body(made: Turn, text: str = "Yes") -> dict[str, Any]:
    message = {"type": "message", "id": f"msg_{made.id[5:]}0000", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": text, "annotations": []}]}  # fmt: skip
    return {**made.shell(), "status": "completed", "output": [message]}


def stored(memory: Memory, made: Turn) -> Row | None:
    return memory.run(lambda connection: responses.get(connection, TENANT, made.id, 0.0))


def texts(items: list[Any]) -> list[str]:
    return [item["content"][0]["text"] for item in items]


def event(kind: str, number: int, **fields: Any) -> bytes:
    return sse.event({"type": kind, "sequence_number": number, **fields}, kind)


def test_a_request_that_keeps_and_recalls_nothing_is_no_turn(memory: Memory) -> None:
    assert taken(memory, store=False) is None
    assert taken(memory, store=False, previous_response_id=None) is None


@pytest.mark.parametrize("store", [{}, {"store": True}, {"store": None}])
def test_what_does_not_say_otherwise_is_kept(memory: Memory, store: dict[str, Any]) -> None:
    made = turn(memory, **store)
    assert made.kept and made.echo["store"] is True
    assert made.expanded == {"model": "m", "input": "Hi"}  # what needs no change is converted as it came
    assert [item["id"] for item in made.new] == [ids.of_item("message", made.id, 0)]


def test_the_answer_repeats_what_was_asked(memory: Memory) -> None:
    made = turn(memory, metadata={"a": "b"}, temperature=0.5)
    shell = made.shell()
    assert (shell["store"], shell["metadata"], shell["temperature"]) == (True, {"a": "b"}, 0.5)
    assert (shell["id"], shell["previous_response_id"]) == (made.id, None)


def test_a_turn_that_waits_to_be_made(memory: Memory) -> None:
    made = turn(memory, background=True)
    made.queue({**made.shell(), "status": "queued"}, b"", b"sealed")
    row = stored(memory, made)
    assert row and (row.status, row.work, row.owner) == ("queued", b"sealed", None)


def test_a_turn_goes_on_where_the_one_before_ended(memory: Memory) -> None:
    first = turn(memory)
    first.finish(body(first))
    second = turn(memory, input="More", previous_response_id=first.id)
    assert texts(second.expanded["input"]) == ["Hi", "Yes", "More"]
    assert texts(second.new) == ["More"]
    assert not second.expanded.keys() & {"previous_response_id", "conversation", "background", "store"}
    assert second.places.count == 2
    second.finish(body(second))
    row = stored(memory, second)
    assert row and (row.thread, row.previous) == (first.id, first.id)
    assert texts(json.loads(row.input)) == ["More"] and texts(json.loads(row.output)) == ["Yes"]


def test_what_is_recalled_but_not_kept_is_not_written(memory: Memory) -> None:
    first = turn(memory)
    first.finish(body(first))
    second = turn(memory, previous_response_id=first.id, store=False)
    assert not second.kept and second.echo["store"] is False
    second.finish(body(second))
    assert stored(memory, second) is None


def test_what_contradicts_itself_is_refused(memory: Memory) -> None:
    with pytest.raises(ProxyError) as caught:
        taken(memory, background=True, store=False)
    assert (caught.value.status, caught.value.param) == (400, "background")


def test_an_output_needs_its_call_only_where_there_is_a_history(memory: Memory) -> None:
    first = turn(memory)
    first.finish(body(first))
    output = [{"type": "function_call_output", "call_id": "c", "output": "x"}]
    with pytest.raises(ProxyError, match="No tool call found"):
        taken(memory, input=output, previous_response_id=first.id)


def test_a_row_holds_the_body_without_its_output(memory: Memory) -> None:
    made = turn(memory)
    row = made.row(body(made))
    assert "output" not in json.loads(row.body) and json.loads(row.body)["id"] == made.id == row.thread
    begun = made.begun()
    assert (begun.status, begun.owner, begun.output) == ("in_progress", memory.process, b"[]")


def test_the_last_event_leaves_when_the_response_is_stored(memory: Memory) -> None:
    made = turn(memory)
    made.begin()
    last = event("response.completed", 2, response=body(made))
    chunks = [event("response.created", 0) + event("response.in_progress", 1), last]
    seen = []
    for chunk in made.recorded(iter(chunks)):
        row = stored(memory, made)
        assert row is not None
        seen.append((chunk, row.status))
    assert seen == [(chunks[0], "in_progress"), (last, "completed")]
    kept = memory.run(lambda connection: responses.events(connection, TENANT, made.id, -1))
    assert [(each.number, each.data) for each in kept] == [(0, b"".join(chunks))]


def test_an_answer_that_cannot_be_stored_ends_as_failed(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    made = turn(memory)
    made.begin()

    def refuse(_: object) -> None:
        raise ProxyError("overloaded", "no database")

    monkeypatch.setattr(Memory, "run", lambda self, work: refuse(work))
    item = event("response.output_item.done", 1)
    chunks = [event("response.created", 0), item + event("response.completed", 2, response=body(made))]
    first, last = made.recorded(iter(chunks))
    assert first == chunks[0] and last.startswith(item)
    (told,) = sse.chunks([last[len(item) :]])
    assert (told["type"], told["sequence_number"]) == ("response.failed", 2)
    assert told["response"]["error"] == {"code": "server_error", "message": "no database"}
    assert (told["response"]["status"], told["response"]["output"]) == ("failed", [])


def test_the_parts_of_a_chunk() -> None:
    assert before_last(b"a\n\nb\n\nc\n\n") == b"a\n\nb\n\n"
    assert before_last(b"a\n\n") == b""
    told = json.loads(failure({"id": "r"}, ProxyError("overloaded", "words"), 7).split(b"data: ")[1])
    assert (told["sequence_number"], told["response"]["id"]) == (7, "r")
