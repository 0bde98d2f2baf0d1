"""The Responses API over a WebSocket, on each server."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from tests.live import wires
from tests.live.client import Live, on_all_servers, outcome, together
from tests.live.servers import BODY_LIMIT, IDLE, KEEP_ALIVE
from tests.live.upstream import Call, Script
from tests.sockets import Socket

SOON = 2.0  # seconds
WIRES = ("chat", "responses")


@contextlib.contextmanager
def connected(live: Live, wire: str, **options: Any) -> Iterator[Socket]:
    """A connection to a server, whose messages go to the upstream of a wire."""
    url = f"ws://127.0.0.1:{live.server.port}/v1/responses"
    client = websocket.create_connection(url, header=[f"Convert-Upstream: {wire}"], timeout=10, **options)
    try:
        yield Socket(client)
    finally:
        client.shutdown()


def answer(wire: str) -> Script:
    """A streamed answer with three words."""
    return lambda call: call.stream(*wires.frames(wire))


@on_all_servers
def test_a_conversation_on_one_connection(live: Live) -> None:
    for wire in WIRES:
        model, calls = live.script(answer(wire))
        with connected(live, wire) as talk:
            last = talk.finished(model=model, input="one", generate=False)["id"]
            for said in ("two", "three"):
                last = talk.finished(model=model, input=said, previous_response_id=last, store=False)["id"]
        assert all(said in str(calls[1].body) for said in ("one", "two", wires.WORDS[0], "three"))
        assert len(calls) == 2


@on_all_servers
def test_an_offer_of_compression(live: Live) -> None:
    model, _ = live.script(answer("chat"))
    offer = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Convert-Upstream: chat"]
    url = f"ws://127.0.0.1:{live.server.port}/v1/responses"
    client = websocket.create_connection(url, header=offer, timeout=10)
    assert "sec-websocket-extensions" not in client.getheaders()
    assert Socket(client).finished(model=model, input="x")["output"]
    client.close()


@on_all_servers
def test_events_come_when_they_are_sent(live: Live) -> None:
    def script(call: Call) -> None:
        call.begin()
        for word in wires.WORDS:
            call.chunk(wires.delta("chat", word))
            time.sleep(0.2)
        call.close()

    model, _ = live.script(script)
    with connected(live, "chat") as talk:
        talk.send({"type": "response.create", "model": model, "input": "x"})
        came = []
        while len(came) < 3:
            if talk.event()["type"] == "response.output_text.delta":
                came.append(time.monotonic())
    assert 0.3 < came[2] - came[0] < 0.6


def _before_headers(wire: str) -> Script:
    return lambda call: (call.wait_for_hangup(), call.close())[0]


def _silent(wire: str) -> Script:
    def run(call: Call) -> None:
        call.begin()
        for frame in [*wires.opening(wire), wires.delta(wire, "One ")]:
            call.chunk(frame)
        call.wait_for_hangup()
        call.close()

    return run


def _talking(wire: str) -> Script:
    def run(call: Call) -> None:
        call.begin()
        for frame in wires.opening(wire):
            call.chunk(frame)
        for _ in range(100):
            call.chunk(wires.delta(wire, "word "))
            if call.wait_for_hangup(0.05):
                break
        call.close()

    return run


@on_all_servers
def test_the_upstream_is_closed_when_the_client_goes(live: Live) -> None:
    def case(wire: str, script: Script, polite: bool) -> tuple[str, float]:
        model, calls = live.script(script)
        with connected(live, wire) as talk:
            talk.send({"type": "response.create", "model": model, "input": "x", "store": False})
            talk.send({"type": "response.create", "model": model, "input": "x", "store": False})
            time.sleep(0.5)
            if polite:
                talk.wire.send_close()
            else:
                talk.wire.shutdown()
            left = time.monotonic()
            assert calls[0].done.wait(5)
        time.sleep(0.2)
        assert len(calls) == 1  # what waited was not begun
        return f"{wire} {script.__qualname__} {polite}", (calls[0].closed_at or left + 99) - left

    results = together(
        functools.partial(case, wire, script(wire), polite)
        for wire in WIRES
        for script in (_before_headers, _silent, _talking)
        for polite in (True, False)
    )
    assert {name: late for name, late in results if not 0 <= late < SOON} == {}


@on_all_servers
def test_a_silent_upstream_is_covered_by_events(live: Live) -> None:
    def case(wire: str, late: bool) -> None:
        def script(call: Call) -> None:
            if late:
                time.sleep(4 * KEEP_ALIVE)
            call.begin()
            for frame in wires.opening(wire):
                call.chunk(frame)
            time.sleep(4 * KEEP_ALIVE)
            call.chunk(b"".join(wires.frames(wire)[len(wires.opening(wire)) :]))
            call.finish()

        model, _ = live.script(script)
        with connected(live, wire) as talk:
            talk.send({"type": "response.create", "model": model, "input": "x"})
            came, kinds = [time.monotonic()], [""]
            while kinds[-1] != "response.completed":
                kinds.append(talk.event()["type"])
                came.append(time.monotonic())
        assert max(b - a for a, b in itertools.pairwise(came)) < 3 * KEEP_ALIVE, kinds
        assert kinds.count("response.in_progress") + kinds.count("keepalive") >= 3

    together(functools.partial(case, wire, late) for wire in WIRES for late in (True, False))


@on_all_servers
def test_an_idle_connection_is_pinged_and_then_closed(live: Live) -> None:
    with connected(live, "chat") as talk:
        began, pings = time.monotonic(), 0
        while (frame := talk.wire.recv_data_frame(control_frame=True))[0] == websocket.ABNF.OPCODE_PING:
            pings += 1
        assert frame[0] == websocket.ABNF.OPCODE_CLOSE
    assert IDLE - 0.1 < time.monotonic() - began < IDLE + SOON and pings >= 5


@on_all_servers
def test_failures_of_the_upstream(live: Live) -> None:
    body = b'{"error": {"message": "No luck", "type": "x", "code": null, "param": null}}'
    for wire in WIRES:
        refused, _ = live.script(lambda call: call.plain(body, 429, Retry_After="9"))
        reset, _ = live.script(lambda call: call.reset())
        first = wires.opening(wire)[0]
        cut, _ = live.script(lambda call, first=first: (call.begin(), call.chunk(first), call.reset())[0])
        good, _ = live.script(answer(wire))
        with connected(live, wire) as talk:
            error = talk.refused(model=refused, input="x", store=False)
            assert (error["status"], error["error"]["message"]) == (429, "No luck")
            assert error["headers"] == {"retry-after": "9"}
            assert talk.refused(model=reset, input="x", store=False)["status"] == 502
            assert talk.ask(model=cut, input="x", store=False)[-1]["type"] in ("response.failed", "error")
            assert talk.finished(model=good, input="x", store=False)


@on_all_servers
def test_a_late_error_is_an_event_of_the_stream(live: Live) -> None:
    body = b'{"error": {"message": "No luck", "type": "x", "code": null, "param": null}}'
    model, _ = live.script(lambda call: (time.sleep(2 * KEEP_ALIVE), call.plain(body, 429))[0])
    with connected(live, "chat") as talk:
        last = talk.ask(model=model, input="x")[-1]
        assert last["type"] == "response.failed" and last["response"]["error"]["message"].startswith("No luck")


@on_all_servers
def test_bad_input(live: Live) -> None:
    model, _ = live.script(answer("chat"))
    with connected(live, "chat") as talk:
        for bad in ("", "x", "[]", '{"type": "nothing"}'):
            talk.send(bad)
            assert talk.event()["status"] == 400
        talk.wire.send_binary(b"x")
        assert talk.event()["status"] == 400
        assert talk.finished(model=model, input="x")
        talk.send({"type": "response.create", "model": model, "input": "x" * BODY_LIMIT})
        assert talk.event()["status"] == 413
        assert talk.closed() == 1009
    with connected(live, "chat") as talk:
        talk.wire.sock.sendall(b"\xff" * 100)
        assert talk.closed() == 1002
    for headers in (["Sec-WebSocket-Version: 8"], ["Connection: close", "Upgrade: nothing"]):
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(f"ws://127.0.0.1:{live.server.port}/v1/responses", header=headers, timeout=5)
        assert caught.value.status_code in (400, 405)


@on_all_servers
def test_a_slow_reader_gets_a_large_answer_whole(live: Live) -> None:
    word = "x" * 4000
    model, _ = live.script(lambda call: call.stream(*wires.frames("chat", (word,) * 1000)))
    with connected(live, "chat", sockopt=[(1, 8, 4096)]) as talk:  # SO_RCVBUF
        talk.send({"type": "response.create", "model": model, "input": "x", "store": False})
        time.sleep(1)
        events = talk.events()
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert text == word * 1000 and events[-1]["type"] == "response.completed"


@on_all_servers
def test_http_goes_on_beside_it(live: Live) -> None:
    model, _ = live.script(answer("chat"))
    with contextlib.ExitStack() as stack:
        talks = [stack.enter_context(connected(live, "chat")) for _ in range(10)]
        assert outcome("responses", live.ask("responses", "chat", model, stream=True)) == ("completed", wires.TEXT)
        together(functools.partial(talk.finished, model=model, input="x") for talk in talks)
