"""Bytes are not held back."""

from __future__ import annotations

import functools
import re
import time

from tests.live import wires
from tests.live.client import Live, together
from tests.live.upstream import Call

PAUSE, LATE = 0.1, 0.08  # what is held back until the next event comes is later than PAUSE
COUNT = 12


def test_each_event_comes_as_soon_as_it_was_sent(live: Live) -> None:
    def delays(form: str, wire: str, chunked: bool) -> list[float]:
        def script(call: Call) -> None:
            if chunked:
                call.begin()
            else:
                call.head(kind="text/event-stream", Connection="close")
            send = call.chunk if chunked else call.send
            for frame in wires.opening(wire):
                send(frame)
            for _ in range(COUNT):
                send(wires.delta(wire, f"<{time.monotonic()}>"))
                time.sleep(PAUSE)
            call.close()

        found: list[float] = []

        def seen(piece: bytes) -> None:
            now = time.monotonic()
            found.extend(now - float(sent) for sent in re.findall(rb'"<([\d.]+)>"', piece))

        live.ask(form, wire, script, stream=True, seen=seen)
        return found

    jobs = [functools.partial(delays, *pair, chunked) for pair in wires.PAIRS for chunked in (True, False)]
    for found in together(jobs):
        assert len(found) == COUNT
        assert sorted(found)[COUNT // 2] < LATE, found  # the machine itself may be slow, but not most of the time
