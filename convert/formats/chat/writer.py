"""Hub events -> a stream of completion chunks. Source: OpenAI API reference, "The chat completion chunk object"."""

from __future__ import annotations

import time
from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quote  # C speed, and half an emoji stays legal JSON
from typing import Any

from convert import hub, sse
from convert.formats.chat import answer, response
from convert.formats.chat.errors import write_chunk_error
from convert.losses import Report
from convert.stream import Fold

Json = dict[str, Any]
KEEP_ALIVE = b": keep-alive\n\n"


def write_stream(events: Iterator[hub.Event], asked: Json, report: Report) -> Iterator[bytes]:
    """The bytes of the stream, `[DONE]` last. `asked` is the client's request: the usage chunk is sent when it set
    `stream_options.include_usage`, and one with `functions` is answered in kind."""
    writer: _Writer | None = None
    for event in events:
        if writer is not None and type(event) is hub.Delta:
            if chunk := writer.delta(event):
                yield chunk
        elif event is hub.REST:
            yield b""
        elif isinstance(event, hub.Ping):
            yield KEEP_ALIVE
        elif isinstance(event, hub.Failure):
            yield write_chunk_error(event.error)
            return
        elif isinstance(event, hub.Start):
            writer = _Writer(event, asked, report)
        elif writer is not None:
            yield from filter(None, writer.write(event))


class _Writer:
    """The constant members of every chunk, and which part is what."""

    def __init__(self, start: hub.Start, asked: Json, report: Report) -> None:
        self.head: Json = {
            "id": response.completion_id(start.id), "object": "chat.completion.chunk",
            "created": start.created or int(time.time()), "model": start.model or asked.get("model", ""),
        }  # fmt: skip
        if start.service_tier in answer.SERVICE_TIERS:
            self.head["service_tier"] = start.service_tier
        options = asked.get("stream_options")
        self.usage = isinstance(options, dict) and bool(options.get("include_usage"))
        self.legacy = "functions" in asked and "tools" not in asked
        self.report = report
        self.prefix = sse.dumps(self.head).decode()[:-1]
        self.fold = Fold()
        self.fold.add(start)
        self.frames: dict[int, tuple[str, str]] = {}  # what stands around the text of a part's deltas
        self.begun: set[int] = set()  # choices whose role was sent
        self.calls: dict[int, int] = {}  # calls so far, by choice
        self.apart: set[int] = set()  # thoughts that a blank line will separate from earlier ones

    def write(self, event: hub.Event) -> Iterator[bytes]:
        """The chunks of an event between the start and the end that is no delta, and of the end."""
        match event:
            case hub.PartStart():
                yield self.open(event)
            case hub.PartEnd():
                yield self.close(event)
            case hub.End():
                yield from self.end(event)

    def chunk(self, choice: int, delta: Json, finish: str | None = None, logprobs: Any = None) -> bytes:
        """One chunk with one choice."""
        body = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return sse.event({**self.head, "choices": [body], **({"usage": None} if self.usage else {})})

    def role(self, choice: int) -> bytes:
        """The chunk that opens a choice; nothing when it is open."""
        if choice in self.begun:
            return b""
        self.begun.add(choice)
        return self.chunk(choice, {"role": "assistant", "content": "", "refusal": None})

    def frame(self, choice: int, before: str, after: str) -> tuple[str, str]:
        """What stands around a text, which is all that changes from delta to delta."""
        null = ',"usage":null' if self.usage else ""
        return (
            f'data: {self.prefix},"choices":[{{"index":{choice},"delta":{{{before}',
            f'{after}}},"logprobs":null,"finish_reason":null}}]{null}}}\n\n',
        )

    def open(self, event: hub.PartStart) -> bytes:
        """A part opens: a call is announced with its id and name."""
        self.fold.add(event)
        part, choice = self.fold.parts[event.index], event.choice
        opening = self.role(choice)
        match part:
            case hub.Text():
                self.frames[event.index] = self.frame(choice, '"content":', "")
            case hub.Refusal():
                self.frames[event.index] = self.frame(choice, '"refusal":', "")
            case hub.Reasoning():
                self.frames[event.index] = self.frame(choice, '"reasoning_content":', "")
                if self.second_thought(event):
                    self.apart.add(event.index)
            case hub.ToolCall():
                opening += self.open_call(event.index, part, choice)
            case hub.Media(kind="audio"):
                self.frames[event.index] = self.frame(choice, '"audio":{"transcript":', "}")
        return opening

    def second_thought(self, event: hub.PartStart) -> bool:
        """Whether earlier reasoning of the choice has text: the finished message separates them by a blank line."""
        return any(
            isinstance(part, hub.Reasoning) and part.text
            for part, owner in zip(self.fold.parts[:-1], self.fold.owners[:-1], strict=True)
            if owner == event.choice
        )

    def open_call(self, index: int, part: hub.ToolCall, choice: int) -> bytes:
        """The first chunk of a call."""
        number = self.calls.get(choice, 0)
        self.calls[choice] = number + 1
        if self.legacy:
            self.frames[index] = self.frame(choice, '"function_call":{"arguments":', "}")
            return self.chunk(choice, {"function_call": {"name": part.name, "arguments": ""}})
        kind, member = ("custom", "input") if part.type == "custom" else ("function", "arguments")
        self.frames[index] = self.frame(
            choice, f'"tool_calls":[{{"index":{number},"{kind}":{{"{member}":', "}}]"
        )
        call = {"index": number, "id": part.id, "type": kind, kind: {"name": part.name, member: ""}}
        return self.chunk(choice, {"tool_calls": [call]})

    def delta(self, event: hub.Delta) -> bytes:
        """The hot path: a delta's chunk is cut from strings, no object is built for it."""
        self.fold.add(event)
        frame = self.frames.get(event.index)
        if frame is None:
            return b""
        before, after = frame
        if self.apart and event.index in self.apart:
            self.apart.discard(event.index)
            before = f'{before}"\\n\\n"{after}{before}'
        if event.logprobs:
            kind = "refusal" if isinstance(self.fold.parts[event.index], hub.Refusal) else "content"
            listed = {"content": None, "refusal": None, kind: event.logprobs}
            after = after.replace('"logprobs":null', f'"logprobs":{sse.dumps(listed).decode()}')
        return f"{before}{quote(event.text)}{after}".encode()

    def close(self, event: hub.PartEnd) -> bytes:
        """A part closes: what could not be said in deltas."""
        index = event.index
        part, choice = self.fold.parts[index], self.fold.owners[index]
        out = b""
        if isinstance(part, hub.ToolCall) and part.type != "custom" and not self.fold.grown(index):
            out = self.delta(hub.Delta(index, "{}"))  # no arguments: clients parse them all the same
        self.fold.add(event)
        if isinstance(part, hub.Media):
            out += self.media(part, choice)
        if isinstance(part, hub.Text) and part.citations:
            # offsets count from the start of the whole content
            texts = [
                each for each, owner in zip(self.fold.parts[: index + 1], self.fold.owners, strict=False)
                if owner == choice and isinstance(each, hub.Text)
            ]  # fmt: skip
            earlier = sum(len(each.citations) for each in texts[:-1])
            annotations = response.write_annotations(texts, Report())[earlier:]
            out += self.chunk(choice, {"annotations": annotations}) if annotations else b""
        response.report_part(part, self.report)
        return out

    def media(self, part: hub.Media, choice: int) -> bytes:
        """The data of a sound, whose transcript was streamed, or an image."""
        delta = response.write_media([part])
        if "audio" in delta:
            del delta["audio"]["transcript"]
        return self.chunk(choice, delta) if any(delta.values()) else b""

    def end(self, event: hub.End) -> Iterator[bytes]:
        """The chunk with the finish reason of each choice, the usage, and the terminator."""
        self.fold.add(event)
        self.report.extras("", self.fold.response.extra)
        for number, reason in enumerate(event.reasons):
            finish = response.finish_reason(reason, self.legacy)
            yield self.role(number) + self.chunk(number, {}, finish)
        if self.usage and (usage := self.fold.response.usage):
            yield sse.event({**self.head, "choices": [], "usage": answer.write_usage(usage)})
        yield b"data: [DONE]\n\n"
