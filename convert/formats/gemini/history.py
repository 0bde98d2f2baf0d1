"""Hub messages -> contents: what `contents` reads, written. Source: Gemini API reference, "Content"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.gemini import content
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.spelling import respelled
from convert.losses import Report
from convert.turns import as_users

Json = dict[str, Any]


def write_home(messages: list[hub.Message], report: Report) -> list[Any]:
    """The contents of a request of this format, as they were."""
    writer = _Writer(True, GeminiFlavor(), report)
    return [writer.at_home(message) for message in messages]


def write_contents(messages: list[hub.Message], flavor: GeminiFlavor, report: Report) -> list[Json]:
    """The contents for a conversation of another format, whose results stand right after their calls (turns.paired):
    all results of a turn in one content. Raises ProxyError (unsupported) for content without a place."""
    writer = _Writer(False, flavor, report)
    writer.names = {part.id: part.name for each in messages for part in each.parts if isinstance(part, hub.ToolCall)}
    written: list[Json] = []
    answering = False
    for message in messages:
        results = bool(message.parts) and all(isinstance(part, hub.ToolResult) for part in message.parts)
        parts = writer.parts(message)
        if not parts:
            continue
        if results and answering:
            written[-1]["parts"] += parts
        else:
            written.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
        answering = results
    return written


def split_system(messages: list[hub.Message], report: Report) -> tuple[list[hub.Message], list[hub.Message]]:
    """(the system messages that open a conversation, the rest with later ones as the user's words): this API has one
    place for them, outside of the conversation, and to add to that one would change how every turn begins."""
    opening = 0
    while opening < len(messages) and messages[opening].role in ("system", "developer"):
        opening += 1
    return messages[:opening], [as_users(message, report) for message in messages[opening:]]


def write_system(messages: list[hub.Message], report: Report) -> Json | None:
    """`systemInstruction` with the parts of all; None where they say nothing."""
    writer = _Writer(False, GeminiFlavor(), report)
    parts = [part for message in messages for part in writer.parts(message)]
    return {"parts": parts} if parts else None


class _Writer:
    """Writes one message at a time; holds what all of them need."""

    def __init__(self, home: bool, flavor: GeminiFlavor, report: Report) -> None:
        self.home = home
        self.flavor = flavor
        self.report = report
        self.names: dict[str, str] = {}  # of calls, by id

    def at_home(self, message: hub.Message) -> Any:
        """A content in the form that it had."""
        if message.wire.get("bare"):
            return "".join(part.text for part in message.parts if isinstance(part, hub.Text))
        form = message.wire["form"]
        parts = self.parts(message)
        body: Json = {"role": message.wire["role"]} if "role" in message.wire else {}
        if form != "absent":
            body["parts"] = parts[0] if form == "single" and parts else parts
        return respelled(body | message.extra, message.wire["keys"])

    def parts(self, message: hub.Message) -> list[Any]:
        """The parts of a message."""
        if not self.home:
            self.report.extras(message.path, message.extra)
            if message.name is not None:
                self.report.dropped(f"{message.path}.name")
        written: list[Any] = []
        called = False
        for part in message.parts:
            if self.home and "beside" in part.wire and isinstance(part, hub.Reasoning):
                state = content.own_state(part.sealed, part.path, self.report)
                key = _signature_key(message, part)
                written[-1] |= {key: state} if state is not None else {}
                continue
            written += self.part(part, message, first_call=not called)
            called = called or isinstance(part, hub.ToolCall)
        return written

    def part(self, part: hub.Part, message: hub.Message, first_call: bool) -> Iterator[Any]:
        """What becomes of one part."""
        match part:
            case hub.Text() | hub.Refusal():
                if part.text or self.home:
                    yield content.write_text(part, self.home, self.report)
            case hub.Reasoning():
                if body := content.write_reasoning(part, self.home, self.report):
                    yield body
                elif self.home:
                    yield {}
            case hub.Media() if message.role == "assistant" and not self.home and part.data is None and not part.url:
                self.report.dropped(part.path, "no place in an earlier answer")
            case hub.Media():
                yield content.write_media(part, self.home, self.report)
            case hub.ToolCall():
                yield self.call(part, first_call)
            case hub.ToolResult():
                yield from self.result(part)
            case hub.Raw(format=content.FORMAT, value=value):
                yield dict(value)
            case hub.Raw(value=value):
                self.foreign(part, value, message.role == "assistant")

    def foreign(self, part: hub.Raw, value: Any, answer: bool = False) -> None:
        """Reports an item of another format. Raises ProxyError where it is content, unless of an earlier answer."""
        kind = value.get("type", "part") if isinstance(value, dict) else "part"
        if not answer and (".content[" in part.path or ".output[" in part.path):
            problem = f"{part.path}: this upstream takes no '{kind}' content"
            raise ProxyError("unsupported", problem, param=part.path)
        self.report.dropped(part.path, f"no place for '{kind}'")

    def call(self, call: hub.ToolCall, first: bool) -> Json:
        """A functionCall part. The first of a turn that this API did not make itself is given the dummy signature."""
        state = content.own_state(call.sealed, call.path, self.report)
        if state is None and (call.wire.get("dummy") or (not self.home and first and self.flavor.dummy_signature)):
            state = content.DUMMY
        signed = {"thoughtSignature": state} if state is not None else {}
        if self.home:
            inner = {key: call.wire[key] for key in ("id", "args") if call.wire[key] is not None}
            inner = respelled({**inner, "name": call.name, **_members(call, "functionCall")}, call.wire["inner"])
            return respelled({"functionCall": inner, **signed, **_outer(call)}, call.wire["keys"])
        self.report.extras(call.path, call.extra)
        args = content.arguments_of(call.text)
        if args is None:
            self.report.approximated(call.path, "arguments that are no JSON object became a text")
            args = {"arguments": call.text}
        return {"functionCall": {"id": call.id, "name": call.name, "args": args}, **signed}

    def result(self, result: hub.ToolResult) -> Iterator[Any]:
        """A functionResponse part, and behind it the media of the result."""
        media = [part for part in result.parts if isinstance(part, hub.Media)]
        if self.home:
            kept = {key: result.wire[key] for key in ("id", "response") if result.wire[key] is not None}
            kept |= {"parts": result.wire["parts"]} if result.wire["parts"] else {}
            inner = {**kept, "name": result.name, **_members(result, "functionResponse")}
            inner = respelled(inner, result.wire["inner"])
            yield respelled({"functionResponse": inner, **_outer(result)}, result.wire["keys"])
            media = [part for part in media if part.wire.get("beside")]
        else:
            self.report.extras(result.path, result.extra)
            name = self.names.get(result.call_id) or result.name or "function"
            response = content.telling(self.words(result), result.error)
            yield {"functionResponse": {"id": result.call_id, "name": name, "response": response}}
        for part in media:
            yield content.write_media(part, self.home, self.report)

    def words(self, result: hub.ToolResult) -> str:
        """The text of a result."""
        texts = [part for part in result.parts if isinstance(part, hub.Text | hub.Refusal)]
        for part in texts:
            content.write_text(part, False, self.report)  # reports what is lost
        for raw in (part for part in result.parts if isinstance(part, hub.Raw)):
            self.foreign(raw, raw.value)
        if len(texts) > 1:
            self.report.approximated(result.path, "several texts became one")
        return "\n\n".join(part.text for part in texts)


def _signature_key(message: hub.Message, bearer: hub.Reasoning) -> str:
    """How the signature of the part before its bearer was spelled."""
    before = message.parts[next(n for n, each in enumerate(message.parts) if each is bearer) - 1]
    keys = before.wire.get("keys", {})
    return str(keys.get("thoughtSignature", "thoughtSignature"))


def _members(part: hub.Part, kind: str) -> Json:
    """The further members of a part's data."""
    return {key.partition(".")[2]: value for key, value in part.extra.items() if key.startswith(f"{kind}.")}


def _outer(part: hub.Part) -> Json:
    """The further members of the part itself."""
    return {key: value for key, value in part.extra.items() if "." not in key}
