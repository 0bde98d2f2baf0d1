"""What a large request held is free when it is over, however it ended: nothing waits for the garbage collector."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live import wires
from tests.live.client import Live
from tests.live.servers import Server
from tests.live.upstream import Call, Upstream

MB = 1_000_000
TEXT = "y" * (4 * MB)
TIMES = 5
# After TIMES requests in each format: they bring 80 MB, and as much goes to the upstream. Under threads, a heap whose
# end is in use keeps what is free before it: 34 MB were seen once, 5 to 10 most often.
LEFT = 40 * MB


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def roomy(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A server that takes large bodies; one of each kind was answered already."""
    server = Server(request.param, upstream.port, tmp_path_factory.mktemp("roomy"), limit=64 * MB)
    try:
        server.wait()
        live = Live(server, upstream)
        for form in wires.PATHS:
            asked(live, form, whole)
        yield live
        assert "Traceback" not in server.output()
    finally:
        server.stop()


def large(form: str) -> dict[str, Any]:
    """A long text as a client says it."""
    if form == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
    return {"input": TEXT} if form == "responses" else {"messages": [{"role": "user", "content": TEXT}]}


def asked(live: Live, form: str, script: Callable[[Call], None], stream: bool = True, upstream: str = "chat") -> None:
    """A large request, to the end of its answer."""
    live.ask(form, upstream, script, stream, **large(form))


def left(live: Live, form: str) -> None:
    """A large request whose client leaves before it is answered."""
    model, calls = live.script(lambda call: (call.begin(), call.wait_for_hangup(), call.close())[0])
    connection = live.open()
    headers = {"Content-Type": "application/json", "Convert-Upstream": "chat"}
    body = json.dumps(wires.asked(form, model, True, **large(form)))
    connection.request("POST", wires.path(form, model, True), body, headers)
    end = time.monotonic() + 5
    while not calls and time.monotonic() < end:
        time.sleep(0.01)
    assert calls
    connection.close()


def wrong(live: Live, form: str) -> None:
    """A large request that no API takes."""
    said = {**wires.asked(form, "m", False), **large(form)}
    said["tools"] = 7
    connection = live.open()
    connection.request("POST", wires.path(form, "m"), json.dumps(said), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 400
    connection.close()


def whole(call: Call) -> None:
    call.stream(*wires.frames("chat"))


def silent(call: Call) -> None:
    call.close()


def cut(call: Call) -> None:
    call.begin()
    call.chunk(b"".join(wires.opening("chat")))
    call.close()


def cut_at_once(call: Call) -> None:
    call.begin()
    call.close()


def broken(call: Call) -> None:
    call.plain(b'{"error": {"message": "no"}}', 500)


def nonsense(call: Call) -> None:
    call.stream(b"data: {]\n\n")


ENDS: dict[str, Callable[[Live, str], None]] = {
    "answered": lambda live, form: asked(live, form, whole),
    "answered at once": lambda live, form: asked(
        live, form, lambda call: call.plain(wires.finished("chat")), stream=False
    ),
    "the upstream says nothing": lambda live, form: asked(live, form, silent),
    "the upstream breaks off": lambda live, form: asked(live, form, cut),
    "the upstream breaks off at once": lambda live, form: asked(live, form, cut_at_once),
    "the upstream breaks off, not streamed": lambda live, form: asked(live, form, cut_at_once, stream=False),
    "the upstream refuses": lambda live, form: asked(live, form, broken),
    "the upstream talks nonsense": lambda live, form: asked(live, form, nonsense),
    "the upstream is not there": lambda live, form: asked(live, form, whole, upstream="refusing"),
    "the client leaves": left,
    "the client is wrong": wrong,
}


@pytest.mark.parametrize("end", ENDS)
def test_a_large_request_leaves_nothing(roomy: Live, end: str) -> None:
    before = roomy.server.memory()
    for form in wires.PATHS:
        for _ in range(TIMES):
            ENDS[end](roomy, form)
    until = time.monotonic() + 3
    while roomy.server.memory() - before > LEFT and time.monotonic() < until:
        time.sleep(0.1)  # a client's leaving is noticed in a moment
    assert roomy.server.memory() - before < LEFT
