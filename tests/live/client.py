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

    form      the format that it asked in
    arrivals  (seconds since the request, bytes) of each piece
    whole     whether the body came to its proper end
    """

    status: int
    headers: dict[str, str]
    form: str = "chat"
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
        """The error of an HTTP answer; fails where it has not its API's shape. `type` is Google's `status` too."""
        error = dict(self.json["error"])
        assert self.headers["content-type"] == "application/json" and error["message"]
        if self.form == "messages":
            assert self.json["type"] == "error" and isinstance(error["type"], str), error
        elif self.form == "gemini":
            assert error["code"] == self.status and isinstance(error["status"], str), error
            error["type"] = error["status"]
        else:
            assert set(error) >= {"type", "param", "code"}, error
        return error

    @property
    def events(self) -> list[Any]:
        """The data of each frame of a stream, without signs of life."""
        lines = self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        data = [line[6:] for line in lines if line.startswith(b"data: ")]
        parsed = ["[DONE]" if each == b"[DONE]" else json.loads(each) for each in data]
        return [each for each in parsed if each and (each == "[DONE]" or each.get("type") not in ("keepalive", "ping"))]


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
            connection.request("POST", wires.path(form, model, stream), body, sent)
            return received(connection, began, seen, form)
        finally:
            connection.close()


def received(
    connection: http.client.HTTPConnection,
    began: float,
    seen: Callable[[bytes], None] = lambda piece: None,
    form: str = "chat",
) -> Answer:
    """The answer that comes over a connection."""
    response = connection.getresponse()
    answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, form)
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
    return OUTCOMES[form](answer)


def _chat_outcome(answer: Answer) -> tuple[str, str]:
    events = answer.events
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


def _responses_outcome(answer: Answer) -> tuple[str, str]:
    events = answer.events
    ends = [event for event in events if event["type"] in TERMINAL]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert len(ends) == 1 and events[-1] is ends[0], [event["type"] for event in events]
    if ends[0]["type"] == "response.completed":
        return "completed", text
    failed = ends[0]["response"]["error"] if "response" in ends[0] else ends[0]
    assert failed["message"]
    return "failed", text


def _messages_outcome(answer: Answer) -> tuple[str, str]:
    events = answer.events
    lines = answer.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    names = [line[7:].decode() for line in lines if line.startswith(b"event: ") and line != b"event: ping"]
    assert names == [event["type"] for event in events], "each event says its name, or the SDK stumbles"
    ends = [event for event in events if event["type"] in ("message_stop", "error")]
    assert len(ends) == 1 and events[-1] is ends[0], names
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    text = "".join(delta.get("text", "") for delta in deltas)
    if ends[0]["type"] == "error":
        assert ends[0]["error"]["message"] and "message_delta" not in names
        return "failed", text
    assert events[0]["type"] == "message_start" and names.count("message_delta") == 1
    return "completed", text


def _gemini_outcome(answer: Answer) -> tuple[str, str]:
    lines = answer.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    strange = [line for line in lines if line and not line.startswith(b"data: {")]
    assert strange == [], "Google's clients end at comments, names of events and [DONE]"
    events = answer.events
    candidates = [each for event in events for each in event.get("candidates", ())]
    parts = [part for each in candidates for part in each.get("content", {}).get("parts", ())]
    text = "".join(part.get("text", "") for part in parts)
    finishes = [each["finishReason"] for each in candidates if each.get("finishReason")]
    if "error" in events[-1]:
        assert events[-1]["error"]["message"] and events[-1]["error"]["code"] >= 400 and not finishes
        return "failed", text
    assert len(finishes) == 1 and not any("error" in event for event in events)
    return "completed", text


OUTCOMES: dict[str, Callable[[Answer], tuple[str, str]]] = {
    "chat": _chat_outcome, "responses": _responses_outcome, "messages": _messages_outcome, "gemini": _gemini_outcome,
}  # fmt: skip


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
