"""The event stream of a message -> hub events. Source: Anthropic API reference, "Streaming Messages".

The wire announces and closes every block, so that a block is a part. What it says of tokens in its first event is
completed by the last one. Blocks of hosted tools are given whole, when they close.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convert import hub, sse
from convert.formats.messages import answer
from convert.formats.messages.blocks import read_citation
from convert.formats.messages.errors import read_error
from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.response import read_block
from convert.sse import Chunk
from convert.stream import Parts

Json = dict[str, Any]
GROWS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def read_stream(chunks: Iterator[Chunk], flavor: MessagesFlavor) -> Iterator[hub.Event]:
    """The hub events of a streamed message. It is complete when its stop reason was told, even where a server
    forgets the event after that."""
    reader = _Reader()
    for chunk in chunks:
        if chunk is sse.PING or chunk.get("type") == "ping":
            yield hub.PING
            continue
        if chunk is sse.REST:
            yield hub.REST
            continue
        if chunk is sse.DONE:
            continue
        if chunk.get("type") == "error" or chunk.get("error"):
            yield hub.Failure(read_error(502, chunk))
            return
        if chunk.get("type") == "message_stop":
            break
        yield from reader.read(chunk)
    else:
        if reader.reason is None:
            return
    yield from reader.end()


def alike(chunk: Chunk, part: hub.Part) -> bool:
    """Whether the next chunk that differs only in its text adds that to the same part: the delta of a block does."""
    return chunk.get("type") == "content_block_delta"


@dataclass(slots=True)
class _Block:
    """An open block: what it began with, and what came since that the hub is told at its end."""

    opened: Json
    raw: bool = False
    text: list[str] = field(default_factory=list)  # of a hosted tool's input
    grown: bool = False
    signature: str = ""
    citations: list[hub.Citation] = field(default_factory=list)


class _Reader:
    """The message as far as it is known, and its open blocks."""

    def __init__(self) -> None:
        self.parts = Parts()
        self.blocks: dict[int, _Block] = {}
        self.identity = ""
        self.usage: Json = {}
        self.extra: Json = {}
        self.reason: str | None = None
        self.called: list[str] = []

    def read(self, chunk: Chunk) -> Iterator[hub.Event]:
        """The events of one chunk; types that are not known have none."""
        match chunk.get("type"):
            case "content_block_delta":
                yield from self.grow(chunk["index"], chunk["delta"])
            case "content_block_start":
                yield from self.open(chunk["index"], chunk["content_block"])
            case "content_block_stop":
                yield from self.close(chunk["index"])
            case "message_start":
                yield self.start(chunk["message"])
            case "message_delta":
                self.finish(chunk)

    def start(self, message: Json) -> hub.Start:
        """The shell of the message."""
        self.identity = message.get("id") or ""
        self.usage = dict(message.get("usage") or {})
        self.extra = answer.extra(message)
        return hub.Start(
            id=self.identity, model=message.get("model") or "", usage=answer.read_usage(self.usage),
            service_tier=answer.service_tier(self.usage), extra=self.extra,
        )  # fmt: skip

    def open(self, index: int, block: Json) -> Iterator[hub.Event]:
        """A block opens. What it holds already is given as if it had been streamed; the input of a call waits, because
        servers that give it whole give no deltas, and others repeat it in deltas."""
        if index in self.blocks:
            raise ValueError("a block opened twice")
        known = _Block(block)
        self.blocks[index] = known
        kind = block["type"]
        if kind == "text":
            known.citations = [read_citation(each) for each in block.get("citations") or []]
            yield self.parts.open(index, hub.Text())
        elif kind == "thinking":
            known.signature = block.get("signature") or ""
            yield self.parts.open(index, hub.Reasoning())
        elif kind == "tool_use":
            yield self.parts.open(index, self.call(block))
        else:
            known.raw = True
        if kind in ("text", "thinking") and block.get(kind):
            yield self.parts.delta(index, block[kind])

    def call(self, block: Json) -> hub.ToolCall:
        """A call without its input. Raises ValueError for one without a name."""
        call = read_block({**block, "input": {}})[0]
        if not isinstance(call, hub.ToolCall):
            raise ValueError("no tool call")
        call.text = ""
        if not call.id or call.id in self.called:
            call.id = answer.call_id(self.identity, len(self.called))
        self.called.append(call.id)
        return call

    def grow(self, index: int, delta: Json) -> Iterator[hub.Event]:
        """A block grows; a signature and citations are told at its end."""
        kind = delta.get("type")
        known = self.blocks[index]
        if kind in GROWS:
            text = delta[GROWS[kind]]
            if known.raw:
                known.text.append(text)
            elif text:
                known.grown = True
                yield self.parts.delta(index, text)
        elif kind == "signature_delta":
            known.signature += delta["signature"]
        elif kind == "citations_delta":
            known.citations.append(read_citation(delta["citation"]))
        elif known.raw:
            _extend(known.opened, delta)

    def close(self, index: int) -> Iterator[hub.Event]:
        """A block closes."""
        known = self.blocks.pop(index)
        block = known.opened
        if known.raw:
            yield from self.whole(index, known)
            return
        if block["type"] == "tool_use" and not known.grown and block.get("input"):
            given = block["input"]
            text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, separators=(",", ":"))
            yield self.parts.delta(index, text)
        sealed = hub.Sealed("messages", known.signature) if known.signature else None
        yield from self.parts.close(index, sealed=sealed, citations=known.citations)

    def whole(self, index: int, known: _Block) -> Iterator[hub.Event]:
        """A block that is given at once: redacted thinking, and those of hosted tools."""
        block = dict(known.opened)
        if written := "".join(known.text):
            block["input"] = json.loads(written)
        for number, part in enumerate(read_block(block)):
            sealed = None
            if isinstance(part, hub.Reasoning):
                part.sealed, sealed = None, part.sealed
            key = (index, number)
            yield self.parts.open(key, part)
            yield from self.parts.close(key, sealed=sealed)

    def finish(self, chunk: Chunk) -> None:
        """The reason of the end, and the counts that are known now."""
        delta = dict(chunk.get("delta") or {})
        self.reason = delta.pop("stop_reason", None) or self.reason
        self.extra = self.extra | answer.extra(delta)
        if chunk.get("context_management"):
            self.extra["context_management"] = chunk["context_management"]
        self.usage |= {key: value for key, value in (chunk.get("usage") or {}).items() if value is not None}

    def end(self) -> Iterator[hub.Event]:
        """The end of the message."""
        for index in list(self.blocks):
            yield from self.close(index)
        reason = answer.read_reason(self.reason, bool(self.called))
        tier = answer.service_tier(self.usage)
        yield hub.End([reason], answer.read_usage(self.usage), tier, self.extra)


def _extend(block: Json, delta: Json) -> None:
    """A delta of a kind that is not known: its texts are added to the members of the same name."""
    for key, value in delta.items():
        if key != "type":
            held = block.get(key)
            block[key] = held + value if isinstance(held, str) and isinstance(value, str) else value
