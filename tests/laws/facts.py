"""What a hub request says, as a bag of small facts: so that two requests of different shape can be compared."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from convert import hub
from convert.losses import DEFAULTS
from convert.tools import Support, short_id

ANY = "any"
SAID_OTHERWISE = {
    "include_usage": ANY,  # of streams: elsewhere usage is always given
    "store": False,  # Chat's default
}
STRICTEST = Support(legal_id="[a-zA-Z0-9_-]+")  # ids that a wire refuses are changed, the same for call and result
Fact = tuple[str, str]  # what is said of what, and the value as JSON
Facts = dict[Fact, list[str]]  # -> the paths where it is said


def facts(request: hub.Request) -> Facts:
    """All facts of a request, each with the places where it was read. What was empty said nothing."""
    found: Facts = {}
    for what, value, path in _request(request):
        if value not in (None, "", [], {}):
            found.setdefault((what, json.dumps(value, sort_keys=True, default=repr)), []).append(path)
    return found


def missing(before: Facts, after: Facts) -> Iterator[tuple[Fact, str]]:
    """The facts that are said less often afterwards, with one of their paths for each time."""
    counts = Counter({fact: len(paths) for fact, paths in after.items()})
    for fact, paths in before.items():
        for path in paths[counts[fact] :]:
            yield fact, path


Said = Iterator[tuple[str, Any, str]]


def _request(request: hub.Request) -> Said:
    yield "model", request.model, "model"
    yield "stream", request.stream, "stream"
    spelling = request.wire.get("spelling", {})
    for name, value in request.params.items():
        if name == "stop" and isinstance(value, str):
            value = [value]
        if (DEFAULTS | SAID_OTHERWISE).get(name) not in (value, ANY):
            value = [value] if name == "stop" and isinstance(value, str) else value  # some wires take a list only
            yield f"param {name}", value, spelling.get(name, name)
    for tool in request.tools:
        yield from _tool(tool)
    if request.instructions:
        yield from _message(request.instructions)
    for message in request.messages:
        yield from _message(message)
    if (choice := request.choice) and choice.kind != "auto":
        allowed = sorted(tool.name for tool in choice.tools)
        yield "choice", [choice.kind, choice.tool and choice.tool.name, allowed], choice.path
    if output := request.output:
        yield "output kind", None if output.kind == "text" else output.kind, output.path
        for name in ("name", "description", "schema", "strict"):
            yield f"output {name}", getattr(output, name), output.path
        yield from _extra(output)
    if thinking := request.thinking:
        for name in ("effort", "budget", "summary"):
            yield name, getattr(thinking, name), f"{thinking.path}.{name}"
        yield from _extra(thinking)
    for name in ("previous", "conversation", "prompt", "background"):
        yield name, getattr(request.state, name), name
    for key, value in request.extra.items():
        yield f"extra {key}", value, key


def _extra(node: hub.Node) -> Said:
    for key, value in node.extra.items():
        yield f"extra {key}", value, f"{node.path}.{key}"


def _message(message: hub.Message) -> Said:
    yield "name of the author", message.name, f"{message.path}.name"
    yield from _extra(message)
    side = {"assistant": "assistant", "developer": "system", "system": "system"}.get(message.role, "user")
    for part in message.parts:
        yield from _part(part, side)


def _part(part: hub.Part, side: str) -> Said:
    if not isinstance(part, hub.Raw):
        yield from _extra(part)
    match part:
        case hub.Text() | hub.Refusal():
            # some wires have one system prompt, its parts joined by blank lines
            for text in part.text.split("\n\n") if side == "system" else [part.text]:
                yield f"{side} says", text.strip() if side == "system" else text, part.path
            if isinstance(part, hub.Text):
                yield "cache", part.cache, f"{part.path}.cache_control"
                for citation in part.citations:
                    yield "citation", [citation.url, citation.title, citation.file_id], part.path
        case hub.Reasoning():
            for paragraph in part.text.split("\n\n"):  # some wires have one reasoning text, joined by blank lines
                yield "thought", paragraph.strip(), part.path
            yield "sealed", part.sealed and part.sealed.value, part.path
        case hub.ToolCall():
            # a tool that a search has loaded is called with itself as its namespace
            namespace = None if part.namespace == part.name else part.namespace
            yield "call", [part.type, part.name, namespace, arguments(part.text)], part.path
            yield "id of a call", short_id(part.id, STRICTEST), part.path
        case hub.ToolResult():
            yield "result of", short_id(part.call_id, STRICTEST), part.path
            for inner in part.parts:
                if isinstance(inner, hub.Text) and inner.text.startswith("{"):
                    inner = dataclasses.replace(inner, text=plain_json(inner.text))
                yield from _part(inner, "user")
        case hub.Media():
            yield "image" if part.kind == "image" else "media", part.data or part.url or part.file_id, part.path
            yield "file name", part.name, f"{part.path}.filename"
            yield "detail", None if part.detail == "auto" else part.detail, f"{part.path}.detail"
            yield "cache", part.cache, f"{part.path}.cache_control"
        case hub.Tools():
            for tool in part.tools:
                yield from _tool(tool)
        case hub.Raw():
            yield "item", part.value, part.path


def plain_json(text: str) -> str:
    """JSON text with the spaces that it would have anyway: some wires have values in its place."""
    try:
        return json.dumps(json.loads(text or "{}"))
    except ValueError:
        return text.strip()


def _tool(tool: hub.Tool, namespace: str | None = None) -> Said:
    if tool.type == "namespace":
        yield "namespace", [tool.name, tool.description], tool.path
        yield from _extra(tool)
        for inner in tool.tools:
            yield from _tool(inner, tool.name)
        return
    yield "tool", [tool.type, tool.name, namespace], tool.path
    yield "description of a tool", [tool.name, tool.description or None], tool.path
    yield "schema of a tool", [tool.name, _plain_schema(tool.schema)], tool.path
    yield "strict tool", tool.name if tool.strict else None, f"{tool.path}.strict"
    yield "cache", tool.cache, f"{tool.path}.cache_control"
    yield from _extra(tool)


def arguments(text: str) -> Any:
    """The value that arguments spell; some wires carry it as such."""
    try:
        return json.loads(text.strip() or "{}")
    except ValueError:
        return {"arguments": text}  # as the wires have it whose arguments are objects


def _plain_schema(schema: Any) -> Any:
    """A tool without parameters has none, or an object without properties."""
    return None if not schema or schema == {"type": "object", "properties": {}} else schema


def known_to_the_client(request: hub.Request, names: Any) -> hub.Request:
    """A converted request with the calls and tools under the names and types of the request that it came from."""
    messages = [dataclasses.replace(m, parts=[_known(part, names) for part in m.parts]) for m in request.messages]
    tools = []
    for tool in request.tools:
        known = names.changed.get(tool.name) if tool.type in ("function", "custom") else None
        tools.append(dataclasses.replace(tool, type=known.type, name=known.name) if known else tool)
    return dataclasses.replace(request, messages=messages, tools=tools)


def _known(part: hub.Part, names: Any) -> hub.Part:
    from convert.tools import _restored_part

    return _restored_part(part, names)
