import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert import sse
from convert.errors import ProxyError

STREAM = (
    b": a comment\n\nevent: first\ndata: {\"n\": 1, \"text\": \"caf\xc3\xa9 \xf0\x9f\x8e\x89\"}\n\n"
    b"data: {\"n\":\ndata: 2}\nid: 7\nretry: 10\n\ndata:{\"n\":3}\n\ndata: [DONE]\n\n"
)
CHUNKS = [{"n": 1, "text": "café 🎉"}, {"n": 2}, {"n": 3}, sse.DONE]


def cut(data: bytes, *places: int) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [piece for a, b in itertools.pairwise(edges) if (piece := data[a:b])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end(end):
    assert list(sse.chunks([STREAM.replace(b"\n", end)])) == CHUNKS


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_every_cut_of_the_same_size(end, size):
    data = STREAM.replace(b"\n", end)
    assert list(sse.chunks([data[i : i + size] for i in range(0, len(data), size)])) == CHUNKS


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut(places):
    assert list(sse.chunks(cut(STREAM, *places))) == CHUNKS


def test_silence_becomes_a_ping_wherever_it_falls():
    chunks = list(sse.chunks([b"data: {\"n\"", b"", b":1}\n", b"", b"\n", b""]))
    assert chunks == [sse.PING, sse.PING, {"n": 1}, sse.PING]
    assert chunks[0] is sse.PING


def test_where_asked_for_a_rest_follows_what_a_piece_brought():
    pieces = [b'data: {"n":1}\n\ndata: {"n":2}\n\ndata:', b"", b' {"n":3}\n', b"\n"]
    chunks = list(sse.chunks(pieces, resting=True))
    assert chunks == [{"n": 1}, {"n": 2}, sse.REST, sse.PING, sse.REST, {"n": 3}, sse.REST]
    assert chunks[2] is sse.REST


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_blank_line_may_be_cut_anywhere(cut):
    data = b"data: {}\r\n\r\ndata: {}\r\n\r\n"
    assert list(sse.chunks([data[: 7 + cut], data[7 + cut :]])) == [{}, {}]


def test_the_last_event_may_lack_its_blank_line():
    assert list(sse.chunks([b"data: {\"n\":1}\n\ndata: [DONE]"])) == [{"n": 1}, sse.DONE]


@pytest.mark.parametrize("torn", [b'data: {"n":', b"data: <html>", b"data: [1]\n\n", b'data: "text"\n\n'])
def test_what_is_no_object_is_an_upstream_error(torn):
    with pytest.raises(ProxyError) as caught:
        list(sse.chunks([b'data: {"n":1}\n\n', torn]))
    assert caught.value.kind == "upstream"


def test_an_error_event_is_found_under_error():
    assert list(sse.chunks([b'event: error\ndata: {"message":"no"}\n\n'])) == [{"error": {"message": "no"}}]
    assert list(sse.chunks([b'event: error\ndata: {"error":{"a":1}}\n\n'])) == [{"error": {"a": 1}}]


FRAMES = [
    b'data: {"n":1}', b'data: {"n":[{"a":"},{"}]}', b"data: {}", b"data: [DONE]", b": nothing", b"data:",
    b'data:  {"n":2} ', b'event: error\ndata: {"n":3}', b"data: 1", b"data: [{}]", b'data: {"n":', b'data: {"n":NaN}',
    b'data: {"a":"\\ud83d"}', b'data: {"long":"' + b"x" * sse.LONG + b'"}',
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=6))
def test_frames_that_come_together_are_read_as_those_that_come_alone(frames):
    def read(pieces: list[bytes]) -> list[object]:
        found: list[object] = []
        try:
            for chunk in sse.chunks(pieces):
                found.append("[DONE]" if chunk is sse.DONE else repr(chunk))
        except ProxyError as error:
            found.append(error.message)
        return found

    alone = [frame + b"\n\n" for frame in frames]
    assert read([b"".join(alone)]) == read(alone)


def test_a_byte_order_mark_is_skipped():
    assert list(sse.chunks([b"\xef\xbb\xbfdata: {}\n\n"])) == [{}]
    assert list(sse.chunks([b"\xef", b"\xbb\xbfdata: {}\n\n"])) == [{}]


def test_ten_megabytes_in_one_line():
    text = "x" * 10_000_000
    data = sse.event({"text": text})
    assert next(sse.chunks([data[i : i + 65536] for i in range(0, len(data), 65536)])) == {"text": text}


def test_an_endless_line_is_refused(monkeypatch):
    monkeypatch.setattr(sse, "LINE_LIMIT", 1000)
    with pytest.raises(ProxyError):
        list(sse.chunks([b"data: "] + [b"x" * 100] * 11))


def test_an_event_of_endless_lines_is_refused(monkeypatch):
    monkeypatch.setattr(sse, "LINE_LIMIT", 1000)
    with pytest.raises(ProxyError):
        list(sse.chunks([b"data: " + b"x" * 100 + b"\n"] * 11))


def test_json_that_orjson_refuses():
    lone = sse.loads(b'{"a":"\\ud83d"}')
    assert lone == {"a": "\ud83d"}
    assert json.loads(sse.dumps(lone)) == lone
    assert json.loads(sse.dumps({"n": 2**70})) == {"n": 2**70}


def test_an_event_is_one_frame():
    assert sse.event({"a": 1}) == b'data: {"a":1}\n\n'
    assert sse.event({"a": 1}, "note") == b'event: note\ndata: {"a":1}\n\n'
