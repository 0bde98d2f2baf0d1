"""A client that hangs up frees its upstream."""

from __future__ import annotations

import functools
import json
import time

from tests.live import wires
from tests.live.client import Live, on_all_servers, together
from tests.live.upstream import Call, Script

SOON = 2.0  # seconds


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


def _blanks(wire: str) -> Script:
    """As providers do who keep a plain request alive with blank lines."""

    def run(call: Call) -> None:
        call.head(Transfer_Encoding="chunked")
        for _ in range(100):
            call.chunk(b"\n")
            if call.wait_for_hangup(0.05):
                break
        call.close()

    return run


@on_all_servers
def test_the_upstream_is_closed_within_two_seconds(live: Live) -> None:
    def case(form: str, wire: str, script: Script, stream: bool) -> tuple[str, float]:
        model, calls = live.script(script)
        connection = live.open()
        headers = {"Content-Type": "application/json", "Convert-Upstream": wire}
        body = json.dumps(wires.asked(form, model, stream))
        connection.request("POST", wires.path(form, model, stream), body, headers)
        time.sleep(0.5)
        connection.close()
        left = time.monotonic()
        assert calls[0].done.wait(5)
        return f"{form} {wire} {script.__qualname__} {stream}", (calls[0].closed_at or left + 99) - left

    results = together(
        functools.partial(case, form, wire, script(wire), stream)
        for form, wire in wires.PAIRS
        for script in (_before_headers, _silent, _talking, _blanks)
        for stream in (False, True)
    )
    assert {name: late for name, late in results if not 0 <= late < SOON} == {}
