"""The event stream of a response -> hub events. Source: OpenAI API reference, "Streaming events".

The wire names each part by output index and content index, so parts may arrive interleaved. Servers
differ in how much they announce: a part opens at its announcement or, without one, at its first delta; what was
never streamed is taken from the finished item, or from the finished response.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convert import hub, sse
from convert.errors import ProxyError
from convert.formats.responses import output
from convert.formats.responses.errors import read_error, read_failure
from convert.formats.responses.flavor import ResponsesFlavor
from convert.formats.responses.response import ECHO, read_reason, read_usage
from convert.sse import Chunk
from convert.stream import Parts

Json = dict[str, Any]
Key = tuple[int, str, int]  # output index, what grows, content or summary index

GROWS = {  # event -> (what grows, the member with its number)
    "response.output_text.delta": ("text", "content_index"),
    "response.refusal.delta": ("refusal", "content_index"),
    "response.reasoning_text.delta": ("full", "content_index"),
    "response.reasoning_summary_text.delta": ("summary", "summary_index"),
    "response.function_call_arguments.delta": ("call", ""),
    "response.custom_tool_call_input.delta": ("call", ""),
}
TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


def read_stream(chunks: Iterator[Chunk], flavor: ResponsesFlavor) -> Iterator[hub.Event]:
    """The hub events of a streamed response; ends with the wire's terminal event."""
    reader = _Reader()
    started = False
    for chunk in chunks:
        if chunk is sse.PING or chunk.get("type") == "keepalive":
            yield hub.PING
            continue
        if chunk is sse.REST:
            yield hub.REST
            continue
        if chunk is sse.DONE:
            continue
        kind = chunk.get("type", "")
        if kind == "error" or (chunk.get("error") and not kind.startswith("response.")):
            yield hub.Failure(_error(chunk))
            return
        response = chunk.get("response")
        if isinstance(response, dict) and not started and kind != "response.failed":
            started = True
            yield _start(response)
        if kind in TERMINAL:
            yield from reader.finish(response if isinstance(response, dict) else {}, flavor)
            return
        yield from reader.read(kind, chunk)


def _error(chunk: Chunk) -> ProxyError:
    """An `error` event carries its members bare or, from some servers, under `error`."""
    error = chunk.get("error") or {key: chunk.get(key) for key in ("code", "message", "param")}
    return read_error(502, {"error": error})


def _start(response: Json) -> hub.Start:
    known = {"id", "created_at", "model", "output", "usage", "service_tier"} | ECHO
    return hub.Start(
        id=response.get("id") or "", model=response.get("model") or "", created=int(response.get("created_at") or 0),
        service_tier=response.get("service_tier"),
        extra={key: value for key, value in response.items() if key not in known},
    )  # fmt: skip


class _Reader:
    """The items seen so far, by output index, and their open parts."""

    def __init__(self) -> None:
        self.parts = Parts()
        self.items: dict[int, Json] = {}
        self.places: dict[Any, int] = {}  # by item id, where a server tells no output index
        self.seen: dict[int, list[Key]] = {}  # the parts opened so far for each item, in order
        self.grown: dict[Key, int] = {}  # characters streamed of each part
        self.opened: list[hub.Part] = []  # all parts, for the reason of the end

    def read(self, kind: str, chunk: Chunk) -> Iterator[hub.Event]:
        """The events of one chunk; chunks that only tell progress have none."""
        index = self.place(chunk)
        if kind in GROWS:
            what, member = GROWS[kind]
            key = (index, what, chunk.get(member) or 0)
            if key not in self.parts:
                yield from self.open(key, self.blank(index, what))
            self.grown[key] = self.grown.get(key, 0) + len(chunk["delta"])
            yield self.parts.delta(key, chunk["delta"], chunk.get("logprobs") or None)
        elif kind == "response.output_item.added":
            yield from self.item_added(index, chunk["item"])
        elif kind == "response.content_part.added":
            what = {"refusal": "refusal", "reasoning_text": "full"}.get(chunk["part"]["type"], "text")
            yield from self.open((index, what, chunk.get("content_index") or 0), self.blank(index, what))
        elif kind == "response.reasoning_summary_part.added":
            yield from self.open((index, "summary", chunk.get("summary_index") or 0), self.blank(index, "summary"))
        elif kind == "response.content_part.done":
            yield from self.part_done(index, chunk)
        elif kind == "response.output_item.done":
            yield from self.item_done(index, chunk["item"])

    def place(self, chunk: Chunk) -> int:
        """The output index of a chunk; llama.cpp tells the item's id only, and counts nothing."""
        if (told := chunk.get("output_index")) is not None:
            return int(told)
        identity = chunk.get("item_id") or (chunk.get("item") or {}).get("id")
        return self.places.setdefault(identity, len(self.places))

    def wire(self, index: int) -> Json:
        """The members of an item that its parts remember, so that they are put together again."""
        item = self.items.get(index, {})
        known = ("type", "role", "content", "summary", "encrypted_content", "status")
        return {"item": {key: value for key, value in item.items() if key not in known}}

    def blank(self, index: int, what: str) -> hub.Part:
        """An empty part of an item."""
        match what:
            case "refusal":
                return hub.Refusal(wire=self.wire(index))
            case "full" | "summary":
                return hub.Reasoning(kind=what, wire=self.wire(index))
            case "call":
                return output.read_call(self.items[index], "")
        return hub.Text(wire=self.wire(index))

    def open(self, key: Key, part: hub.Part) -> Iterator[hub.Event]:
        """Opens a part. A reasoning item's earlier part closes; its last one stays open for the seal."""
        if key in self.parts:
            return
        earlier = self.seen.setdefault(key[0], [])
        if key[1] in ("full", "summary") and earlier:
            yield from self.parts.close(earlier[-1])
        earlier.append(key)
        self.opened.append(part)
        yield self.parts.open(key, part)

    def item_added(self, index: int, item: Json) -> Iterator[hub.Event]:
        """An item is announced: calls open at once, other items with their parts."""
        self.items[index] = item
        if item["type"] in ("function_call", "custom_tool_call"):
            yield from self.open((index, "call", 0), output.read_call(item, ""))

    def part_done(self, index: int, chunk: Chunk) -> Iterator[hub.Event]:
        """A content part is complete; the parts of a reasoning item wait for the end of the item."""
        part = chunk["part"]
        what = {"refusal": "refusal", "reasoning_text": "full"}.get(part["type"], "text")
        key = (index, what, chunk.get("content_index") or 0)
        if what == "full":
            return
        if key not in self.parts and key not in self.seen.get(index, []):
            yield from self.open(key, self.blank(index, what))
        yield from self.close_words(key, part)

    def close_words(self, key: Key, part: Json) -> Iterator[hub.Event]:
        """Closes a text or refusal with what its finished form says beyond the deltas."""
        if key not in self.parts:
            return
        whole = output.read_part(part)
        logprobs = None if key in self.grown else getattr(whole, "logprobs", None)
        yield from self.rest(key, getattr(whole, "text", ""), logprobs)
        yield from self.parts.close(key, citations=getattr(whole, "citations", []), extra=getattr(whole, "extra", {}))

    def rest(self, key: Key, text: str, logprobs: list[Json] | None = None) -> Iterator[hub.Event]:
        """What the finished text of a part has beyond its deltas."""
        if rest := text[self.grown.get(key, 0) :]:
            self.grown[key] = len(text)
            yield self.parts.delta(key, rest, logprobs or None)

    def item_done(self, index: int, item: Json) -> Iterator[hub.Event]:
        """An item is complete: its open parts close, and what was not streamed is given whole."""
        self.items[index] = item
        self.seen.setdefault(index, [])
        match item["type"]:
            case "message":
                yield from self.message_done(index, item)
            case "reasoning":
                yield from self.reasoning_done(index, item)
            case "function_call" | "custom_tool_call":
                yield from self.call_done(index, item)
            case _:
                for part in output.read_item(item):
                    yield from self.whole((index, "item", 0), part)

    def message_done(self, index: int, item: Json) -> Iterator[hub.Event]:
        """The words of a finished message."""
        listed = item.get("content") or []
        for number, part in zip(self.numbers(index, len(listed)), listed, strict=True):
            what = "refusal" if part.get("type") == "refusal" else "text"
            key = (index, what, number)
            if key not in self.seen[index]:
                yield from self.open(key, self.blank(index, what))
            yield from self.close_words(key, part)
        for key in self.seen[index]:
            yield from self.parts.close(key)

    def numbers(self, index: int, count: int) -> list[int]:
        """The content index of each part of a finished item. Some servers (Bedrock) count over the whole answer: then
        they are those that were announced, and what follows."""
        told = sorted(number for _, _, number in self.seen[index])
        if all(number < count for number in told):
            return list(range(count))
        return [*told, *range(told[-1] + 1, told[-1] + 1 + count)][:count]

    def reasoning_done(self, index: int, item: Json) -> Iterator[hub.Event]:
        """The thoughts of a finished reasoning item; the last one takes its encrypted content."""
        whole = output.read_reasoning(item)
        if not self.seen[index]:
            for number, part in enumerate(whole):
                yield from self.whole((index, part.kind, number), part)
            return
        last = self.seen[index][-1]
        yield from self.rest(last, whole[-1].text)
        yield from self.parts.close(last, sealed=whole[-1].sealed)

    def call_done(self, index: int, item: Json) -> Iterator[hub.Event]:
        """A finished call; its arguments, if they were not streamed."""
        key = (index, "call", 0)
        call = output.read_call(item, item.get("input" if item["type"] == "custom_tool_call" else "arguments") or "")
        if key not in self.seen[index]:
            yield from self.whole(key, call)
            return
        yield from self.rest(key, call.text)
        yield from self.parts.close(key, extra=call.extra)

    def whole(self, key: Key, part: hub.Part) -> Iterator[hub.Event]:
        """A part that comes all at once."""
        text = getattr(part, "text", "")
        sealed = getattr(part, "sealed", None)
        if text:
            part.text = ""  # type: ignore[union-attr]
        if sealed:
            part.sealed = None  # type: ignore[union-attr]
        yield from self.open(key, part)
        if text:
            yield self.parts.delta(key, text)
        yield from self.parts.close(key, sealed=sealed)

    def finish(self, body: Json, flavor: ResponsesFlavor) -> Iterator[hub.Event]:
        """The end: items that only the finished response holds, then its reason and usage."""
        if body.get("status") in ("failed", "cancelled") or body.get("error"):
            yield hub.Failure(read_failure(body))
            return
        for index, item in enumerate(body.get("output") or []):
            if index not in self.items and not self.known(item):
                yield from self.item_done(index, item)
        yield from self.parts.close_all()
        reason = read_reason(body, self.opened)
        extra = dict(_start(body).extra.items())
        yield hub.End([reason], read_usage(body.get("usage")), body.get("service_tier"), extra)

    def known(self, item: Json) -> bool:
        """Whether an item of the finished response was streamed, at whatever index."""
        return any(each.get("id") is not None and each.get("id") == item.get("id") for each in self.items.values())
