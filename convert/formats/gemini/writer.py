"""Hub events -> a stream of answers. Source: Gemini API reference, "Method: models.streamGenerateContent".

Google's clients take `data:` lines and nothing else: comments, `event:` lines and `[DONE]` break them (observed on
Gemini CLI and google-genai), while an empty object is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quote  # C speed, and half an emoji stays legal JSON
from typing import Any

from convert import hub, sealed, sse
from convert.formats.gemini import answer, content, response
from convert.formats.gemini.errors import write_chunk_error
from convert.losses import Report
from convert.stream import Fold, sequential

Json = dict[str, Any]
KEEP_ALIVE = b"data: {}\n\n"


def write_stream(events: Iterator[hub.Event], asked: Json, report: Report) -> Iterator[bytes]:
    """The bytes of the stream; the last chunk has the finish reasons, or the error that ended it. Parts are written one
    after another: a call is one piece here, and what began after it must not overtake it."""
    writer: _Writer | None = None
    for event in sequential(events):
        if writer is not None and (written := writer.write(event)):
            yield written
        elif event is hub.REST:
            yield b""
        elif isinstance(event, hub.Ping):
            yield KEEP_ALIVE
        elif isinstance(event, hub.Failure):
            yield write_chunk_error(event.error)
            return
        elif isinstance(event, hub.Start):
            writer = _Writer(event, asked, report)


class _Writer:
    """The constant members of every chunk, and which part is what."""

    def __init__(self, start: hub.Start, asked: Json, report: Report) -> None:
        self.head: Json = {
            "modelVersion": start.model or asked.get("model", ""), "responseId": response.response_id(start.id)
        }  # fmt: skip
        self.tail = sse.dumps(self.head).decode()[1:]
        self.report = report
        self.fold = Fold()
        self.fold.add(start)
        self.frames: dict[int, tuple[str, str]] = {}  # what stands around the text of a part's deltas
        self.latest: dict[int, hub.Part] = {}  # the part that ended last, by choice

    def chunk(self, choice: int, parts: list[Json], **members: Any) -> bytes:
        """One chunk with one candidate."""
        candidate = {"content": {"parts": parts, "role": "model"}, "index": choice, **members}
        return sse.event({"candidates": [candidate], **self.head})

    def frame(self, choice: int, thought: bool) -> tuple[str, str]:
        """What stands around a text, which is all that changes from delta to delta."""
        flag = ',"thought":true' if thought else ""
        return (
            'data: {"candidates":[{"content":{"parts":[{"text":',
            f'{flag}}}],"role":"model"}},"index":{choice:d}}}],{self.tail}\n\n',
        )

    def write(self, event: hub.Event) -> bytes:
        """The chunks of an event after the start."""
        if type(event) is hub.Delta:
            return self.delta(event)
        match event:
            case hub.PartStart():
                return self.open(event)
            case hub.PartEnd():
                return self.close(event)
            case hub.End():
                return self.end(event)
        return b""

    def open(self, event: hub.PartStart) -> bytes:
        """A part opens. Calls wait for their end: their arguments are one object here."""
        self.fold.add(event)
        if isinstance(event.part, hub.Text | hub.Refusal | hub.Reasoning | hub.Media):
            thought = isinstance(event.part, hub.Reasoning)
            self.frames[event.index] = self.frame(event.choice, thought)
        return b""

    def delta(self, event: hub.Delta) -> bytes:
        """The hot path: a delta's chunk is cut from strings, no object is built for it."""
        opening = b"" if self.fold.grown(event.index) else self.separator(event)
        self.fold.add(event)
        frame = self.frames.get(event.index)
        if frame is None:
            return b""
        if event.logprobs:
            parts = [{"text": event.text}]
            result = answer.write_logprobs(event.logprobs)
            return opening + self.chunk(self.fold.owners[event.index], parts, logprobsResult=result)
        before, after = frame
        return opening + f"{before}{quote(event.text)}{after}".encode()

    def separator(self, event: hub.Delta) -> bytes:
        """The blank line between two thoughts."""
        part, choice = self.fold.parts[event.index], self.fold.owners[event.index]
        before = self.latest.get(choice)
        if not isinstance(part, hub.Reasoning) or not event.text:
            return b""
        second = isinstance(before, hub.Reasoning) and before.text and not before.sealed
        return self.chunk(choice, [{"text": "\n\n", "thought": True}]) if second else b""

    def close(self, event: hub.PartEnd) -> bytes:
        """A part closes: what could not be said in deltas."""
        index = event.index
        self.fold.add(event)
        part, choice = self.fold.parts[index], self.fold.owners[index]
        self.latest[choice] = part
        response.report_part(part, self.report)
        match part:
            case hub.ToolCall():
                return self.chunk(choice, [response.write_call(part)])
            case hub.Reasoning() if part.sealed:
                state = sealed.shown(part.sealed, content.FORMAT)
                thought = {"thought": True} if part.text else {}
                return self.chunk(choice, [{"text": "", **thought, "thoughtSignature": state}])
            case hub.Media():
                parts = response.write_blob(part)
                return self.chunk(choice, parts) if parts else b""
            case hub.Raw(format=content.FORMAT, value=value):
                return self.chunk(choice, [dict(value)])
            case hub.Text() if part.citations and (metadata := answer.write_citations(self.texts(choice))):
                return self.chunk(choice, [{"text": ""}], groundingMetadata=metadata)
        return b""

    def texts(self, choice: int) -> list[hub.Text]:
        """The texts of a choice so far: the last groundingMetadata is that of all of them."""
        owned = zip(self.fold.parts, self.fold.owners, strict=True)
        return [part for part, owner in owned if owner == choice and isinstance(part, hub.Text)]

    def end(self, event: hub.End) -> bytes:
        """The chunk with the finish reason of each candidate, and the usage."""
        self.fold.add(event)
        self.report.extras("", self.fold.response.extra)
        body: Json = {
            "candidates": [
                {
                    "content": {"parts": [{"text": ""}], "role": "model"},
                    "finishReason": answer.write_reason(reason), "index": number,
                }
                for number, reason in enumerate(event.reasons)
            ]
        }  # fmt: skip
        if usage := self.fold.response.usage:
            body["usageMetadata"] = answer.write_usage(usage)
            response.report_usage(usage, self.report)
        return sse.event({**body, **self.head})
