"""Tool definitions, the choice among them, and the form of the output (`response_format`).

Source: OpenAI API reference, "Create chat completion", `tools`, `tool_choice`, `response_format`, and the legacy
`functions` and `function_call`.
"""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.chat.flavor import ChatFlavor
from convert.formats.contract import expect, take
from convert.losses import Report

Json = dict[str, Any]
NEARER = {"named": ("required",), "allowed": ("required",)}  # what says almost the same as a choice


def read_tools(tools: Any) -> list[hub.Tool]:
    """`tools`. Raises ProxyError with the path of the first fault; an unknown type is taken for a hosted tool."""
    if not isinstance(tools, list):
        raise invalid("tools", "must be a list")
    return [_read_tool(tool, f"tools[{n}]") for n, tool in enumerate(tools)]


def _read_tool(tool: Any, path: str) -> hub.Tool:
    if not isinstance(tool, dict):
        raise invalid(path, "must be an object")
    body = dict(tool)
    kind = body.pop("type", None)
    if kind in ("function", None) and "function" in body:
        wire = {} if kind else {"untyped": True}
        return _read_function(body.pop("function"), f"{path}.function", path, body, wire)
    if kind == "custom":
        return _read_custom(body.pop("custom", None), path, body)
    if kind == "function":
        raise invalid(f"{path}.function", "is required")
    return hub.Tool(type="hosted", name=str(kind), path=path, extra=body, wire={} if kind else {"untyped": True})


def _read_function(function: Any, path: str, outer_path: str, outer: Json, wire: Json) -> hub.Tool:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise invalid(f"{path}.name", "must be a non-empty string")
    body = dict(function)
    tool = hub.Tool(
        type="function", name=body.pop("name"), description=take(body, "description", kind=str, path=path),
        schema=take(body, "parameters", kind=dict, path=path), strict=take(body, "strict", kind=bool, path=path),
        cache=take(outer, "cache_control"), path=outer_path, wire=wire,
    )  # fmt: skip
    tool.extra = {**outer, **{f"function.{key}": value for key, value in body.items()}}
    return tool


def _read_custom(custom: Any, path: str, outer: Json) -> hub.Tool:
    if not isinstance(custom, dict) or not isinstance(custom.get("name"), str):
        raise invalid(f"{path}.custom.name", "must be a non-empty string")
    body = dict(custom)
    form = take(body, "format", kind=dict, path=f"{path}.custom")
    if form and isinstance(form.get("grammar"), dict):
        form = {"type": form.get("type"), **form["grammar"]}
    return hub.Tool(
        type="custom", name=body.pop("name"), description=take(body, "description", kind=str, path=f"{path}.custom"),
        schema=form, path=path,
        extra={**outer, **{f"custom.{key}": value for key, value in body.items()}},
    )  # fmt: skip


def read_functions(functions: Any) -> list[hub.Tool]:
    """The legacy `functions`."""
    if not isinstance(functions, list):
        raise invalid("functions", "must be a list")
    wire = {"legacy": True}
    return [
        _read_function(each, f"functions[{n}]", f"functions[{n}]", {}, wire) for n, each in enumerate(functions)
    ]  # fmt: skip


def write_tools(tools: list[hub.Tool], home: bool, flavor: ChatFlavor, report: Report) -> list[Json]:
    """`tools`; hosted tools of other formats are dropped and reported."""
    return [written for tool in tools if (written := _write_tool(tool, home, flavor, report))]


def _write_tool(tool: hub.Tool, home: bool, flavor: ChatFlavor, report: Report) -> Json | None:
    if tool.type == "hosted":
        if home:
            return {**({} if tool.wire.get("untyped") else {"type": tool.name}), **tool.extra}
        report.dropped(tool.path, f"hosted tool '{tool.name}'")
        return None
    if not home:
        report.extras(tool.path, tool.extra)
    extra = tool.extra if home else {}
    kind = "custom" if tool.type == "custom" else "function"
    inner = _definition(tool, kind, home, flavor, report)
    inner |= {key.removeprefix(f"{kind}."): value for key, value in extra.items() if key.startswith(f"{kind}.")}
    body: Json = {"type": kind, kind: inner, **({"cache_control": tool.cache} if tool.cache else {})}
    if home and tool.wire.get("untyped"):
        del body["type"]
    return body | {key: value for key, value in extra.items() if "." not in key}


def _definition(tool: hub.Tool, kind: str, home: bool, flavor: ChatFlavor, report: Report) -> Json:
    """The inner object of a tool."""
    inner: Json = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if kind == "custom" and tool.schema is not None:
        form = dict(tool.schema)
        kind_of_form = form.pop("type", "text")
        inner["format"] = {"type": kind_of_form, **({"grammar": form} if form else {})}
    elif tool.schema is not None:
        inner["parameters"] = tool.schema
    elif kind == "function" and not home:
        inner["parameters"] = {"type": "object", "properties": {}}
    if tool.strict is not None and flavor.strict:
        inner["strict"] = tool.strict
    elif tool.strict:
        report.dropped(f"{tool.path}.strict")
    return inner


def write_functions(tools: list[hub.Tool]) -> list[Json]:
    """The legacy `functions`, as they were."""
    return [
        {
            **_definition(tool, "function", True, ChatFlavor(), Report()),
            **{key.removeprefix("function."): value for key, value in tool.extra.items()},
        }
        for tool in tools
    ]


def read_choice(choice: Any, path: str = "tool_choice") -> hub.ToolChoice:
    """`tool_choice`, or the legacy `function_call`. Raises ProxyError for another shape."""
    if isinstance(choice, str):
        kind = {"any": "required"}.get(choice, choice)  # Mistral's word
        if kind not in ("auto", "none", "required"):
            raise invalid(path, "must be auto, none, required or an object")
        return hub.ToolChoice(kind=kind, path=path, wire={"word": choice})  # type: ignore[arg-type]
    if not isinstance(choice, dict):
        raise invalid(path, "must be a string or an object")
    if path == "function_call":
        return hub.ToolChoice(kind="named", tool=hub.Tool(name=str(choice.get("name", ""))), path=path)
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools")
        if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
            raise invalid(f"{path}.allowed_tools.tools", "must be a list")
        mode: Any = "required" if allowed.get("mode") == "required" else "auto"
        tools = [_read_chosen(tool, path) for tool in allowed["tools"]]
        return hub.ToolChoice(kind="allowed", mode=mode, tools=tools, path=path)
    return hub.ToolChoice(kind="named", tool=_read_chosen(choice, path), path=path)


def _read_chosen(chosen: Any, path: str) -> hub.Tool:
    if not isinstance(chosen, dict) or not isinstance(chosen.get("type"), str):
        raise invalid(f"{path}.type", "must be a string")
    body = dict(chosen)
    kind = body.pop("type")
    if kind in ("function", "custom"):
        inner = body.pop(kind, None)
        name = inner.get("name") if isinstance(inner, dict) else body.pop("name", None)
        if not isinstance(name, str):
            raise invalid(f"{path}.{kind}.name", "must be a string")
        return hub.Tool(type=kind, name=name, path=path, extra=body)
    return hub.Tool(type="hosted", name=kind, path=path, extra=body)


def write_choice(choice: hub.ToolChoice, home: bool, flavor: ChatFlavor, report: Report) -> str | Json:
    """`tool_choice`: the nearest that the provider accepts. `none` has no near one: see `forbids`."""
    accepted = (choice.kind, *NEARER.get(choice.kind, ()), "auto")
    kind = next(each for each in accepted if each in flavor.tool_choice or each == "auto")
    if kind != choice.kind:
        report.approximated(choice.path, f"{choice.kind} became {kind}")
    if kind == "named" and choice.tool:
        return _write_chosen(choice.tool)
    if kind == "allowed":
        allowed = {"mode": choice.mode, "tools": [_write_chosen(tool) for tool in choice.tools]}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    return str(choice.wire.get("word", kind)) if home and kind == choice.kind else kind


def forbids(choice: hub.ToolChoice | None, flavor: ChatFlavor) -> bool:
    """Whether the client wants no call and the provider has no word for that: then no tool is offered."""
    return choice is not None and choice.kind == "none" and "none" not in flavor.tool_choice


def _write_chosen(tool: hub.Tool) -> Json:
    if tool.type == "hosted":
        return {"type": tool.name, **tool.extra}
    return {"type": tool.type, tool.type: {"name": tool.name}}


def read_output(form: Any) -> hub.Output | None:
    """`response_format`; None for a type that only some provider knows. Raises ProxyError for a wrong shape."""
    expect(form, dict, "response_format")
    body = dict(form)
    kind = body.pop("type", None)
    expect(kind, str, "response_format.type")
    if kind == "json_schema":
        inner = body.pop("json_schema", None)
        if not isinstance(inner, dict):
            raise invalid("response_format.json_schema", "must be an object")
        rest, path = dict(inner), "response_format.json_schema"
        return hub.Output(
            kind="schema", name=take(rest, "name", kind=str, path=path), path="response_format",
            description=take(rest, "description", kind=str, path=path),
            schema=take(rest, "schema", kind=dict, path=path), strict=take(rest, "strict", kind=bool, path=path),
            extra={**body, **{f"json_schema.{key}": value for key, value in rest.items()}},
        )  # fmt: skip
    if kind in ("text", "json_object"):
        return hub.Output(kind="text" if kind == "text" else "json", path="response_format", extra=body)
    return None


def write_output(output: hub.Output, home: bool, report: Report) -> Json:
    """`response_format`."""
    extra = output.extra if home else {}
    if not home:
        report.extras(output.path, output.extra)
    outer = {key: value for key, value in extra.items() if "." not in key}
    if output.kind != "schema":
        return {"type": "text" if output.kind == "text" else "json_object", **outer}
    inner: Json = {}
    for key, value in (
        ("name", output.name if home else output.name or "answer"), ("description", output.description),
        ("schema", output.schema), ("strict", output.strict),
    ):  # fmt: skip
        if value is not None:
            inner[key] = value
    inner |= {key.removeprefix("json_schema."): value for key, value in extra.items() if "." in key}
    return {"type": "json_schema", "json_schema": inner, **outer}
