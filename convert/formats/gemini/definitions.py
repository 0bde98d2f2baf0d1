"""Tools on offer and the choice among them. Source: Gemini API reference, "Tool", "ToolConfig"."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.contract import expect, take
from convert.formats.gemini.dialect import narrowed, plain
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.spelling import canonical, respelled
from convert.losses import Report

Json = dict[str, Any]
HOSTED = {"googleSearch": "web_search"}  # hosted tools that other formats have too
SCHEMAS = ("parameters", "parametersJsonSchema")
MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}
CONFIG = "toolConfig.functionCallingConfig"


def read_tools(tools: Any) -> tuple[list[hub.Tool], list[Json]]:
    """(the tools, how the wire's tool objects were made up). Raises ProxyError with the path of the first fault."""
    listed = [tools] if isinstance(tools, dict) else tools
    expect(listed, list, "tools")
    found: list[hub.Tool] = []
    groups: list[Json] = []
    for number, group in enumerate(listed):
        path = f"tools[{number}]"
        body, given = canonical(group, path)
        groups.append({"keys": given, "functions": "functionDeclarations" in body})
        for key, value in body.items():
            if key == "functionDeclarations":
                expect(value, list, f"{path}.{key}")
                found += [_read_function(each, f"{path}.{key}[{n}]", number) for n, each in enumerate(value)]
            else:
                found.append(_read_hosted(key, value, f"{path}.{key}", number))
    return found, groups


def _read_hosted(key: str, value: Any, path: str, group: int) -> hub.Tool:
    extra = dict(value) if isinstance(value, dict) else {} if value is None else {key: value}
    wire = {"group": group, "key": key, "value": value}
    return hub.Tool(type="hosted", name=HOSTED.get(key, key), path=path, extra=extra, wire=wire)


def _read_function(function: Any, path: str, group: int) -> hub.Tool:
    body, given = canonical(function, path)
    name = body.pop("name", None)
    if not isinstance(name, str) or not name:
        raise invalid(f"{path}.name", "must be a non-empty string")
    key = next((each for each in reversed(SCHEMAS) if isinstance(body.get(each), dict)), None)
    schema = body.pop(key) if key else None
    return hub.Tool(
        type="function", name=name, description=take(body, "description", kind=str, path=path),
        schema=plain(schema), path=path, extra=body,
        wire={"group": group, "keys": given, "schema": (key, schema)},
    )  # fmt: skip


def write_home(tools: list[hub.Tool], groups: list[Json]) -> list[Json]:
    """`tools` of a request of this format, in the objects that they stood in."""
    written: list[Json] = [{"functionDeclarations": []} if group["functions"] else {} for group in groups]
    for tool in tools:
        group = written[tool.wire["group"]]
        if tool.type == "hosted":
            group[tool.wire["key"]] = tool.wire["value"]
            continue
        body: Json = {"name": tool.name, **tool.extra}
        if tool.description is not None:
            body["description"] = tool.description
        key, schema = tool.wire["schema"]
        if key:
            body[key] = schema
        group["functionDeclarations"].append(respelled(body, tool.wire["keys"]))
    return [respelled(body, group["keys"]) for body, group in zip(written, groups, strict=True)]


def write_tools(tools: list[hub.Tool], flavor: GeminiFlavor, report: Report) -> list[Json]:
    """`tools` for a request of another format. Hosted tools are sent where the API has them, and takes them."""
    functions = [_write_function(tool, flavor, report) for tool in tools if tool.type != "hosted"]
    written: list[Json] = [{"functionDeclarations": functions}] if functions else []
    words = {name: key for key, name in HOSTED.items()}
    for tool in (tool for tool in tools if tool.type == "hosted"):
        if tool.name not in words:
            report.dropped(tool.path, f"hosted tool '{tool.name}'")
        elif functions and not flavor.mixed_tools:
            report.dropped(tool.path, f"hosted tool '{tool.name}' beside functions")
        else:
            report.extras(tool.path, tool.extra)
            written.append({words[tool.name]: {}})
    return written


def mixed(tools: list[Json]) -> bool:
    """Whether hosted tools stand beside functions, which the API must be told."""
    return len(tools) > 1 and "functionDeclarations" in tools[0]


def _write_function(tool: hub.Tool, flavor: GeminiFlavor, report: Report) -> Json:
    body: Json = {"name": tool.name, **({"description": tool.description} if tool.description is not None else {})}
    if tool.cache:
        report.dropped(f"{tool.path}.cache_control")
    if tool.strict:
        report.dropped(f"{tool.path}.strict")
    report.extras(tool.path, tool.extra)
    if tool.schema and flavor.json_schema:
        body["parametersJsonSchema"] = tool.schema
    elif tool.schema and tool.schema.get("properties"):  # an object without any is refused
        body["parameters"] = narrowed(tool.schema, report, f"{tool.path}.parameters")
    return body


def read_choice(config: Any) -> hub.ToolChoice:
    """`toolConfig.functionCallingConfig`. Raises ProxyError for another shape."""
    body, given = canonical(config, CONFIG)
    mode, names = body.pop("mode", None), body.pop("allowedFunctionNames", None)
    if mode is not None and (not isinstance(mode, str) or mode.upper() not in MODES):
        raise invalid(f"{CONFIG}.mode", f"must be one of {', '.join(MODES)}")
    expect(names or [], list, f"{CONFIG}.allowedFunctionNames")
    for number, name in enumerate(names or []):
        expect(name, str, f"{CONFIG}.allowedFunctionNames[{number}]")
    kind: Any = MODES[mode.upper()] if mode else "auto"
    tools = [hub.Tool(name=name, path=CONFIG) for name in names or []]
    wire = {"keys": given, "mode": mode, "names": names}
    if not tools or kind == "none":
        return hub.ToolChoice(kind=kind, path=CONFIG, extra=body, wire=wire)
    if kind == "required" and len(tools) == 1:
        return hub.ToolChoice(kind="named", tool=tools[0], path=CONFIG, extra=body, wire=wire)
    return hub.ToolChoice(kind="allowed", mode=kind, tools=tools, path=CONFIG, extra=body, wire=wire)


def write_choice(choice: hub.ToolChoice, home: bool, report: Report) -> Json:
    """`functionCallingConfig` of a choice."""
    chosen = [choice.tool] if choice.kind == "named" and choice.tool else choice.tools
    names = [tool.name for tool in chosen]
    if home and choice.wire:
        body = dict(choice.extra)
        if choice.wire["mode"] is not None:
            body["mode"] = choice.wire["mode"]
        if choice.wire["names"] is not None:
            body["allowedFunctionNames"] = names or choice.wire["names"]
        return respelled(body, choice.wire["keys"])
    report.extras(choice.path, choice.extra)
    match choice.kind:
        case "named" if choice.tool and choice.tool.type == "hosted":
            report.approximated(choice.path, "a hosted tool cannot be chosen")
            return {"mode": "AUTO"}
        case "named":
            return {"mode": "ANY", "allowedFunctionNames": names}
        case "allowed":
            return {"mode": "ANY" if choice.mode == "required" else "VALIDATED", "allowedFunctionNames": names}
    return {"mode": {"none": "NONE", "required": "ANY"}.get(choice.kind, "AUTO")}
