"""Tool definitions, the choice among them, and the form of the output (`text.format`).

Source: OpenAI API reference, "Create a model response", `tools`, `tool_choice`, `text`.
"""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.contract import take
from convert.formats.responses import builtin
from convert.losses import Report

Json = dict[str, Any]
SEARCH_OPTIONS = ("filters", "search_context_size", "user_location")


def read_tools(tools: Any, path: str) -> list[hub.Tool]:
    """Raises ProxyError with the path of the first fault; an unknown type is taken for a hosted tool."""
    if tools is None:
        return []
    if not isinstance(tools, list):
        raise invalid(path, "must be a list")
    return [read_tool(tool, f"{path}[{n}]") for n, tool in enumerate(tools)]


def read_tool(tool: Any, path: str) -> hub.Tool:
    """One tool definition."""
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise invalid(path, "must be an object with a `type`")
    body = dict(tool)
    match body.pop("type"):
        case "function":
            return hub.Tool(
                type="function", name=_name(body, path), description=take(body, "description", kind=str, path=path),
                schema=take(body, "parameters", kind=dict, path=path),
                strict=take(body, "strict", kind=bool, path=path), path=path, extra=body,
            )  # fmt: skip
        case "custom":
            return hub.Tool(
                type="custom", name=_name(body, path), description=take(body, "description", kind=str, path=path),
                schema=take(body, "format", kind=dict, path=path), path=path, extra=body,
            )  # fmt: skip
        case "namespace":
            return hub.Tool(
                type="namespace", name=_name(body, path), description=take(body, "description", kind=str, path=path),
                tools=read_tools(body.pop("tools", None), f"{path}.tools"), path=path, extra=body,
            )  # fmt: skip
        case kind if builtin.runs_at_client(tool):
            return _read_builtin(tool, path)
        case kind:
            return hub.Tool(type="hosted", name=kind, path=path, extra=body)


def _name(body: Json, path: str) -> str:
    name = body.pop("name", None)
    if not isinstance(name, str) or not name:
        raise invalid(f"{path}.name", "must be a non-empty string")
    return name


def _read_builtin(tool: Json, path: str) -> hub.Tool:
    """A built-in that the client runs, with the description and schema that any model can follow."""
    kind = builtin.BY_TOOL[tool["type"]]
    schema = tool.get("parameters") if isinstance(tool.get("parameters"), dict) else kind.schema
    return hub.Tool(
        type="client", name=kind.tool, description=tool.get("description") or kind.description, schema=schema,
        path=path, wire={"tool": tool},
    )  # fmt: skip


def write_tools(tools: list[hub.Tool], home: bool, report: Report) -> list[Json]:
    """Tool definitions on this wire. Hosted tools of another format are dropped and reported."""
    return [written for tool in tools if (written := write_tool(tool, home, report))]


def write_tool(tool: hub.Tool, home: bool, report: Report) -> Json | None:
    """One tool definition; None where it has none here."""
    if "tool" in tool.wire:
        return dict(tool.wire["tool"])
    if tool.type == "hosted":
        if home:
            return {"type": tool.name, **tool.extra}
        if tool.name == "web_search":
            report.extras(tool.path, {key: value for key, value in tool.extra.items() if key not in SEARCH_OPTIONS})
            return {"type": tool.name, **{key: tool.extra[key] for key in SEARCH_OPTIONS if key in tool.extra}}
        report.dropped(tool.path, f"hosted tool '{tool.name}'")
        return None
    body: Json = {"type": tool.type, "name": tool.name}
    if tool.description is not None:
        body["description"] = tool.description
    if tool.cache:
        report.dropped(f"{tool.path}.cache_control")
    match tool.type:
        case "function" if home:
            body |= {"parameters": tool.schema} if tool.schema is not None else {}
            body |= {"strict": tool.strict} if tool.strict is not None else {}
        case "function":  # here a missing `strict` means true, elsewhere false
            body |= {"parameters": tool.schema or {"type": "object", "properties": {}}, "strict": bool(tool.strict)}
        case "custom" if tool.schema is not None:
            body["format"] = tool.schema
        case "namespace":
            body["tools"] = write_tools(tool.tools, home, report)
    if home:
        return body | tool.extra
    report.extras(tool.path, tool.extra)
    return body


def read_choice(choice: Any, path: str = "tool_choice") -> hub.ToolChoice | None:
    """`tool_choice`, a word or an object. Raises ProxyError for another shape."""
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise invalid(path, "must be auto, none, required or an object")
        return hub.ToolChoice(kind=choice, path=path)  # type: ignore[arg-type]
    if not isinstance(choice, dict) or not isinstance(choice.get("type"), str):
        raise invalid(path, "must be a string or an object with a `type`")
    if choice["type"] == "allowed_tools":
        listed = choice.get("tools")
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise invalid(f"{path}.tools", "must be a list of objects")
        return hub.ToolChoice(
            kind="allowed", mode="required" if choice.get("mode") == "required" else "auto",
            tools=[_read_chosen(each, path) for each in listed], path=path,
        )  # fmt: skip
    return hub.ToolChoice(kind="named", tool=_read_chosen(choice, path), path=path)


def _read_chosen(chosen: Json, path: str) -> hub.Tool:
    body = dict(chosen)
    kind = body.pop("type", "function")
    if kind in ("function", "custom"):
        return hub.Tool(type=kind, name=body.pop("name", ""), path=path, extra=body)
    if kind in builtin.BY_TOOL:
        return hub.Tool(type="client", name=kind, path=path, extra=body)
    return hub.Tool(type="hosted", name=kind, path=path, extra=body)


def write_choice(choice: hub.ToolChoice) -> str | Json:
    """The `tool_choice` of a hub choice."""
    if choice.kind == "named" and choice.tool:
        return _write_chosen(choice.tool)
    if choice.kind == "allowed":
        return {"type": "allowed_tools", "mode": choice.mode, "tools": [_write_chosen(each) for each in choice.tools]}
    return choice.kind


def _write_chosen(tool: hub.Tool) -> Json:
    if tool.type in ("function", "custom"):
        return {"type": tool.type, "name": tool.name, **tool.extra}
    return {"type": tool.name, **tool.extra}


def read_output(form: Any) -> hub.Output | None:
    """`text.format`. Raises ProxyError for a wrong shape."""
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") not in ("text", "json_object", "json_schema"):
        raise invalid("text.format.type", "must be text, json_object or json_schema")
    body = dict(form)
    kind = body.pop("type")
    if kind == "json_schema":
        schema = body.pop("schema", None)
        if not isinstance(schema, dict):
            raise invalid("text.format.schema", "must be an object")
        return hub.Output(
            kind="schema", name=take(body, "name", kind=str, path="text.format"), schema=schema,
            description=take(body, "description", kind=str, path="text.format"),
            strict=take(body, "strict", kind=bool, path="text.format"), path="text.format", extra=body,
        )  # fmt: skip
    return hub.Output(kind="text" if kind == "text" else "json", path="text.format", extra=body)


def write_output(output: hub.Output, home: bool, report: Report) -> Json:
    """`text.format` of a hub output."""
    if output.kind != "schema":
        body: Json = {"type": "text" if output.kind == "text" else "json_object"}
    else:
        body = {"type": "json_schema", "name": output.name or "answer", "schema": output.schema}
        if home and output.name is None:
            del body["name"]
        if output.description is not None:
            body["description"] = output.description
        if output.strict is not None:
            body["strict"] = output.strict
    if home:
        return body | output.extra
    report.extras(output.path, output.extra)
    return body
