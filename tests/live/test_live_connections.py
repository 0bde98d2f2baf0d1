"""Connections to the upstream are kept and reused, replaced when stale, and never leaked."""

from __future__ import annotations

import functools
import itertools
import json
import time

import pytest

from tests.live import wires
from tests.live.client import Live, on_all_servers, together
from tests.live.upstream import Call, Script

PAIRS = pytest.mark.parametrize(("form", "wire"), wires.PAIRS)


@PAIRS
@pytest.mark.parametrize("kind", ["plain", "stream", "error", "folded"])
def test_requests_one_after_another_share_a_connection(live: Live, form: str, wire: str, kind: str) -> None:
    scripts: dict[str, Script] = {
        "plain": lambda call: call.plain(wires.finished(wire)),
        "error": lambda call: call.plain(b'{"error": {"message": "No luck"}}', 500),
    }
    script = scripts.get(kind, lambda call: call.stream(*wires.frames(wire)))
    model, calls = live.script(script)
    for _ in range(6):
        live.ask(form, wire, model, stream=kind == "stream")
    assert len({call.connection for call in calls}) == 1


def test_the_end_of_a_body_may_come_a_little_after_the_last_event(live: Live) -> None:
    def script(call: Call) -> None:
        call.begin()
        call.chunk(b"".join(wires.frames("chat")))
        time.sleep(0.01)
        call.finish()

    model, calls = live.script(script)
    for _ in range(4):
        live.ask("responses", "chat", model, stream=True)
    assert len({call.connection for call in calls}) == 1


@PAIRS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_connection_that_was_closed_while_idle_is_replaced(live: Live, form: str, wire: str, stream: bool) -> None:
    def script(call: Call) -> None:
        call.stream(*wires.frames(wire)) if stream else call.plain(wires.finished(wire))
        call.close()

    model, calls = live.script(script)
    assert [live.ask(form, wire, model, stream).status for _ in range(4)] == [200] * 4
    assert len(calls) == 4


@pytest.mark.parametrize("end", [Call.close, Call.reset], ids=["closed", "reset"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_connection_that_dies_under_a_request_is_replaced_once(live: Live, end: Script, stream: bool) -> None:
    numbers = itertools.count()
    model, calls = live.script(lambda call: end(call) if next(numbers) else call.plain(wires.finished("chat")))
    assert live.ask("responses", "chat", model, stream).status == 200
    before = live.upstream.connections
    assert live.ask("responses", "chat", model, stream).status == 502  # the second one died as well
    assert len(calls) == 3
    assert live.upstream.connections == before + 1


def test_a_request_is_not_sent_again_once_its_answer_has_begun(live: Live) -> None:
    numbers = itertools.count()

    def script(call: Call) -> None:
        if not next(numbers):
            return call.plain(wires.finished("chat"))
        call.send(b"HTTP/1.1 200 OK\r\nContent-T")
        time.sleep(0.02)
        return call.close()

    model, calls = live.script(script)
    statuses = [live.ask("responses", "chat", model).status for _ in range(2)]
    assert (statuses, len(calls)) == ([200, 502], 2)


@on_all_servers
def test_a_request_is_not_sent_again_after_the_upstream_has_worked_on_it(live: Live) -> None:
    numbers = itertools.count()

    def script(call: Call) -> None:
        if not next(numbers):
            return call.plain(wires.finished("chat"))
        time.sleep(1.2)
        return call.close()

    model, calls = live.script(script)
    statuses = [live.ask("responses", "chat", model).status for _ in range(2)]
    assert (statuses, len(calls)) == ([200, 502], 2)


def _cut(call: Call) -> None:
    call.begin()
    call.chunk(b"".join(wires.frames("chat")[:3]))
    call.reset()


MIX: list[tuple[bool, Script]] = [
    (False, lambda call: call.plain(wires.finished("chat"))),
    (True, lambda call: call.stream(*wires.frames("chat"))),
    (False, Call.reset),
    (True, Call.close),
    (True, _cut),
    (False, lambda call: call.plain(b"No luck", 500)),
    (True, lambda call: call.plain(b"<html>", 200, "text/html")),
    (False, lambda call: (call.head(Content_Length="9"), call.close())[0]),
]
WORKERS = 4


@on_all_servers
def test_no_file_stays_open_after_two_hundred_requests(live: Live) -> None:
    models = [(stream, live.script(script)[0]) for stream, script in MIX]
    hanging, _ = live.script(lambda call: (call.begin(), call.wait_for_hangup(), call.close())[0])

    def some(count: int) -> None:
        for number in range(count):
            if number % 10 == 9:
                _hang_up(live, hanging)
            else:
                stream, model = models[number % len(models)]
                live.ask(("chat", "responses")[number % 2], "chat", model, stream)

    together(functools.partial(some, 10) for _ in range(WORKERS))
    before = _settled(live, 0)
    together(functools.partial(some, 50) for _ in range(WORKERS))
    # as many connections as there were requests at a time: to the upstream one file each, to the database two
    assert _settled(live, before) <= before + 3 * WORKERS


def _hang_up(live: Live, model: str) -> None:
    connection = live.open()
    connection.request("POST", "/v1/responses", json.dumps(wires.asked("responses", model, True)))
    connection.close()


def _settled(live: Live, aim: int) -> int:
    """The open files, once they are no more than `aim`, or after the hang-ups have been noticed."""
    until = time.monotonic() + 1.5
    while (count := live.server.descriptors()) > aim and time.monotonic() < until:
        time.sleep(0.05)
    return count
