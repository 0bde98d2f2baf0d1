"""While an upstream is silent its client gets signs of life, and in the end an error."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from tests.live import wires
from tests.live.client import Answer, Live, on_all_servers, outcome, together
from tests.live.servers import IDLE, KEEP_ALIVE
from tests.live.upstream import Call, Script

PAUSE = 6 * KEEP_ALIVE
PATIENCE = 4 * KEEP_ALIVE  # what a busy machine may take for one sign of life
Result = tuple[str, str, Answer]


def each_pair(
    live: Live, script: Callable[[str], Script], stream: bool = True, pairs: list[tuple[str, str]] = wires.ALL
) -> list[Result]:
    """(client format, upstream format, answer) for all of them, asked side by side."""

    def ask(form: str, wire: str) -> Result:
        return form, wire, live.ask(form, wire, script(wire), stream)

    return together(functools.partial(ask, *pair) for pair in pairs)


def lived(answer: Answer) -> bool:
    """Whether the client was never left without bytes for much longer than it should be."""
    times = [at for at, _ in answer.arrivals]
    return all(late - early < PATIENCE for early, late in zip([0, *times], times))


@on_all_servers
def test_signs_of_life_come_before_the_headers(live: Live) -> None:
    def script(wire: str) -> Script:
        return lambda call: (time.sleep(PAUSE), call.stream(*wires.frames(wire)))[0]

    for form, _, answer in each_pair(live, script):
        assert lived(answer), answer.arrivals
        assert outcome(form, answer) == ("completed", wires.TEXT)


@on_all_servers
def test_signs_of_life_come_in_mid_stream(live: Live) -> None:
    def script(wire: str) -> Script:
        def run(call: Call) -> None:
            *first, last = wires.frames(wire)
            call.begin()
            call.chunk(b"".join(first))
            time.sleep(PAUSE)
            call.chunk(last)
            call.finish()

        return run

    for form, _, answer in each_pair(live, script):
        assert lived(answer), answer.arrivals
        assert outcome(form, answer) == ("completed", wires.TEXT)


@on_all_servers
def test_signs_of_life_come_while_a_finished_answer_is_on_its_way(live: Live) -> None:
    def script(wire: str) -> Script:
        def run(call: Call) -> None:
            body = wires.finished(wire)
            call.head(Content_Length=str(len(body)))
            call.send(body[:10])
            time.sleep(PAUSE)
            call.send(body[10:])

        return run

    for form, _, answer in each_pair(live, script):
        assert lived(answer), answer.arrivals
        assert outcome(form, answer) == ("completed", wires.TEXT)


@on_all_servers
def test_an_upstream_that_sends_only_comments_gives_signs_of_life(live: Live) -> None:
    def script(wire: str) -> Script:
        def run(call: Call) -> None:
            call.begin()
            for _ in range(15):
                call.chunk(b": PROCESSING\n\n")
                time.sleep(PAUSE / 15)
            call.chunk(b"".join(wires.frames(wire)))
            call.finish()

        return run

    for form, wire, answer in each_pair(live, script):
        if form != wire or form != "gemini":  # its upstream's own bytes pass as they are, and Google sends no comments
            assert outcome(form, answer) == ("completed", wires.TEXT)
        assert lived(answer), answer.arrivals


@on_all_servers
def test_a_late_error_is_told_in_the_stream(live: Live) -> None:
    body = b'{"error": {"message": "No luck", "type": "x", "code": null, "param": null}}'

    def script(wire: str) -> Script:
        return lambda call: (time.sleep(2 * KEEP_ALIVE), call.plain(body, 429, Retry_After="9"))[0]

    for form, _, answer in each_pair(live, script):
        assert outcome(form, answer) == ("failed", "")
        assert b"No luck" in answer.body


@on_all_servers
def test_a_late_reset_is_told_in_the_stream(live: Live) -> None:
    def script(wire: str) -> Script:
        return lambda call: (time.sleep(2 * KEEP_ALIVE), call.reset())[0]

    def nonsense(wire: str) -> Script:
        return lambda call: (time.sleep(2 * KEEP_ALIVE), call.send(b"SSH-2.0\r\n\r\n"), call.close())[0]

    for form, _, answer in each_pair(live, script) + each_pair(live, nonsense):
        assert outcome(form, answer) == ("failed", "")
        assert b"internal" not in answer.body


def _silent_in_headers(wire: str) -> Script:
    return lambda call: (call.wait_for_hangup(), call.close())[0]


def _silent_in_body(wire: str) -> Script:
    def run(call: Call) -> None:
        call.head(Content_Length="500")
        call.send(b'{"id": ')
        call.wait_for_hangup()
        call.close()

    return run


def _silent_in_stream(wire: str) -> Script:
    def run(call: Call) -> None:
        call.begin()
        for frame in [*wires.opening(wire), wires.delta(wire, "One ")]:
            call.chunk(frame)
        call.wait_for_hangup()
        call.close()

    return run


@on_all_servers
def test_an_idle_upstream_is_a_timeout(live: Live) -> None:
    def measured(script: Callable[[str], Script], stream: bool) -> tuple[list[Result], float]:
        began = time.monotonic()
        return each_pair(live, script, stream, wires.PAIRS), time.monotonic() - began  # no more than it has threads

    plain = [functools.partial(measured, script, False) for script in (_silent_in_headers, _silent_in_body)]
    streamed = [functools.partial(measured, script, True) for script in (_silent_in_headers, _silent_in_stream)]
    results = together([*plain, *streamed])
    for answers, took in results:
        assert IDLE <= took < IDLE + 2 * KEEP_ALIVE + 4
        for form, _, answer in answers:
            if answer.status == 200:
                assert lived(answer)
                assert outcome(form, answer)[0] == "failed"
            else:
                assert answer.status == 504
                assert any(word in answer.error["message"] for word in ("in time", "silent"))
    assert {answer.status for answers, _ in results[2:] for _, _, answer in answers} == {200}
