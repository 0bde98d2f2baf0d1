"""A client on a real socket, that notes when what came."""

from __future__ import annotations

import functools
import http.client
import itertools
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.live import wires
from tests.live.servers import Server
from tests.live.upstream import Call, Script, Upstream

Json = dict[str, Any]
_numbers = itertools.count(1)


@dataclass
class Answer:
    """What the client got.

    arrivals  (seconds since the request, bytes) of each piece
    whole     whether the body came to its proper end
    """

    status: int
    headers: dict[str, str]
    arrivals: list[tuple[float, bytes]] = field(default_factory=list)
    whole: bool = True

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.arrivals)

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))

    @property
    def error(self) -> Json:
        """The error of an HTTP answer; fails where it has not OpenAI's shape."""
        error = self.json["error"]
        assert self.headers["content-type"] == "application/json"
        assert set(error) >= {"message", "type", "param", "code"} and error["message"], error
        return dict(error)

    @property
    def events(self) -> list[Any]:
        """The data of each frame of a stream, without signs of life."""
        lines = self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        data = [line[6:] for line in lines if line.startswith(b"data: ")]
        parsed = ["[DONE]" if each == b"[DONE]" else json.loads(each) for each in data]
        return [each for each in parsed if each == "[DONE]" or each.get("type") != "keepalive"]


@dataclass
class Live:
    """A server, the upstream behind it, and a client before it."""

    server: Server
    upstream: Upstream

    def script(self, script: Script) -> tuple[str, list[Call]]:
        """(a new model name, the calls for it) with a script."""
        model = f"model-{next(_numbers)}"
        return model, self.upstream.script(model, script)

    def open(self, timeout: float = 10) -> http.client.HTTPConnection:
        """A connection to the server."""
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)

    def ask(
        self,
        form: str,
        wire: str,
        script: Script | str,
        stream: bool = False,
        headers: dict[str, str] | None = None,
        seen: Callable[[bytes], None] = lambda piece: None,
        **more: Any,
    ) -> Answer:
        """Asks in a format; the upstream of the wire answers by the script (or the model that has one)."""
        model = script if isinstance(script, str) else self.script(script)[0]
        connection = self.open()
        began = time.monotonic()
        try:
            body = json.dumps(wires.asked(form, model, stream, **more))
            sent = {"Content-Type": "application/json", "Convert-Upstream": wire, **(headers or {})}
            connection.request("POST", wires.PATHS[form], body, sent)
            return received(connection, began, seen)
        finally:
            connection.close()


def received(
    connection: http.client.HTTPConnection, began: float, seen: Callable[[bytes], None] = lambda piece: None
) -> Answer:
    """The answer that comes over a connection."""
    response = connection.getresponse()
    answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()})
    try:
        while piece := response.read1(1 << 20):
            answer.arrivals.append((time.monotonic() - began, piece))
            seen(piece)
    except (http.client.HTTPException, ConnectionError):
        answer.whole = False
    return answer


def outcome(form: str, answer: Answer) -> tuple[str, str]:
    """(completed | failed, the text that came) of a streamed answer; fails where it has not exactly one end, at its
    end."""
    assert answer.status == 200 and answer.whole
    assert answer.headers["content-type"].startswith("text/event-stream")
    return _chat_outcome(answer.events) if form == "chat" else _responses_outcome(answer.events)


def _chat_outcome(events: list[Any]) -> tuple[str, str]:
    chunks = [event for event in events if event != "[DONE]"]
    failures = [chunk for chunk in chunks if "error" in chunk]
    said = [chunk["choices"][0] for chunk in chunks if chunk.get("choices")]
    text = "".join(choice["delta"].get("content") or "" for choice in said)
    finishes = [choice["finish_reason"] for choice in said if choice["finish_reason"]]
    if failures:
        assert len(failures) == 1 and events[-1] in (failures[0], "[DONE]"), events
        assert failures[0]["error"]["message"]
        assert not finishes, "a failed stream must not have a finish_reason"
        return "failed", text
    assert events.count("[DONE]") == 1 and events[-1] == "[DONE]", events
    assert len(finishes) == 1
    return "completed", text


TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")


def _responses_outcome(events: list[Any]) -> tuple[str, str]:
    ends = [event for event in events if event["type"] in TERMINAL]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert len(ends) == 1 and events[-1] is ends[0], [event["type"] for event in events]
    if ends[0]["type"] == "response.completed":
        return "completed", text
    failed = ends[0]["response"]["error"] if "response" in ends[0] else ends[0]
    assert failed["message"]
    return "failed", text


def together(jobs: Iterable[Callable[[], Any]]) -> list[Any]:
    """The results of jobs done at the same time, most of which wait."""
    with ThreadPoolExecutor(32) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def on_all_servers(test: Callable[[Live], None]) -> Callable[[list[Live]], None]:
    """A test of one server, run on all of them at the same time."""

    def run(lives: list[Live]) -> None:
        def named(live: Live) -> None:
            try:
                test(live)
            except AssertionError as error:
                error.add_note(f"with {live.server.name}")
                raise

        together(functools.partial(named, live) for live in lives)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
