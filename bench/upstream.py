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
IDENTITY = "fake-delta"  # the load client looks for deltas in lines that hold that word
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
    head = {"id": IDENTITY, "object": "chat.completion.chunk", "created": 1700000000, "model": "fake"}

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


async def _stream(writer: asyncio.StreamWriter, wire: Wire, count: int, pause: int, events: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for body in writes(wire, count, events, 1 if pause else 0):
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await writer.drain()
        await asyncio.sleep(pause / 1000)
    writer.write(b"0\r\n\r\n")


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            target = head.split(b" ", 2)[1]
            wire = next((wire for path, wire in WIRES.items() if path in target), None)
            if wire is None:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                continue
            model = _MODEL.search(target) or _MODEL.search(body)
            count, pause, events = (int(each or default) for each, default in zip(model.groups(), (20, 0, 1))) if (
                model
            ) else (20, 0, 1)
            if b"streamGenerateContent" in target or _STREAM.search(body):
                await _stream(writer, wire, count, pause, events)
            else:
                kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(kind % len(wire.finished) + wire.finished)
    writer.close()


async def serve(port: int) -> None:
    """Answers until it is stopped."""
    server = await asyncio.start_server(_connection, "127.0.0.1", port, limit=1 << 23, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
