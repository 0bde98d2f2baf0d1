from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from convert import sse
from convert.api import streams
from convert.exchange import Exchange
from convert.formats import FORMATS
from tests.live import wires

Make = Callable[..., FlaskClient]
PAIRS = pytest.mark.parametrize(("form", "wire"), wires.PAIRS)
URL = re.compile("https://x.com/.*")
Ask = Callable[..., Any]


class Pieces(io.RawIOBase):
    """A file that gives one piece at a read."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.pieces.pop(0) if self.pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.fixture
def ask(make: Make) -> Iterator[Ask]:
    """Asks for a stream in one format, of an upstream that streams some pieces in another."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:

        def ask(form: str, wire: str, *pieces: bytes) -> Any:
            mock.post(URL, body=io.BufferedReader(Pieces(list(pieces))), content_type="text/event-stream")
            client = make(UPSTREAM_URL="https://x.com", UPSTREAM_FORMAT=wire)
            return client.post(wires.path(form, "m", True), json=wires.asked(form, "m", True))

        yield ask


@pytest.mark.parametrize("form", list(wires.PATHS))
@pytest.mark.parametrize("cut", [1, 5, 100_000])
def test_a_stream_of_the_same_format_passes_byte_for_byte(ask: Ask, form: str, cut: int) -> None:
    whole = b": a comment\nid: 7\n\n" + b"".join(wires.frames(form))
    answer = ask(form, form, *(whole[at : at + cut] for at in range(0, len(whole), cut)))
    assert answer.data == whole
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == ("no-cache", "no")


def test_the_blank_line_after_the_last_event_may_be_missing(ask: Ask) -> None:
    whole = b"".join(wires.frames("chat")).removesuffix(b"\n\n")
    assert ask("chat", "chat", whole).data == whole
    assert b"response.completed" in ask("responses", "chat", whole).data


def test_nothing_after_the_last_event_is_waited_for(ask: Ask) -> None:
    whole = b"".join(wires.frames("chat"))
    assert ask("chat", "chat", whole, b": chatter\n\n").data == whole


def test_a_terminator_of_another_api_passes_too(ask: Ask) -> None:
    whole = [*wires.frames("responses"), b"data: [DO", b"NE]\n\n"]
    assert ask("responses", "responses", *whole).data == b"".join(whole)


@PAIRS
def test_a_torn_frame_is_not_passed_on(ask: Ask, form: str, wire: str) -> None:
    answer = ask(form, wire, *wires.opening(wire), b'data: {"torn": "yes", ')
    assert b"torn" not in answer.data
    assert b"error" in answer.data


@PAIRS
def test_a_stream_without_events_is_an_http_error(ask: Ask, form: str, wire: str) -> None:
    for pieces in ([], [b"\n"], [b"data: {"]):
        assert ask(form, wire, *pieces).status_code == 502


@PAIRS
def test_a_frame_without_end_is_given_up(ask: Ask, monkeypatch: pytest.MonkeyPatch, form: str, wire: str) -> None:
    monkeypatch.setattr(sse, "LINE_LIMIT", 10_000)
    answer = ask(form, wire, b"data: ", *[b"x" * 5000] * 20)
    assert answer.status_code == 502
    assert "more than 10000 bytes" in answer.json["error"]["message"]


@PAIRS
def test_a_bug_in_mid_stream_is_logged_and_told_without_its_words(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, form: str, wire: str
) -> None:
    def broken(*_: Any) -> Iterator[bytes]:
        yield b": begun\n\n"
        raise ZeroDivisionError("of something inner")

    monkeypatch.setattr(streams, "_untouched" if form == wire else "coalesced", broken)
    with caplog.at_level(logging.ERROR):
        answer = ask(form, wire, *wires.frames(wire))
    assert answer.status_code == 200
    assert b"inner" not in answer.data and b"the proxy failed" in answer.data
    assert "of something inner" in caplog.text


@PAIRS
def test_a_client_that_leaves_closes_the_upstream(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, form: str, wire: str
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(streams.Answer, "close", lambda self: closed.append(True))
    answer = ask(form, wire, *wires.frames(wire))
    next(iter(answer.response))
    assert closed == []
    answer.close()
    assert closed == [True]


def test_what_is_written_between_two_rests_goes_out_together() -> None:
    assert list(streams.coalesced(iter([b"a", b"b", b"", b"", b"c", b"", b"d"]))) == [b"ab", b"c", b"d"]


def test_what_was_written_before_a_fault_goes_out_before_it() -> None:
    def written() -> Iterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    found = streams.coalesced(written())
    assert next(found) == b"a"
    with pytest.raises(ZeroDivisionError):
        next(found)


@PAIRS
def test_nothing_waits_for_the_next_piece(form: str, wire: str) -> None:
    def sizes(gather: Callable[[Iterator[bytes]], Iterator[bytes]]) -> list[int]:
        """How much the client was given by the time when each piece was asked for."""
        exchange = Exchange(FORMATS[form], FORMATS[wire], wires.asked(form, "m", True), FORMATS[wire].flavor())
        found, given = [], 0

        def pieces() -> Iterator[bytes]:
            for frame in wires.frames(wire):
                found.append(given)
                yield frame

        for piece in gather(exchange.written(exchange.events(pieces(), resting=True))):
            given += len(piece)
        return [*found, given]

    assert sizes(streams.coalesced) == sizes(iter)
