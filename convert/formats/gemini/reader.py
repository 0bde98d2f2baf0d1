"""A stream of answers -> hub events. Source: Gemini API reference, "Method: models.streamGenerateContent".

The wire has no boundaries between parts: texts and thoughts grow until something else of the same candidate comes.
Nothing marks the end but the end: an answer is complete when each candidate has a finish reason by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convert import hub, sse
from convert.formats.gemini import answer, content
from convert.formats.gemini.errors import read_chunk_error
from convert.formats.gemini.flavor import GeminiFlavor
from convert.sse import Chunk
from convert.stream import Parts

Json = dict[str, Any]


def read_stream(chunks: Iterator[Chunk], flavor: GeminiFlavor) -> Iterator[hub.Event]:
    """The hub events of a streamed answer."""
    reader: _Reader | None = None
    silent = 0  # signs of silence since the answer was complete
    for chunk in chunks:
        if chunk is sse.DONE:  # of gateways that think of OpenAI's streams
            break
        if chunk is sse.PING or not chunk:
            silent += reader is not None and reader.ended()
            if silent > 1:  # nothing more comes, and the upstream keeps the connection open
                break
            yield hub.PING
            continue
        if chunk is sse.REST:
            yield hub.REST
            continue
        if chunk.get("error"):
            yield hub.Failure(read_chunk_error(chunk["error"]))
            return
        silent = 0
        if reader is None:
            reader = _Reader(chunk)
            yield hub.Start(id=reader.identity, model=chunk.get("modelVersion") or "", created=answer.created(chunk))
        yield from reader.read(chunk)
    if reader is not None and reader.ended():
        yield from reader.end()


class _Candidate:
    """One of the answers of a stream."""

    def __init__(self) -> None:
        self.finish: Any = None
        self.message: Any = None
        self.calls = 0
        self.text = ""  # of the part that grows
        self.metadata: Json = {}  # what says where the text comes from
        self.cited: set[str] = set()  # of that, what an earlier text has taken


class _Reader:
    """The candidates and their open parts."""

    def __init__(self, chunk: Chunk) -> None:
        self.identity = chunk.get("responseId") or ""
        self.parts = Parts()
        self.candidates: dict[int, _Candidate] = {}
        self.usage: Json = {}
        self.extra: Json = {}
        self.blocked: hub.Reason | None = None

    def ended(self) -> bool:
        """Whether the answer is complete."""
        if not self.candidates:
            return self.blocked is not None
        return all(candidate.finish is not None for candidate in self.candidates.values())

    def read(self, chunk: Chunk) -> Iterator[hub.Event]:
        """The events of one chunk."""
        self.usage |= chunk.get("usageMetadata") or {}  # counts are cumulative: the last of each is right
        self.extra |= answer.extra_of(chunk)
        self.blocked = answer.read_block(chunk.get("promptFeedback")) or self.blocked
        for place, body in enumerate(chunk.get("candidates") or ()):
            number = body["index"] if isinstance(body.get("index"), int) else place
            yield from self.candidate(number, body)

    def candidate(self, number: int, body: Json) -> Iterator[hub.Event]:
        """The events of one candidate of one chunk."""
        if number < 0:
            raise ValueError("a candidate with a negative index")
        state = self.candidates.setdefault(number, _Candidate())
        for key in ("groundingMetadata", "citationMetadata"):
            if body.get(key) and body[key] != state.metadata.get(key):
                state.metadata[key] = body[key]
                state.cited.clear()
        logprobs = answer.read_logprobs(body.get("logprobsResult"))
        for part in (body.get("content") or {}).get("parts") or ():
            said = bool(part.get("text")) and not part.get("thought")
            yield from self.part(number, part, logprobs if said else [])
            logprobs = [] if said else logprobs
        if logprobs and (number, "text") in self.parts:
            yield self.parts.delta((number, "text"), "", logprobs)
        state.finish = body.get("finishReason") or state.finish
        state.message = body.get("finishMessage") or state.message

    def part(self, number: int, part: Json, logprobs: list[Json]) -> Iterator[hub.Event]:
        """The events of one part."""
        signature = part.get("thoughtSignature")
        if "functionCall" in part:
            yield from self.call(number, part["functionCall"], signature)
        elif "text" in part and part.get("thought"):
            yield from self.thought(number, part["text"], signature)
        elif "inlineData" in part or "fileData" in part:
            yield from self.whole(number, answer.read_blob(part))
            yield from self.signed(number, signature)
        elif part.get("text"):
            yield from self.text(number, part["text"], logprobs)
            yield from self.signed(number, signature)
        elif part.keys() - {"text", "thought", "thoughtSignature"}:
            yield from self.whole(number, hub.Raw(format=content.FORMAT, value=part))
        else:
            yield from self.signed(number, signature)

    def text(self, number: int, text: str, logprobs: list[Json]) -> Iterator[hub.Event]:
        """A piece of the text."""
        key = (number, "text")
        if key not in self.parts:
            yield from self.close(number)
            yield self.parts.open(key, hub.Text(), number)
        self.candidates[number].text += text
        yield self.parts.delta(key, text, logprobs or None)

    def thought(self, number: int, text: str, signature: Any) -> Iterator[hub.Event]:
        """A piece of a thought; its signature ends it."""
        key = (number, "thought")
        if key not in self.parts:
            if not (text or signature):
                return
            yield from self.close(number)
            yield self.parts.open(key, hub.Reasoning(kind="summary"), number)
        if text:
            yield self.parts.delta(key, text)
        if signature:
            yield from self.parts.close(key, sealed=answer.seal(signature))

    def signed(self, number: int, signature: Any) -> Iterator[hub.Event]:
        """The signature of what came before, as reasoning without words."""
        if signature:
            yield from self.whole(number, hub.Reasoning(kind="summary", sealed=answer.seal(signature)))

    def call(self, number: int, inner: Json, signature: Any) -> Iterator[hub.Event]:
        """A call, which comes as a whole."""
        state = self.candidates[number]
        call = answer.read_call(inner, signature, answer.call_id(self.identity, number, state.calls))
        state.calls += 1
        text, call.text = call.text, ""
        yield from self.whole(number, call, text)

    def whole(self, number: int, part: hub.Part, text: str = "") -> Iterator[hub.Event]:
        """A part that comes as a whole."""
        yield from self.close(number)
        yield self.parts.open((number, "whole"), part, number)
        if text:
            yield self.parts.delta((number, "whole"), text)
        yield from self.parts.close((number, "whole"))

    def close(self, number: int, last: bool = False) -> Iterator[hub.Event]:
        """Closes what a candidate is saying; its text takes the citations that have come, the last one also those
        that name no place."""
        yield from self.parts.close((number, "thought"))
        state = self.candidates[number]
        if (number, "text") in self.parts:
            found = answer.read_citations(state.metadata, state.text) if state.metadata else []
            fresh = [each for each in found if repr(each) not in state.cited and (last or each.start is not None)]
            state.cited |= {repr(each) for each in fresh}
            yield from self.parts.close((number, "text"), citations=fresh)
        state.text = ""

    def end(self) -> Iterator[hub.Event]:
        """The end of a complete answer."""
        for number in sorted(self.candidates):
            yield from self.close(number, last=True)
        ended = (self.candidates.get(number) for number in range(max(self.candidates, default=-1) + 1))
        reasons = [
            answer.read_reason(each.finish, each.message, each.calls > 0) if each else hub.Reason("other")
            for each in ended
        ]
        if not reasons and self.blocked:
            reasons = [self.blocked]
        yield hub.End(reasons, answer.read_usage(self.usage), extra=self.extra)
