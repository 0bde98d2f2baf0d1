"""Hub events -> the event stream of a response. Source: OpenAI API reference, "Streaming events".

The stream is built from the same items as the finished object (output.py), and ends with that object.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from json.encoder import encode_basestring_ascii as quote  # C speed, and half an emoji stays legal JSON
from typing import Any

from convert import hub, sse
from convert.errors import ProxyError
from convert.formats.responses import output
from convert.formats.responses.errors import write_failure
from convert.formats.responses.response import cut, finish, shell, status, without_untyped
from convert.losses import Report
from convert.stream import Fold

Json = dict[str, Any]


def write_stream(events: Iterator[hub.Event], asked: Json, report: Report) -> Iterator[bytes]:
    """The bytes of the stream: each event one frame, the last one completed, incomplete or failed.

    `asked` is the client's request, whose settings the response object repeats."""
    writer: _Writer | None = None
    for event in events:
        if writer and type(event) is hub.Delta:  # most events
            yield writer.delta(event)
            continue
        if event is hub.REST:
            yield b""
            continue
        if writer is None:  # silence before the start: the response begins without the upstream's id and model
            writer = _Writer(event if isinstance(event, hub.Start) else hub.Start(), asked, report)
            yield from writer.created()
        match event:
            case hub.PartStart():
                yield from writer.open(event)
            case hub.PartEnd():
                yield from writer.close(event)
            case hub.Start():
                writer.fold.add(event)
            case hub.Ping():
                yield writer.event("response.in_progress", response=writer.shell)
            case hub.End():
                yield from writer.end(event)
            case hub.Failure():
                yield writer.failed(event.error)


class _Writer:
    """What is known of the stream so far: the items, and the parts folded into the finished response."""

    def __init__(self, start: hub.Start, asked: Json, report: Report) -> None:
        self.shell = shell(start, asked)
        self.report = report
        self.numbers = count()
        self.fold = Fold()
        self.layout = output.Layout(self.shell["id"])
        self.places: dict[int, output.Item] = {}  # the item of each open part, by the part's index in the hub
        self.frames: dict[int, tuple[str, str] | None] = {}  # what stands around the number and text of its deltas
        self.done: dict[int, Json] = {}  # finished items, by output index

    def event(self, kind: str, **members: Any) -> bytes:
        """One frame, with the next sequence number."""
        return sse.event({"type": kind, "sequence_number": next(self.numbers), **members}, kind)

    def created(self) -> Iterator[bytes]:
        """The frames that open the stream; one that is made in the background was queued first."""
        first = {**self.shell, "status": "queued"} if self.shell["background"] else self.shell
        yield self.event("response.created", response=first)
        if first is not self.shell:
            yield self.event("response.queued", response=first)
        yield self.event("response.in_progress", response=self.shell)

    def open(self, event: hub.PartStart) -> Iterator[bytes]:
        """A part opens: its item too, unless it joins the latest one, which otherwise is done."""
        self.fold.add(event)
        part = self.fold.parts[event.index]
        before = self.layout.latest.get(event.choice)
        item = self.layout.place(part, event.choice)
        if item is None:
            self.report.dropped(type(part).__name__, "no place in a response")
            self.frames[event.index] = None
            return
        if before is not None and before is not item and before not in self.places.values():
            yield from self.item_done(before)
        self.places[event.index] = item
        if len(item.parts) == 1:
            yield self.event("response.output_item.added", output_index=item.index, item=output.open_item(item))
        if item.kind == "message":
            yield self.event("response.content_part.added", **_position(item, part), part=_blank(part))
        if item.kind != "reasoning":  # thoughts are announced with their first delta: encrypted ones have none
            self.frames[event.index] = _frame(item, part)

    def delta(self, event: hub.Delta) -> bytes:
        """The hot path: a delta's frame is cut from strings, no object is built for it."""
        self.fold.add(event)
        opening = b"" if event.index in self.frames else self.thought(event.index)
        frame = self.frames[event.index]
        if frame is None:
            return opening
        head, tail = frame
        if event.logprobs:
            listed = sse.dumps([output.streamed_logprob(token) for token in event.logprobs]).decode()
            tail = f',"logprobs":{listed}}}\n\n'
        return opening + f'{head}{next(self.numbers)},"delta":{quote(event.text)}{tail}'.encode()

    def thought(self, index: int) -> bytes:
        """Announces a part of a reasoning item."""
        item, part = self.places[index], self.fold.parts[index]
        self.frames[index] = _frame(item, part)
        kind = "reasoning_summary_part" if _is_summary(part) else "content_part"
        return self.event(f"response.{kind}.added", **_position(item, part), part=_blank(part))

    def close(self, event: hub.PartEnd) -> Iterator[bytes]:
        """A part closes: what it grew to. Its item ends when the next one opens, or with the answer: it may take
        further parts, and only the end tells whether it was cut off."""
        index = event.index
        item = self.places.get(index)
        part = self.fold.parts[index]
        if item is not None and item.kind == "function" and not self.fold.grown(index):
            yield self.delta(hub.Delta(index, "{}"))  # no arguments: clients parse them all the same
        self.fold.add(event)
        if item is None:
            return
        del self.places[index]
        yield from self.part_done(item, part, announced=index in self.frames)
        if self.layout.latest[item.choice] is not item and item not in self.places.values():
            yield from self.item_done(item)

    def part_done(self, item: output.Item, part: hub.Part, announced: bool) -> Iterator[bytes]:
        """The closing frames of a part."""
        place = _position(item, part)
        match part:
            case hub.ToolCall() if item.kind == "function":
                yield self.event("response.function_call_arguments.done", **place, arguments=part.text or "{}")
            case hub.ToolCall() if item.kind == "custom":
                yield self.event("response.custom_tool_call_input.done", **place, input=part.text)
            case hub.Reasoning() if announced and part.kind == "summary":
                yield self.event("response.reasoning_summary_text.done", **place, text=part.text)
                filled = {"type": "summary_text", "text": part.text}
                yield self.event("response.reasoning_summary_part.done", **place, part=filled)
            case hub.Reasoning() if announced:
                yield self.event("response.reasoning_text.done", **place, text=part.text)
                filled = {"type": "reasoning_text", "text": part.text}
                yield self.event("response.content_part.done", **place, part=filled)
            case hub.Refusal():
                yield self.event("response.refusal.done", **place, refusal=part.text)
                yield self.event("response.content_part.done", **place, part=output.write_part(part, Report()))
            case hub.Text() | hub.Media(kind="audio"):
                yield from self.text_done(place, output.write_part(part, Report()))  # reported with the item

    def text_done(self, place: Json, part: Json) -> Iterator[bytes]:
        """The closing frames of an output text: its citations, its text, the part."""
        logprobs = [output.streamed_logprob(token) for token in part.get("logprobs", [])]
        for number, annotation in enumerate(part["annotations"]):
            yield self.event(
                "response.output_text.annotation.added", **place, annotation_index=number, annotation=annotation
            )
        yield self.event("response.output_text.done", **place, text=part["text"], logprobs=logprobs)
        yield self.event("response.content_part.done", **place, part=part)

    def item_done(self, item: output.Item, state: str = "completed") -> Iterator[bytes]:
        """The end of an item."""
        if item.index not in self.done:
            self.done[item.index] = written = output.write_item(item, self.report, state)
            yield self.event("response.output_item.done", output_index=item.index, item=written)

    def end(self, event: hub.End) -> Iterator[bytes]:
        """The items that were still waiting for further parts, and the finished response."""
        self.fold.add(event)
        response = self.fold.response
        reason = cut(response)
        for item in self.layout.items:
            yield from self.item_done(item, status(item, self.layout, reason))
        body = finish(self.shell, response, [self.done[item.index] for item in self.layout.items], self.report)
        yield self.event(f"response.{body['status']}", response=body)

    def failed(self, error: ProxyError) -> bytes:
        """The terminal frame of an answer that broke off, with the items that were whole by then."""
        items = [self.done[index] for index in sorted(self.done)]
        body = without_untyped({**self.shell, "status": "failed", "error": write_failure(error), "output": items})
        return self.event("response.failed", response=body)


def _is_summary(part: hub.Part) -> bool:
    return isinstance(part, hub.Reasoning) and part.kind == "summary"


def _position(item: output.Item, part: hub.Part) -> Json:
    """Where in the output a part stands."""
    place: Json = {"item_id": item.id, "output_index": item.index}
    if item.kind in ("message", "reasoning"):
        number = next(n for n, each in enumerate(item.slots(part)) if each is part)
        place["summary_index" if _is_summary(part) else "content_index"] = number
    return place


def _blank(part: hub.Part) -> Json:
    """A content part as it is announced."""
    match part:
        case hub.Reasoning(kind="summary"):
            return {"type": "summary_text", "text": ""}
        case hub.Reasoning():
            return {"type": "reasoning_text", "text": ""}
        case hub.Refusal():
            return {"type": "refusal", "refusal": ""}
    return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def _frame(item: output.Item, part: hub.Part) -> tuple[str, str] | None:
    """What stands before the number and after the text of each delta; None for parts that are not streamed."""
    tail = "}\n\n"
    match part:
        case hub.Text() | hub.Media(kind="audio"):
            name, tail = "output_text", ',"logprobs":[]}\n\n'
        case hub.Refusal():
            name = "refusal"
        case hub.Reasoning():
            name = "reasoning_summary_text" if _is_summary(part) else "reasoning_text"
        case hub.ToolCall() if item.kind == "function":
            name = "function_call_arguments"
        case hub.ToolCall() if item.kind == "custom":
            name = "custom_tool_call_input"
        case _:
            return None
    kind = f"response.{name}.delta"
    place = sse.dumps(_position(item, part)).decode()[1:-1]
    return f'event: {kind}\ndata: {{"type":"{kind}",{place},"sequence_number":', tail
