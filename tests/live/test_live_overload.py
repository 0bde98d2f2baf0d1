"""More than a process can do: what is begun goes on, what is new is refused at once, and memory has bounds."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import wires
from tests.live.client import Answer, Live, outcome, received
from tests.live.servers import Server
from tests.live.upstream import Call, Upstream

LIMIT = 20
MB = 1_000_000


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def limited(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A server that answers few requests at a time."""
    server = Server(request.param, upstream.port, tmp_path_factory.mktemp("limited"), f"concurrency = {LIMIT}")
    try:
        server.wait()
        yield Live(server, upstream)
        assert "Traceback" not in server.output()
    finally:
        server.stop()


def begun(live: Live, form: str, model: str, stream: bool = True) -> http.client.HTTPConnection:
    """A request that has been sent."""
    connection = live.open()
    headers = {"Content-Type": "application/json", "Convert-Upstream": "chat"}
    connection.request("POST", wires.path(form, model, stream), json.dumps(wires.asked(form, model, stream)), headers)
    return connection


def until(true: object, seconds: float = 5) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_requests_over_the_limit_are_refused_and_the_others_go_on(limited: Live) -> None:
    ending: list[bool] = []

    def script(call: Call) -> None:
        *first, last = wires.frames("chat")
        call.begin()
        call.chunk(b"".join(first))
        until(lambda: ending, 20)
        call.chunk(last)
        call.finish()

    model, calls = limited.script(script)
    held = [begun(limited, "responses", model) for _ in range(LIMIT)]
    until(lambda: len(calls) == LIMIT)
    began = time.monotonic()
    asked = [(form, stream) for form in wires.PATHS for stream in (True, False)]
    over = [begun(limited, form, model, stream) for form, stream in asked]
    refused: list[Answer] = [
        received(connection, began, form=form) for connection, (form, _) in zip(over, asked, strict=True)
    ]
    assert time.monotonic() - began < 2
    for answer in refused:
        assert answer.status == (529 if answer.form == "messages" else 503) and answer.headers["retry-after"] == "1"
        assert "overloaded" in answer.error["message"]
    probe = limited.open()
    probe.request("GET", "/health")
    assert probe.getresponse().status == 200
    ending.append(True)
    for connection in held:
        assert outcome("responses", received(connection, began)) == ("completed", wires.TEXT)
    assert limited.ask("chat", "chat", lambda call: call.plain(wires.finished("chat"))).status == 200
    for connection in [*held, *over, probe]:
        connection.close()


def test_clients_that_hang_up_make_room(limited: Live) -> None:
    model, calls = limited.script(lambda call: (call.begin(), call.wait_for_hangup(), call.close())[0])
    for connection in [begun(limited, "chat", model) for _ in range(LIMIT)]:
        until(lambda: calls)
        connection.close()
    until(lambda: limited.ask("chat", "chat", lambda call: call.plain(wires.finished("chat"))).status == 200)


def test_connections_far_over_the_limit_leave_the_others_in_peace(upstream: Upstream, tmp_path: Path) -> None:
    server = Server("gevent", upstream.port, tmp_path, f"concurrency = {LIMIT}")
    live = Live(server, upstream)
    try:
        server.wait()
        model, calls = live.script(lambda call: call.stream(*wires.frames("chat"), pause=0.3))
        held = [begun(live, "responses", model) for _ in range(LIMIT)]
        until(lambda: len(calls) == LIMIT)
        over = [begun(live, "responses", model) for _ in range(500)]
        assert {received(connection, 0).status for connection in over} <= {503, 200}
        for connection in held:
            assert outcome("responses", received(connection, 0)) == ("completed", wires.TEXT)
        for connection in [*held, *over]:
            connection.close()
    finally:
        server.stop()


def test_a_slow_reader_holds_the_upstream_back(limited: Live) -> None:
    sent = [0]
    word = wires.delta("chat", "x" * 10_000)

    def script(call: Call) -> None:
        call.begin()
        call.chunk(wires.opening("chat")[0])
        call.sock.settimeout(0.5)
        try:
            while sent[0] < 100 * MB:
                call.chunk(word * 10)
                sent[0] += len(word) * 10
        except TimeoutError:  # nobody takes more
            pass
        call.close()

    before = limited.server.memory()
    connection = begun(limited, "responses", limited.script(script)[0])
    sock: socket.socket = connection.sock
    for _ in range(10):
        sock.recv(100)
        time.sleep(0.1)
    assert sent[0] < 30 * MB  # what sockets hold
    assert limited.server.memory() - before < 30 * MB
    connection.close()


def test_a_line_of_ten_megabytes_is_answered_within_bounds(limited: Live) -> None:
    text = "x" * (10 * MB)

    def script(call: Call) -> None:
        call.stream(*wires.opening("chat"), wires.delta("chat", text), *wires.frames("chat", ())[1:])

    before = limited.server.memory()
    for form in wires.PATHS:
        assert outcome(form, limited.ask(form, "chat", script, stream=True)) == ("completed", text)
    assert limited.server.memory() - before < 100 * MB  # one of them was stored, too: 50 MB of events
