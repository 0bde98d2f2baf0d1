from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convert import hub, repeats, sse
from convert.errors import ProxyError
from convert.repeats import read_stream
from convert.sse import Chunk


class Reader:
    """A wire of our own: {"say": "hi", ...} grows the one part. It counts the chunks that it was given."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, chunks: Iterator[Chunk]) -> Iterator[hub.Event]:
        for chunk in chunks:
            if chunk is sse.REST:
                yield hub.REST
                continue
            self.given += 1
            if chunk is sse.DONE:
                break
            if chunk is sse.PING:
                yield hub.PING
            elif "open" in chunk:
                yield hub.PartStart(0, hub.Text())
            else:
                for text in chunk["say"] if isinstance(chunk["say"], list) else [chunk["say"]]:
                    yield hub.Delta(0, text)
        yield hub.End()


OPEN = b'data: {"open":1}\n\n'
DONE = b"data: [DONE]\n\n"


def say(text: str, rest: str = ',"n":[1]') -> bytes:
    return b'data: {"say":%b%b}\n\n' % (sse.dumps(text), rest.encode())


def told(*pieces: bytes, alike: bool = True, **options: Any) -> tuple[list[Any], int]:
    """The texts of a stream, and other events; how many chunks its reader was given."""
    reader = Reader()
    events = read_stream(pieces, reader, lambda chunk, part: alike, **options)
    return [event.text if isinstance(event, hub.Delta) else event for event in events][1:-1], reader.given


def test_what_differs_only_in_its_text_is_not_read_again():
    assert told(OPEN, say("a"), say("b"), say("c") + say("d"), DONE) == (["a", "b", "c", "d"], 3)


def test_a_format_may_have_everything_read():
    assert told(OPEN, say("a"), say("b"), DONE, alike=False) == (["a", "b"], 4)


def test_frames_that_come_together_are_taken_as_far_as_they_repeat():
    other = say("c", ',"n":[2]')
    assert told(OPEN + say("a"), say("b") + other + say("d"), DONE) == (["a", "b", "c", "d"], 5)
    assert told(OPEN + say("a"), say("b") + say("c") + DONE) == (["a", "b", "c"], 3)
    assert told(OPEN + say("a"), other + say("b"), DONE) == (["a", "c", "b"], 5)


@pytest.mark.parametrize("text", ["naïve 🎉", 'a "quote"', "back\\slash", "line\nend", "tab\t", "é"])
def test_any_text_is_taken_as_json_has_it(text):
    assert told(OPEN, say("a"), say(text), say("b"), DONE) == (["a", text, "b"], 3)


@pytest.mark.parametrize("data", [
    b'{"say":"b\\","n":[1]}', b'{"say":"b","n":[1]},"n":[1]}', b'{"say":"b"c","n":[1]}', b'{"say":"\x01","n":[1]}',
    b'{"say":"\xff","n":[1]}',
])  # fmt: skip
def test_what_is_no_json_is_no_repetition(data):
    with pytest.raises(ProxyError):
        told(OPEN, say("a"), b"data: " + data + b"\n\n", DONE)


def test_what_orjson_refuses_is_read():
    assert told(OPEN, say("a"), b'data: {"say":"\\ud83d","n":[1]}\n\n', DONE) == (["a", "\ud83d"], 4)


def test_two_texts_that_only_together_are_json_are_told_apart():
    torn = b'data: {"say":"a\\","n":[1]}\n\n' + b'data: {"say":"b","c","n":[1]}\n\n'
    with pytest.raises(ProxyError):
        told(OPEN, say("a"), torn, DONE)


def test_an_empty_text_means_something_else():
    assert told(OPEN, say("a"), say(""), say("b"), DONE) == (["a", "", "b"], 5)
    assert told(OPEN, say("a"), say("b") + say("") + say("c"), DONE) == (["a", "b", "", "c"], 5)


def test_a_text_that_stands_elsewhere_too_tells_no_pattern():
    assert told(OPEN, say("say"), say("b"), DONE) == (["say", "b"], 4)
    assert told(OPEN, say("x", ',"y":"x"'), say("b", ',"y":"x"'), DONE) == (["x", "b"], 4)


def test_a_chunk_of_several_deltas_tells_no_pattern():
    several = b'data: {"say":["a","b"]}\n\n'
    assert told(OPEN, several, several, DONE) == (["a", "b", "a", "b"], 4)


def test_only_the_frame_just_before_may_be_repeated():
    other = b'data: {"say":["x"],"n":[2,3]}\n\n'
    assert told(OPEN, say("a"), other, say("b"), DONE) == (["a", "x", "b"], 5)


def test_named_frames_repeat_with_their_name():
    named = [b"event: grow\n" + say(text) for text in "ab"]
    assert told(OPEN, *named, DONE) == (["a", "b"], 3)
    assert told(OPEN, named[0], say("b"), DONE) == (["a", "b"], 4)


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_any_cut_tells_the_same(size, end):
    data = (OPEN + b"".join(map(say, "abcdef")) + DONE).replace(b"\n", end)
    assert told(*[data[at : at + size] for at in range(0, len(data), size)])[0] == list("abcdef")


def test_where_asked_for_a_rest_follows_what_a_piece_brought():
    pieces = [OPEN, say("a")[:9], b"", say("a")[9:], say("b") + say("c"), DONE]
    rest, ping = hub.REST, hub.PING
    assert told(*pieces, resting=True)[0] == [rest, ping, rest, "a", rest, "b", "c", rest]
    assert told(*pieces)[0] == [ping, "a", "b", "c"]


def test_what_came_before_a_fault_is_told():
    events = read_stream([OPEN + say("a") + b"data: {\n\n"], Reader(), lambda chunk, part: True)
    assert next(events) and next(events) == hub.Delta(0, "a")
    with pytest.raises(ProxyError):
        next(events)


def test_the_end_of_the_body_is_that_of_the_stream():
    events = list(read_stream([OPEN, say("a")], Reader(), lambda chunk, part: True))
    assert events == [hub.PartStart(0, hub.Text()), hub.Delta(0, "a"), hub.End()]


def test_nothing_is_read_behind_the_end():
    def pieces() -> Iterator[bytes]:
        yield OPEN + DONE
        raise AssertionError("read on")

    assert list(read_stream(pieces(), Reader(), lambda chunk, part: True))[-1] == hub.End()


@pytest.mark.parametrize("resting", [False, True])
def test_a_stream_in_which_nothing_repeats_is_read_as_it_comes(monkeypatch, resting):
    looked: list[bytes] = []
    texts = repeats._Pattern.texts
    monkeypatch.setattr(repeats._Pattern, "texts", lambda self, whole: looked.append(whole) or texts(self, whole))
    varied = [say(f"text {number}", f',"n":{number}') for number in range(3 * repeats.PATIENCE)]
    heard, given = told(OPEN, *varied, b"", DONE, resting=resting)
    assert [event for event in heard if isinstance(event, str)] == [f"text {n}" for n in range(len(varied))]
    assert heard.count(hub.REST) == (len(varied) + 2) * resting and heard.count(hub.PING) == 1
    assert given == len(varied) + 3 and len(looked) == repeats.PATIENCE + 1


def test_what_repeats_now_and_then_keeps_being_looked_for():
    some = [say(f"{number} {time}", f',"n":{number}') for number in range(50) for time in range(2)]
    heard, given = told(OPEN, *some, DONE)
    assert heard == [f"{number} {time}" for number in range(50) for time in range(2)] and given == 52


def test_a_varied_stream_that_breaks_off_ends_with_its_body():
    varied = [say(f"text {number}", f',"n":{number}') for number in range(3 * repeats.PATIENCE)]
    events = list(read_stream([OPEN, *varied], Reader(), lambda chunk, part: True))
    assert len(events) == len(varied) + 2 and events[-1] == hub.End()
