"""Whatever an upstream does wrong is told to the client once, in its own shape, and never passes for success."""

from __future__ import annotations

import gzip
import time

import pytest

from tests.live import wires
from tests.live.client import Live, outcome
from tests.live.upstream import Call, Script

PAIRS = pytest.mark.parametrize(("form", "wire"), wires.PAIRS)
ALL = pytest.mark.parametrize(("form", "wire"), wires.ALL)
CONVERTED = pytest.mark.parametrize(("form", "wire"), [pair for pair in wires.PAIRS if pair[0] != pair[1]])


def _cut_length(call: Call) -> None:
    body = wires.finished("chat")
    call.head(Content_Length=str(len(body) + 50))
    call.send(body)
    call.close()


def _cut_chunks(call: Call) -> None:
    call.head(Transfer_Encoding="chunked")
    call.send(b"ff\r\n{")
    call.close()


def _reset_in_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    time.sleep(0.02)
    call.reset()


def _reset_after_headers(call: Call) -> None:
    call.head(Content_Length="100")
    time.sleep(0.02)
    call.reset()


BROKEN: dict[str, Script] = {
    "reset before headers": Call.reset,
    "closed before headers": Call.close,
    "reset in headers": _reset_in_headers,
    "reset after headers": _reset_after_headers,
    "no HTTP": lambda call: (call.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), call.close())[0],
    "truncated length": _cut_length,
    "truncated chunks": _cut_chunks,
    "HTML with 200": lambda call: call.plain(b"<!doctype html><h1>Log in</h1>", kind="text/html"),
    "empty body": lambda call: call.plain(b""),
    "corrupt JSON": lambda call: call.plain(b'{"id": "x", "choices": [{"mess'),
    "JSON that is no object": lambda call: call.plain(b'["no"]'),
    "empty stream": lambda call: call.stream(),
    "redirect": lambda call: call.plain(b"", 302, Location="http://127.0.0.1:9/"),
}


@PAIRS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_before_the_first_byte_is_one_http_error(
    live: Live, form: str, wire: str, stream: bool, fault: str
) -> None:
    answer = live.ask(form, wire, BROKEN[fault], stream)
    assert answer.status == 502, answer.body
    assert answer.error["type"] == wires.FAULT[form]
    assert answer.headers["convert-upstream"] == wire
    assert b"<" not in answer.body


FOREIGN: dict[str, Script] = {
    "JSON of another shape": lambda call: call.plain(b'{"hello": "world"}'),
    "stream that is not JSON": lambda call: call.stream(b"data: <html>\n\n"),
}


@CONVERTED
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", FOREIGN)
def test_what_cannot_be_converted_is_one_http_error(live: Live, form: str, wire: str, stream: bool, fault: str) -> None:
    answer = live.ask(form, wire, FOREIGN[fault], stream)
    assert (answer.status, answer.error["type"]) == (502, wires.FAULT[form])
    assert b"<" not in answer.body


@PAIRS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_upstream_that_refuses_connections_is_told(live: Live, form: str, wire: str, stream: bool) -> None:
    answer = live.ask(form, "refusing", "any", stream)
    assert (answer.status, answer.error["type"]) == (502, wires.FAULT[form])


def _cut(end: Script) -> dict[str, Script]:
    """Scripts that say two words, and then end somehow, for each wire."""

    def of(wire: str) -> Script:
        def script(call: Call) -> None:
            call.begin()
            for frame in [*wires.opening(wire), wires.delta(wire, "One "), wires.delta(wire, "two ")]:
                call.chunk(frame)
            time.sleep(0.05)
            end(call)

        return script

    return {wire: of(wire) for wire in wires.PATHS}


def _torn(call: Call) -> None:
    call.chunk(b'data: {"choices": [{"index": 0, "del')
    call.finish()


def _corrupt(call: Call) -> None:
    call.chunk(b'data: {"choices": [{"index": 0, "del\n\n')
    call.finish()


CUT: dict[str, dict[str, Script]] = {
    "reset": _cut(Call.reset),
    "closed in a chunked body": _cut(Call.close),
    "ended without a terminal event": _cut(Call.finish),
    "torn frame": _cut(_torn),
    "a chunk size that is none": _cut(lambda call: (call.send(b"zz\r\nfoo"), call.close())[0]),
}


@ALL
@pytest.mark.parametrize("fault", CUT)
def test_a_fault_in_mid_stream_is_the_one_terminal_event(live: Live, form: str, wire: str, fault: str) -> None:
    answer = live.ask(form, wire, CUT[fault][wire], stream=True)
    assert outcome(form, answer) == ("failed", "One two ")


@ALL
def test_a_corrupt_frame_ends_a_converted_stream(live: Live, form: str, wire: str) -> None:
    if form != wire:
        answer = live.ask(form, wire, _cut(_corrupt)[wire], stream=True)
        assert outcome(form, answer) == ("failed", "One two ")


@ALL
def test_a_stream_without_chunked_encoding_that_is_cut_is_no_success(live: Live, form: str, wire: str) -> None:
    def script(call: Call) -> None:
        call.head(kind="text/event-stream", Connection="close")
        call.send(b"".join([*wires.opening(wire), wires.delta(wire, "One ")]))
        call.close()

    assert outcome(form, live.ask(form, wire, script, stream=True)) == ("failed", "One ")


@ALL
def test_a_cut_stream_for_a_client_that_wants_a_plain_answer_is_an_error(live: Live, form: str, wire: str) -> None:
    answer = live.ask(form, wire, CUT["ended without a terminal event"][wire], stream=False)
    assert (answer.status, answer.error["type"]) == (502, wires.FAULT[form])


@ALL
def test_an_error_inside_of_a_stream_is_its_end(live: Live, form: str, wire: str) -> None:
    script = _cut(lambda call: (call.chunk(wires.failure(wire)), call.finish())[0])[wire]
    answer = live.ask(form, wire, script, stream=True)
    assert outcome(form, answer) == ("failed", "One two ")
    assert wires.BROKEN.encode() in answer.body


@ALL
def test_an_error_that_opens_a_stream_is_an_http_error_or_the_streams_end(live: Live, form: str, wire: str) -> None:
    answer = live.ask(form, wire, lambda call: call.stream(wires.failure(wire)), stream=True)
    if answer.status == 200:
        assert outcome(form, answer) == ("failed", "")
    else:
        assert answer.status in (500, 502) and answer.error["type"] == wires.FAULT[form]  # Google's say which
    assert wires.BROKEN.encode() in answer.body


OPENAI = b'{"error": {"message": "No luck", "type": "some_error", "param": null, "code": null}}'
BODIES = {"OpenAI": OPENAI, "plain text": b"No luck", "HTML": b"<html><body>secret page</body></html>", "nothing": b""}


@PAIRS
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, 401), (403, 403), (404, 404), (413, 413), (429, 429), (500, 500), (503, 503), (529, 503)],
)
def test_an_upstreams_error_keeps_its_status_and_its_words(
    live: Live, form: str, wire: str, body: str, status: int, expected: int
) -> None:
    kind = "application/json" if body == "OpenAI" else "text/html"
    for stream in (False, True):
        answer = live.ask(
            form, wire, lambda call: call.plain(BODIES[body], status, kind, Retry_After="7", X_Request_Id="r1"), stream
        )
        passed = form == wire and body == "OpenAI"
        told = 529 if form == "messages" and expected == 503 else expected
        assert answer.status == (status if passed else told)
        assert (answer.headers["retry-after"], answer.headers["x-request-id"]) == ("7", "r1")
        error = answer.error
        assert b"<" not in answer.body
        if body in ("OpenAI", "plain text"):
            assert "No luck" in error["message"]
        else:
            assert len(error["message"]) > 10


@PAIRS
def test_an_error_whose_body_is_cut_keeps_its_status(live: Live, form: str, wire: str) -> None:
    def script(call: Call) -> None:
        call.head(429, Content_Length="500", Retry_After="3")
        call.send(b'{"error": {"mess')
        call.close()

    answer = live.ask(form, wire, script)
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert "rate_limit" in str(answer.error) or answer.error["type"] == "RESOURCE_EXHAUSTED"


@PAIRS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_gzip_that_nobody_asked_for_is_decoded(live: Live, form: str, wire: str, stream: bool) -> None:
    def script(call: Call) -> None:
        body = b"".join(wires.frames(wire)) if stream else wires.finished(wire)
        kind = "text/event-stream" if stream else "application/json"
        call.plain(gzip.compress(body), kind=kind, Content_Encoding="gzip")

    answer = live.ask(form, wire, script, stream)
    assert "content-encoding" not in answer.headers
    if stream:
        assert outcome(form, answer) == ("completed", wires.TEXT)
    else:
        assert wires.TEXT in answer.body.decode()


@PAIRS
@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_any_line_end_in_any_pieces_gives_the_same_text(
    live: Live, form: str, wire: str, piece: int, ending: bytes
) -> None:
    data = b"".join(wires.frames(wire)).replace(b"\n", ending)
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    answer = live.ask(form, wire, lambda call: call.stream(*pieces), stream=True)
    assert outcome(form, answer) == ("completed", wires.TEXT)
    if form == wire:
        assert answer.body == data


@ALL
def test_a_stream_without_chunked_encoding_is_whole(live: Live, form: str, wire: str) -> None:
    def script(call: Call) -> None:
        call.head(kind="text/event-stream", Connection="close")
        for frame in wires.frames(wire):
            call.send(frame)
        call.close()

    assert outcome(form, live.ask(form, wire, script, stream=True)) == ("completed", wires.TEXT)


@ALL
def test_a_finished_answer_for_a_client_that_wants_a_stream_is_streamed(live: Live, form: str, wire: str) -> None:
    answer = live.ask(form, wire, lambda call: call.plain(wires.finished(wire)), stream=True)
    assert outcome(form, answer) == ("completed", wires.TEXT)


@ALL
def test_a_streamed_answer_for_a_client_that_wants_a_plain_one_is_folded(live: Live, form: str, wire: str) -> None:
    answer = live.ask(form, wire, lambda call: call.stream(*wires.frames(wire)))
    assert answer.status == 200 and wires.TEXT in answer.body.decode()


@pytest.mark.parametrize(("form", "wire"), [("chat", "chat"), ("responses", "chat")])
def test_a_line_of_ten_megabytes_passes(live: Live, form: str, wire: str) -> None:
    words = ("x" * 10_000_000,)
    answer = live.ask(form, wire, lambda call: call.stream(*wires.frames(wire, words)), stream=True)
    assert outcome(form, answer) == ("completed", words[0])


@pytest.mark.parametrize(("form", "wire"), [pair for pair in wires.ALL if pair != ("gemini", "gemini")])
def test_an_upstream_that_stays_open_after_its_last_event_holds_nobody_up(live: Live, form: str, wire: str) -> None:
    def script(call: Call) -> None:
        call.begin()
        for frame in wires.frames(wire):
            call.chunk(frame)
        assert call.wait_for_hangup()

    began = time.monotonic()
    assert outcome(form, live.ask(form, wire, script, stream=True)) == ("completed", wires.TEXT)
    assert time.monotonic() - began < (2.5 if wire == "gemini" else 1)  # Google's only end is the end
