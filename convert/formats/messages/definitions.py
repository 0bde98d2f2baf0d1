"""Tool definitions and the choice among them. Source: Anthropic API reference, "Create a Message", `tools`,
`tool_choice`; guides of the bash, text editor, computer use, memory and web search tools.
"""

from __future__ import annotations

import re
from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.contract import take
from convert.formats.messages.builtin import BUILTINS
from convert.formats.messages.flavor import MessagesFlavor
from convert.losses import Report

Json = dict[str, Any]
_SEARCH = re.compile(r"web_search_\d+")
_KINDS = {"auto": "auto", "any": "required", "none": "none"}
_WORDS = {"auto": "auto", "required": "any", "none": "none"}
NEARER: dict[str, tuple[str, ...]] = {"named": ("required",), "required": (), "none": ()}
SEARCH_FIELDS = ("max_uses", "blocked_domains")


def read_tools(tools: Any) -> list[hub.Tool]:
    """`tools`. Raises ProxyError with the path of the first fault; an unknown type is taken for a hosted tool."""
    if not isinstance(tools, list):
        raise invalid("tools", "must be a list")
    return [_read_tool(tool, f"tools[{n}]") for n, tool in enumerate(tools)]


def _read_tool(tool: Any, path: str) -> hub.Tool:
    if not isinstance(tool, dict):
        raise invalid(path, "must be an object")
    body = dict(tool)
    kind = take(body, "type")
    if kind in (None, "custom"):
        return _read_function(body, path, {"type": kind} if kind else {})
    if not isinstance(kind, str):
        raise invalid(f"{path}.type", "must be a string")
    family = re.sub(r"_\d+$", "", kind)
    if family in BUILTINS and kind != family:
        known = BUILTINS[family]
        return hub.Tool(
            type="client", name=_name(body, path), description=known.description, schema=known.schema,
            cache=take(body, "cache_control", kind=dict, path=path), path=path, extra=body, wire={"type": kind},
        )  # fmt: skip
    if _SEARCH.fullmatch(kind):
        return hub.Tool(type="hosted", name="web_search", path=path, extra=_search(body), wire={"search": tool})
    return hub.Tool(type="hosted", name=kind, path=path, extra=body)


def _search(body: Json) -> Json:
    """The members of a web search under the names that the formats share, where they have one."""
    told = {key: value for key, value in body.items() if key not in ("name", "allowed_domains") and value is not None}
    if body.get("allowed_domains"):
        told["filters"] = {"allowed_domains": body["allowed_domains"]}
    return told


def _name(body: Json, path: str) -> str:
    name = body.pop("name", None)
    if not isinstance(name, str) or not name:
        raise invalid(f"{path}.name", "must be a non-empty string")
    return name


def _read_function(body: Json, path: str, wire: Json) -> hub.Tool:
    schema = body.pop("input_schema", None)
    if not isinstance(schema, dict):
        raise invalid(f"{path}.input_schema", "must be an object")
    return hub.Tool(
        type="function", name=_name(body, path), description=take(body, "description", kind=str, path=path),
        schema=schema, strict=take(body, "strict", kind=bool, path=path),
        cache=take(body, "cache_control", kind=dict, path=path), path=path, extra=body, wire=wire,
    )  # fmt: skip


def write_tools(tools: list[hub.Tool], home: bool, flavor: MessagesFlavor, report: Report) -> list[Json]:
    """`tools`; hosted tools of other formats are dropped and reported."""
    return [written for tool in tools if (written := _write_tool(tool, home, flavor, report))]


def _write_tool(tool: hub.Tool, home: bool, flavor: MessagesFlavor, report: Report) -> Json | None:
    if tool.type == "hosted":
        return _write_hosted(tool, home, flavor, report)
    if not home:
        report.extras(tool.path, tool.extra)
    cache = {"cache_control": tool.cache} if tool.cache is not None else {}
    if home and tool.type == "client":
        return {"type": tool.wire["type"], "name": tool.name, **cache, **tool.extra}
    body: Json = {"name": tool.name, "input_schema": tool.schema if home else _object(tool.schema), **cache}
    if tool.description is not None:
        body["description"] = tool.description
    if home:
        strict = {"strict": tool.strict} if tool.strict is not None else {}
        return {**tool.wire, **body, **strict, **tool.extra}
    if tool.strict and flavor.strict:
        body["strict"] = True
    elif tool.strict:
        report.dropped(f"{tool.path}.strict")
    return body


def _object(schema: Json | None) -> Json:
    """A schema that says it is an object's, as the wire demands."""
    if not schema:
        return {"type": "object", "properties": {}}
    return schema if schema.get("type") == "object" else {**schema, "type": "object"}


def _write_hosted(tool: hub.Tool, home: bool, flavor: MessagesFlavor, report: Report) -> Json | None:
    if home and "search" in tool.wire:
        return dict(tool.wire["search"])
    if home:
        return {"type": tool.name, **tool.extra}
    if tool.name != "web_search" or not flavor.web_search:
        report.dropped(tool.path, f"hosted tool '{tool.name}'")
        return None
    body: Json = {"type": flavor.web_search, "name": "web_search"}
    rest = dict(tool.extra)
    filters = rest.pop("filters", None)
    for key in SEARCH_FIELDS:
        if (value := take(rest, key)) is not None:
            body[key] = value
    if isinstance(filters, dict):
        if filters.get("allowed_domains"):
            body["allowed_domains"] = filters["allowed_domains"]
        report.extras(f"{tool.path}.filters", {k: v for k, v in filters.items() if k != "allowed_domains"})
    location = take(rest, "user_location")
    if isinstance(location, dict):
        told = {key: value for key, value in location.items() if value is not None}
        body["user_location"] = {**told, "type": "approximate"}
    report.extras(tool.path, rest)
    return body


def read_choice(choice: Any, params: Json) -> hub.ToolChoice:
    """`tool_choice`; whether several calls at once are wanted goes to `params`. Raises ProxyError for another shape."""
    if not isinstance(choice, dict) or not isinstance(choice.get("type"), str):
        raise invalid("tool_choice", "must be an object with a `type`")
    body = dict(choice)
    kind: Any = body.pop("type")
    if (alone := take(body, "disable_parallel_tool_use", kind=bool, path="tool_choice")) is not None:
        params["parallel_tool_calls"] = not alone
    if kind == "tool":
        tool = hub.Tool(name=_name(body, "tool_choice"), path="tool_choice")
        return hub.ToolChoice(kind="named", tool=tool, path="tool_choice", extra=body)
    if kind not in _KINDS:
        raise invalid("tool_choice.type", "must be auto, any, tool or none")
    return hub.ToolChoice(kind=_KINDS[kind], path="tool_choice", extra=body)  # type: ignore[arg-type]


def write_choice(
    choice: hub.ToolChoice | None, parallel: Any, home: bool, flavor: MessagesFlavor, report: Report
) -> Json | None:
    """`tool_choice`; None where there is nothing to say. `parallel`: whether several calls at once are wanted, None
    where the client did not say."""
    if choice is None and parallel is None:
        return None
    kind = _accepted(choice, flavor, report)
    if kind == "named" and choice is not None and choice.tool:
        body: Json = {"type": "tool", "name": choice.tool.name}
    else:
        body = {"type": _WORDS.get(kind, "auto")}
    if parallel is not None and body["type"] != "none":
        body["disable_parallel_tool_use"] = not parallel
    elif parallel is not None:
        report.dropped("parallel_tool_calls", "no call is wanted")
    if choice is not None and home:
        return body | choice.extra
    if choice is not None:
        report.extras(choice.path, choice.extra)
    return body


def _accepted(choice: hub.ToolChoice | None, flavor: MessagesFlavor, report: Report) -> str:
    """The kind of a choice, or the nearest that the provider accepts."""
    if choice is None or choice.kind in flavor.tool_choice or choice.kind not in NEARER:
        return choice.kind if choice else "auto"
    kind = next((each for each in NEARER[choice.kind] if each in flavor.tool_choice), "auto")
    report.approximated(choice.path, f"{choice.kind} became {kind}")
    return kind
