"""An upstream that speaks all four formats, for the pairs that the kit's own (Chat only, in C) cannot serve.

    python -m bench.upstream PORT

What it answers is chosen by the model name, as with the kit's: `fake-n200-d20-b1` is 200 deltas, 20 ms between two
writes (0: as fast as they are taken), 1 event a write. Each delta's text is `t=<16 digits: monotonic microseconds> `,
so that a client behind any converter can read the latency of each. Its bytes are prepared: it gives several times what
convert takes (`python -m bench --targets direct-messages`), but much less than the kit's where each delta is a write.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

STAMP = b"t=0000000000000000 "
# The load client looks for deltas in lines that hold that word. Those of Gemini do not, so that the id of
# an answer for its clients holds it; elsewhere the last events repeat both the id and the whole text.
MARKED, IDENTITY = "fake-delta", "fake"
_MODEL = re.compile(rb"fake-n(\d+)(?:-d(\d+))?(?:-b(\d+))?")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream" ?: ?true')


def _frame(data: Any, name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


@dataclass(frozen=True)
class Wire:
    """The prepared frames of a format: what opens a stream, one delta, what ends it; and a finished answer."""

    opening: bytes
    delta: bytes
    ending: bytes
    finished: bytes


def _chat() -> Wire:
    head = {"id": MARKED, "object": "chat.completion.chunk", "created": 1700000000, "model": "fake"}

    def chunk(delta: Any, finish: str | None = None) -> bytes:
        return _frame({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    message = {"role": "assistant", "content": "twenty characters ok " * 20}
    whole = {
        **head, "object": "chat.completion", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }  # fmt: skip
    ending = chunk({}, "stop") + _frame({**head, "choices": [], "usage": usage}) + b"data: [DONE]\n\n"
    opening = chunk({"role": "assistant", "content": ""})
    return Wire(opening, chunk({"content": STAMP.decode()}), ending, json.dumps(whole).encode())


def _messages() -> Wire:
    def event(kind: str, **members: Any) -> bytes:
        return _frame({"type": kind, **members}, kind)

    shell = {
        "id": IDENTITY, "type": "message", "role": "assistant", "model": "fake", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
    }  # fmt: skip
    opening = event("message_start", message=shell)
    opening += event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    delta = event("content_block_delta", index=0, delta={"type": "text_delta", "text": STAMP.decode()})
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    ending = event("content_block_stop", index=0) + event("message_delta", delta=ended, usage={"output_tokens": 20})
    content = [{"type": "text", "text": "twenty characters ok " * 20}]
    whole = {**shell, "content": content, "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 20}}
    return Wire(opening, delta, ending + event("message_stop"), json.dumps(whole).encode())


def _gemini() -> Wire:
    def answer(text: str, **members: Any) -> dict[str, Any]:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **members}
        return {"candidates": [candidate], "modelVersion": "fake", "responseId": IDENTITY}

    usage = {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 20, "totalTokenCount": 30}}
    ending = answer("", finishReason="STOP") | usage
    whole = answer("twenty characters ok " * 20, finishReason="STOP") | usage
    return Wire(b"", _frame(answer(STAMP.decode())), _frame(ending), json.dumps(whole).encode())


WIRES = {b"chat/completions": _chat(), b"messages": _messages(), b"GenerateContent": _gemini()}
WIRES[b"generateContent"] = WIRES[b"GenerateContent"]


def stamped(events: bytes) -> bytes:
    """Prepared events with the time of now in each delta."""
    return events.replace(STAMP, b"t=%016d " % (time.monotonic_ns() // 1000))


def writes(wire: Wire, count: int, events: int, opening: int) -> Iterator[bytes]:
    """The bodies of the HTTP chunks of a stream; `opening`: deltas that come with its first frames."""
    if wire.opening or opening:
        yield stamped(wire.opening + wire.delta * opening)
    for at in range(opening, count, events):
        yield stamped(wire.delta * min(events, count - at))
    yield wire.ending


class Connection(asyncio.Protocol):
    """A client's connection: one request after another."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.heard = b""
        self.bodies: Iterator[bytes] = iter(())
        self.pause = 0.0
        self.flowing = asyncio.Event()
        self.flowing.set()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, found, rest = self.heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if found and len(rest) >= size:
            self.heard = rest[size:]
            self.answer(head.split(b" ", 2)[1], rest[:size])

    def answer(self, target: bytes, asked: bytes) -> None:
        """Answers one request."""
        wire = next((wire for path, wire in WIRES.items() if path in target), None)
        if wire is None:
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif b"streamGenerateContent" in target or _STREAM.search(asked):
            model = _MODEL.search(target) or _MODEL.search(asked)
            count, pause, events = (int(each or 0) for each in model.groups()) if model else (20, 0, 1)
            self.pause = pause / 1000
            self.bodies = writes(wire, count, events or 1, 1 if pause else 0)
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            self.step()
        else:
            kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self.transport.write(kind % len(wire.finished) + wire.finished)

    def step(self) -> None:
        """The next write of a stream."""
        body = next(self.bodies, b"")
        self.transport.write(b"%x\r\n%b\r\n" % (len(body), body))  # the empty chunk is the last
        if not body or self.transport.is_closing():
            self.bodies = iter(())
        elif self.pause:
            self.loop.call_later(self.pause, self.step)
        elif self.flowing.is_set():
            self.loop.call_soon(self.step)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def pause_writing(self) -> None:
        self.flowing.clear()

    def resume_writing(self) -> None:
        self.flowing.set()
        if not self.pause:
            self.step()


async def serve(port: int) -> None:
    """Answers until it is stopped."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
