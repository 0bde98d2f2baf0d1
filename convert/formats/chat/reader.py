"""A stream of completion chunks -> hub events. Source: OpenAI API reference, "The chat completion chunk object".

The wire has no boundaries between parts: a part opens with its first delta and closes when another kind of part of
the same choice begins; calls, which may interleave, close when their choice ends.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from convert import hub, sse
from convert.formats.chat import answer, think
from convert.formats.chat.errors import read_chunk_error
from convert.formats.chat.flavor import ChatFlavor
from convert.sse import Chunk
from convert.stream import Parts

Json = dict[str, Any]
THOUGHTS = ("reasoning_content", "reasoning")
GROWS = {"content": "text", **dict.fromkeys(THOUGHTS, "reasoning")}


def read_stream(chunks: Iterator[Chunk], flavor: ChatFlavor) -> Iterator[hub.Event]:
    """The hub events of a streamed answer. It is complete when each choice has a finish reason or `[DONE]` came."""
    reader: _Reader | None = None
    last: Json = {}
    usage: Json | None = None
    for chunk in chunks:
        if reader and (delta := reader.more(chunk)):
            last.update(chunk)
            yield delta
        elif chunk is sse.PING:
            yield hub.PING
        elif chunk is sse.REST:
            yield hub.REST
        elif chunk is sse.DONE:
            break
        elif chunk.get("error"):
            yield hub.Failure(read_chunk_error(chunk["error"]))
            return
        else:
            if reader is None and (chunk.get("choices") or chunk.get("id")):
                reader = _Reader(chunk, flavor)
                yield reader.start(chunk)
            usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or usage
            last.update(chunk)
            for choice in chunk.get("choices") or ():
                if reader:
                    yield from reader.read(choice)
    else:  # no [DONE]: only an answer whose every choice has ended is complete
        if reader is None or not reader.ended():
            return
    if reader is None:
        return
    yield from reader.end_all()
    yield hub.End(reader.reasons(), answer.read_usage(usage), last.get("service_tier"), _extra(last))


def alike(chunk: Chunk, part: hub.Part) -> bool:
    """Whether the next chunk that differs only in its text adds that to the same part: to a text, to the arguments of a
    call, or to a thought that is not taken from the content (where its end has to be looked for, see think.py)."""
    _, added = _added(chunk)
    fields = {hub.Text: ("content",), hub.Reasoning: THOUGHTS, hub.ToolCall: ("tool_calls",)}
    return len(added) == 1 and not added.keys().isdisjoint(fields.get(type(part), ()))


def _added(chunk: Chunk) -> tuple[int, Json]:
    """(number of the choice, what is said of it) of a chunk with a delta of one choice; nothing where a chunk says more
    than that."""
    choices = chunk.get("choices")
    if not choices or len(choices) > 1 or chunk.get("usage") or "x_groq" in chunk or "error" in chunk:
        return 0, {}
    body = choices[0]
    delta = body.get("delta")
    if not delta or body.get("finish_reason") or body.get("logprobs"):
        return 0, {}
    return body.get("index") or 0, {name: value for name, value in delta.items() if value and name != "role"}


def _extra(chunk: Json) -> Json:
    return {key: value for key, value in chunk.items() if key not in answer.KNOWN}


class _Choice:
    """One of the answers of a stream."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self.calls: dict[Any, Json] = {}  # the wire's index -> the latest call there: key, id, name
        self.opened: list[Json] = []  # all calls; some servers give them all the same index
        self.latest: Json | None = None
        self.annotations: list[Json] = []
        self.sound: Json = {}
        self.content: Generator[list[think.Piece], str | None, None] | None = None


class _Reader:
    """The choices and their open parts."""

    def __init__(self, chunk: Chunk, flavor: ChatFlavor) -> None:
        self.identity = chunk.get("id") or ""
        self.flavor = flavor
        self.parts = Parts()
        self.choices: dict[int, _Choice] = {}
        self.used: set[str] = set()  # call ids

    def start(self, chunk: Chunk) -> hub.Start:
        """The opening event."""
        return hub.Start(
            id=self.identity, model=chunk.get("model") or "", created=int(chunk.get("created") or 0),
            service_tier=chunk.get("service_tier"), extra=_extra(chunk),
        )  # fmt: skip

    def ended(self) -> bool:
        """Whether every choice has its finish reason."""
        return bool(self.choices) and all(choice.finish is not None for choice in self.choices.values())

    def reasons(self) -> list[hub.Reason]:
        """Why each choice ended."""
        ended = (self.choices.get(number, _Choice()) for number in range(max(self.choices, default=0) + 1))
        return [answer.read_reason(choice.finish, bool(choice.opened)) for choice in ended]

    def more(self, chunk: Chunk) -> hub.Delta | None:
        """The hot path: the delta of a chunk that only adds to an open text or thought (after an open text, think.py
        lets everything pass). None for all else."""
        number, added = _added(chunk)
        if len(added) != 1:
            return None
        ((name, text),) = added.items()
        return self.parts.more((number, GROWS[name]), text) if name in GROWS and type(text) is str else None

    def read(self, body: Json) -> Iterator[hub.Event]:
        """The events of one choice of one chunk."""
        number = int(body.get("index") or 0)
        choice = self.choices.setdefault(number, _Choice())
        delta = body.get("delta") or body.get("message") or {}
        logprobs = body.get("logprobs") or {}
        choice.annotations += delta.get("annotations") or []
        if thought := answer.reasoning_of(delta):
            yield from self.grow(number, "reasoning", thought)
        for kind, text in answer.content_pieces(delta.get("content")):
            yield from self.words(number, kind, text, logprobs.get("content"))
        if not delta.get("content") and logprobs.get("content") and (number, "text") in self.parts:
            yield self.parts.delta((number, "text"), "", logprobs["content"])
        if delta.get("refusal"):
            yield from self.grow(number, "refusal", delta["refusal"], logprobs.get("refusal"))
        if any((delta.get("audio") or {}).values()):
            yield from self.sound(number, delta["audio"])
        for image in delta.get("images") or ():
            yield self.parts.open((number, "image"), answer.read_image(image), number)
            yield from self.parts.close((number, "image"))
        for call in delta.get("tool_calls") or ():
            yield from self.call(number, call)
        if any((delta.get("function_call") or {}).values()):
            yield from self.call(number, {"index": "legacy", "function": delta["function_call"]})
        if body.get("finish_reason"):
            choice.finish = body["finish_reason"]
            yield from self.end(number)

    def words(self, number: int, kind: str, text: str, logprobs: Any) -> Iterator[hub.Event]:
        """A piece of content, reasoning tags taken out where the server leaves them in."""
        choice = self.choices[number]
        if not self.flavor.think_tags or kind == "reasoning":
            yield from self.grow(number, kind, text, logprobs)
            return
        if choice.content is None:
            choice.content = think.split()
            next(choice.content)
        for out, piece in choice.content.send(text):
            yield from self.grow(number, out, piece, logprobs if out == "text" else None)

    def grow(self, number: int, kind: str, text: str, logprobs: Any = None) -> Iterator[hub.Event]:
        """A delta of the choice's part of that kind; other words of the choice close."""
        key = (number, kind)
        if key not in self.parts:
            yield from self.close_words(number)
            part = {"reasoning": hub.Reasoning, "text": hub.Text, "refusal": hub.Refusal}[kind]()
            yield self.parts.open(key, part, number)
        yield self.parts.delta(key, text, logprobs or None)

    def close_words(self, number: int) -> Iterator[hub.Event]:
        """Closes what the choice is saying; its text takes the citations that have come."""
        choice = self.choices[number]
        for kind in ("reasoning", "refusal"):
            yield from self.parts.close((number, kind))
        if (number, "text") in self.parts:
            citations = [answer.read_annotation(each) for each in choice.annotations]
            choice.annotations = []
            yield from self.parts.close((number, "text"), citations=citations)

    def sound(self, number: int, piece: Json) -> Iterator[hub.Event]:
        """A piece of sound: its transcript grows, its data is given at the end."""
        key = (number, "audio")
        choice = self.choices[number]
        if key not in self.parts:
            yield self.parts.open(key, hub.Media(kind="audio", text=""), number)
        choice.sound["data"] = choice.sound.get("data", "") + (piece.get("data") or "")
        choice.sound |= {k: v for k, v in piece.items() if k not in ("data", "transcript") and v is not None}
        if piece.get("transcript"):
            yield self.parts.delta(key, piece["transcript"])

    def call(self, number: int, call: Json) -> Iterator[hub.Event]:
        """A piece of a tool call. Which call it continues: the one at its index, unless it brings another id and
        a name; without an index, the one with its id, else the latest."""
        choice = self.choices[number]
        custom = isinstance(call.get("custom"), dict)
        inner = call.get("custom" if custom else "function") or {}
        given, name = call.get("id") or "", inner.get("name") or ""
        known = self.known(choice, call.get("index"), given, name)
        if known is None:
            known = {"key": (number, "call", len(choice.opened)), "id": given, "name": "", "custom": custom, "held": ""}
            choice.calls[call.get("index", len(choice.opened))] = choice.latest = known
            choice.opened.append(known)
        text = answer.arguments_text(inner.get("input" if custom else "arguments"))
        if not known["name"]:
            known["held"] += text
            if not name:  # its name is still to come
                return
            known["name"], text = name, known["held"]
            yield from self.open_call(number, known, given)
        if text:
            yield self.parts.delta(known["key"], text)

    def known(self, choice: _Choice, index: Any, given: str, name: str) -> Json | None:
        """The call that a piece continues; None for a new one."""
        if index is not None:
            known = choice.calls.get(index)
        elif given:
            known = next((each for each in choice.opened if each["id"] == given), None)
        else:
            known = None if name and choice.latest and choice.latest["name"] else choice.latest
        another = known is not None and given and known["id"] and given != known["id"] and name
        return None if another else known

    def open_call(self, number: int, known: Json, given: str) -> Iterator[hub.Event]:
        """Opens a call, now that its name is known."""
        yield from self.close_words(number)
        identity = known["id"] or given
        if not identity or identity in self.used:
            identity = answer.call_id(self.identity, number, known["key"][2])
        self.used.add(identity)
        kind: Any = "custom" if known["custom"] else "function"
        part = hub.ToolCall(type=kind, id=identity, name=known["name"])
        yield self.parts.open(known["key"], part, number)

    def end(self, number: int) -> Iterator[hub.Event]:
        """Closes all parts of a choice."""
        choice = self.choices[number]
        if choice.content is not None:
            for kind, text in choice.content.send(None):
                yield from self.grow(number, kind, text)
            choice.content = None
        yield from self.close_words(number)
        yield from self.parts.close((number, "audio"), extra=choice.sound)
        for known in choice.opened:
            if not known["name"]:
                raise ValueError("a tool call without a name")
            yield from self.parts.close(known["key"])

    def end_all(self) -> Iterator[hub.Event]:
        """Closes what is still open at the end of the stream."""
        for number in self.choices:
            yield from self.end(number)
