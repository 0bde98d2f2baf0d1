from __future__ import annotations

import json
import threading

import pytest

from convert import sse
from convert.errors import ProxyError
from convert.settings import load
from convert.state.follow import follow, frames
from convert.state.memory import Memory
from convert.store import responses
from convert.store.responses import Row, Segment
from tests.conftest import Make


def frame(kind: str, number: int) -> bytes:
    return sse.event({"type": kind, "sequence_number": number}, kind)


def numbers(data: bytes) -> list[int]:
    return [json.loads(line[6:])["sequence_number"] for line in data.splitlines() if line.startswith(b"data: ")]


@pytest.mark.parametrize("after", [None, 0, 4, 999])
def test_a_stored_stream_is_replayed_byte_by_byte(make: Make, database_url: str, after: int | None) -> None:
    client = make(DATABASE_URL=database_url)
    made = client.post("/v1/responses", json={"model": "m", "input": "a b c d", "stream": True}).get_data()
    identity = [*sse.chunks([made])][-1]["response"]["id"]
    query = "" if after is None else f"&starting_after={after}"
    again = client.get(f"/v1/responses/{identity}?stream=true{query}").get_data()
    begun = 0 if after is None else after + 1
    expected = [each for each in made.split(b"\n\n") if each][begun:]
    assert again == b"".join(each + b"\n\n" for each in expected)


def test_a_response_that_was_not_streamed_is_replayed_too(make: Make) -> None:
    client = make()
    body = client.post("/v1/responses", json={"model": "m", "input": "a b"}).get_json()
    again = [*sse.chunks([client.get(f"/v1/responses/{body['id']}?stream=true").get_data()])]
    assert [each["sequence_number"] for each in again] == [*range(len(again))]
    assert again[0]["response"]["id"] == body["id"] and again[-1]["response"] == body
    later = client.get(f"/v1/responses/{body['id']}?stream=true&starting_after=3").get_data()
    assert numbers(later) == [*range(4, len(again))]
    assert client.get(f"/v1/responses/{body['id']}?stream=true&starting_after=99").get_data() == b""


@pytest.mark.parametrize("query", ["stream=yes", "stream=true&starting_after=-1", "stream=true&starting_after=x"])
def test_a_wrong_query(make: Make, query: str) -> None:
    client = make()
    identity = client.post("/v1/responses", json={"model": "m", "input": "a b"}).get_json()["id"]
    assert client.get(f"/v1/responses/{identity}?{query}").status_code == 400


def stored(memory: Memory, status: str, *segments: Segment) -> None:
    row = Row(tenant="t", id="r", thread="r", created=9e9, status=status, input=b"[]", body=b'{"id": "r"}')
    memory.run(lambda connection: responses.begin(connection, row))
    memory.run(lambda connection: responses.grow(connection, "t", "r", segments))


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_stream_that_was_ended_from_elsewhere_has_an_end(database_url: str, status: str) -> None:
    memory = Memory(load(None, {"DATABASE_URL": database_url}))
    stored(memory, status, Segment(0, frame("response.created", 0)))
    data = b"".join(follow(memory, "t", "r", -1, lambda: False))
    assert data.endswith(b"\n\n") and b"event: response.failed" in data and numbers(data) == [0, 1]


def test_what_is_to_come_is_followed(database_url: str) -> None:
    memory = Memory(load(None, {"DATABASE_URL": database_url}))
    stored(memory, "in_progress", Segment(0, frame("response.created", 0)))

    def go_on() -> None:
        other = Memory(load(None, {"DATABASE_URL": database_url}))
        last = [Segment(1, frame("a", 1) + frame("response.completed", 2))]
        row = Row(tenant="t", id="r", thread="r", created=9e9, status="completed", input=b"[]")
        other.run(lambda connection: responses.grow(connection, "t", "r", last) or responses.finish(connection, row))

    threading.Timer(0.3, go_on).start()
    assert numbers(b"".join(follow(memory, "t", "r", -1, lambda: False))) == [0, 1, 2]


def test_silence_is_filled_and_a_hang_up_is_noticed(database_url: str) -> None:
    memory = Memory(load(None, {"DATABASE_URL": database_url, "CONVERT_KEEP_ALIVE": "0.05"}))
    stored(memory, "queued")
    looks = iter([False] * 5 + [True])
    assert b"keepalive" in b"".join(follow(memory, "t", "r", -1, lambda: next(looks)))


def test_the_frames_of_segments() -> None:
    segments = [Segment(0, b"a\n\nb\n\n"), Segment(2, b"c\n\n")]
    assert [*frames(segments)] == [(0, b"a\n\n"), (1, b"b\n\n"), (2, b"c\n\n")]


def test_a_database_that_goes_away_ends_it_with_an_error(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(load(None, {"DATABASE_URL": database_url}))
    stored(memory, "in_progress", Segment(0, frame("response.created", 0)))
    following = follow(memory, "t", "r", -1, lambda: False)
    assert numbers(next(following)) == [0]

    def down(_: object) -> None:
        raise ProxyError("overloaded", "away")

    monkeypatch.setattr(memory, "run", down)
    (told,) = sse.chunks(following)
    assert told["error"]["message"] == "away" and told["error"]["sequence_number"] == 1


@pytest.mark.parametrize("after", [0, 7])
def test_a_client_that_saw_more_than_was_stored_is_told_the_end(database_url: str, after: int) -> None:
    memory = Memory(load(None, {"DATABASE_URL": database_url}))
    stored(memory, "failed", Segment(0, frame("response.created", 0)))
    assert numbers(b"".join(follow(memory, "t", "r", after, lambda: False))) == [after + 1]


def test_one_that_is_deleted_has_no_more_events(database_url: str) -> None:
    memory = Memory(load(None, {"DATABASE_URL": database_url}))
    assert b"".join(follow(memory, "t", "r", -1, lambda: False)) == b""
