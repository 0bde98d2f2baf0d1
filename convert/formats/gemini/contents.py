"""Contents on the wire -> hub messages. Source: Gemini API reference, "Content"; guide, "Function calling".

Calls and responses are matched by name and order here, ids are optional: those without get one, by their place.
"""

from __future__ import annotations

from typing import Any

from convert import hub, sealed
from convert.errors import invalid
from convert.formats.contract import expect, take
from convert.formats.gemini import content
from convert.formats.gemini.spelling import camel, canonical

Json = dict[str, Any]
ROLES: dict[Any, hub.Role] = {"user": "user", "model": "assistant", "function": "tool", None: "user"}


def read_contents(contents: Any) -> list[hub.Message]:
    """Raises ProxyError with the path of the first fault."""
    calls = Calls()
    if isinstance(contents, list):
        return [read_content(each, f"contents[{n}]", calls) for n, each in enumerate(contents)]
    if not isinstance(contents, dict | str):
        raise invalid("contents", "must be a list of contents, one content, or a string")
    return [read_content(contents, "contents", calls)]


def read_system(instruction: Any, path: str) -> hub.Message:
    """`systemInstruction`, an object or a string."""
    message = read_content(instruction, path, Calls())
    message.role = "system"
    return message


class Calls:
    """The calls of a conversation so far, those without a response first in line for one."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.waiting: list[tuple[str, str]] = []  # id, name
        self.count = 0

    def called(self, given: str | None, name: str) -> str:
        """The id of the next call."""
        self.count += 1
        identity = given or self._unused(f"call_{self.count}")
        self.known.add(identity)
        self.waiting.append((identity, name))
        return identity

    def answered(self, given: str | None, name: str) -> str:
        """The id of the call that a response answers: the one it names, else the first that waits under that name,
        else one of its own, of no call."""
        same = (call for call in self.waiting if call[0] == given or (given not in self.known and call[1] == name))
        if (call := next(same, None)) is not None:
            self.waiting.remove(call)
            return call[0]
        self.count += 1
        return given or self._unused(f"call_{self.count}")

    def _unused(self, identity: str) -> str:
        while identity in self.known:
            identity += "_"
        return identity


def read_content(item: Any, path: str, calls: Calls) -> hub.Message:
    """One content; a bare string is the user's."""
    if isinstance(item, str):
        part = hub.Text(text=item, path=path)
        return hub.Message(role="user", parts=[part], plain=True, path=path, wire={"bare": True})
    body, given = canonical(item, path)
    wire: Json = {"keys": given}
    if body.get("role") is not None:
        wire["role"] = body["role"]
    role = body.pop("role") if body.get("role") is not None else None
    if not isinstance(role, str | None) or role not in ROLES:
        raise invalid(f"{path}.role", "must be user, model or function")
    listed = body.pop("parts", None)
    wire["form"] = "absent" if listed is None else "list" if isinstance(listed, list) else "single"
    if listed is None and role != "model":
        raise invalid(f"{path}.parts", "must be a list of parts")
    if not isinstance(listed, list | dict | str | None):
        raise invalid(f"{path}.parts", "must be a list of parts")
    given_parts = listed if isinstance(listed, list) else [] if listed is None else [listed]
    parts: list[hub.Part] = []
    for number, each in enumerate(given_parts):
        place = f"{path}.parts[{number}]" if isinstance(listed, list) else f"{path}.parts"
        _add(parts, each, place, calls)
    results = bool(parts) and all(isinstance(part, hub.ToolResult) for part in parts)
    return hub.Message(role="tool" if results else ROLES[role], parts=parts, path=path, extra=body, wire=wire)


def _add(parts: list[hub.Part], part: Any, path: str, calls: Calls) -> None:
    """Reads one part. Media right behind a response belong to it."""
    keys = {camel(key): key for key in part} if isinstance(part, dict) else {}
    if "functionCall" in keys:
        parts.append(_read_call(part, path, calls))
    elif "functionResponse" in keys:
        parts.append(_read_result(part, path, calls))
    else:
        read = content.read_part(part, path)
        before = parts[-1] if parts else None
        if isinstance(before, hub.ToolResult) and len(read) == 1 and isinstance(read[0], hub.Media):
            read[0].wire["beside"] = True
            before.parts.append(read[0])
        else:
            parts += read


def _name(inner: Json, path: str) -> str:
    name = inner.pop("name", None)
    if not isinstance(name, str) or not name:
        raise invalid(f"{path}.name", "must be a non-empty string")
    return name


def _read_call(part: Json, path: str, calls: Calls) -> hub.ToolCall:
    body, given = canonical(part, path)
    place = f"{path}.functionCall"
    inner, inner_given = canonical(body.pop("functionCall"), place)
    name = _name(inner, place)
    args = take(inner, "args", kind=dict, path=place)
    identity = take(inner, "id", kind=str, path=place)
    wire: Json = {"keys": given, "inner": inner_given, "id": identity, "args": args}
    signature = take(body, "thoughtSignature", kind=str, path=path)
    if signature == content.DUMMY:
        wire["dummy"] = True
        signature = None
    return hub.ToolCall(
        text=content.arguments_text(args), id=calls.called(identity, name), name=name,
        sealed=sealed.found(signature, content.FORMAT) if signature is not None else None, path=path,
        extra={**body, **{f"functionCall.{key}": value for key, value in inner.items()}}, wire=wire,
    )  # fmt: skip


def _read_result(part: Json, path: str, calls: Calls) -> hub.ToolResult:
    body, given = canonical(part, path)
    place = f"{path}.functionResponse"
    inner, inner_given = canonical(body.pop("functionResponse"), place)
    name = _name(inner, place)
    response = take(inner, "response", kind=dict, path=place)
    identity = take(inner, "id", kind=str, path=place)
    listed = take(inner, "parts", kind=list, path=place) if inner.get("parts") != [] else []
    listed = listed or []
    wire: Json = {"keys": given, "inner": inner_given, "id": identity, "response": response, "parts": listed}
    text, error = content.told(response)
    parts: list[hub.Part] = [hub.Text(text=text, path=f"{place}.response")] if text else []
    for number, each in enumerate(listed):
        expect(each, dict, f"{place}.parts[{number}]")
        parts += content.read_part(each, f"{place}.parts[{number}]")
    return hub.ToolResult(
        call_id=calls.answered(identity, name), name=name, parts=parts, error=error, path=path,
        extra={**body, **{f"functionResponse.{key}": value for key, value in inner.items()}}, wire=wire,
    )  # fmt: skip
