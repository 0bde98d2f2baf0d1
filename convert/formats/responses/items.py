"""Input items <-> messages. Each item is one hub message, so that order and grouping survive exactly.

Source: OpenAI API reference, "Create a model response", `input`; OpenAPI schema InputItem. Types that are not
known here (hosted tools' calls, item_reference, compaction, future ones) become a Raw part.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.contract import expect, take
from convert.formats.responses import builtin, content
from convert.formats.responses.definitions import read_tools
from convert.sealed import found

Json = dict[str, Any]
ROLES = ("user", "assistant", "system", "developer")
BOOKKEEPING = ("id", "status")
# Items that only OpenAI's servers can make something of. Any other type that has no reader is not known at all.
HOSTED = frozenset({
    "code_interpreter_call", "compaction", "compaction_summary", "computer_call", "computer_call_output",
    "context_compaction", "file_search_call", "image_generation_call", "item_reference", "mcp_approval_request",
    "mcp_approval_response", "mcp_call", "mcp_list_tools", "program", "program_output", "tool_search_call",
    "tool_search_output", "web_search_call",
})  # fmt: skip


def read_items(items: Any) -> list[hub.Message]:
    """`input` as messages. Raises ProxyError with the path of the first fault."""
    if isinstance(items, str):
        part = hub.Text(text=items, path="input")
        return [hub.Message(role="user", parts=[part], plain=True, path="input", wire={"bare": True})]
    if not isinstance(items, list):
        raise invalid("input", "must be a string or a list of items")
    return [read_item(item, f"input[{n}]") for n, item in enumerate(items)]


def read_item(item: Any, path: str) -> hub.Message:
    """One input item. Raises ProxyError for an item of the wrong shape, never for an unknown type."""
    if not isinstance(item, dict):
        raise invalid(path, "must be an object")
    kind = item.get("type")
    if kind is None and "role" not in item:
        raise invalid(path, "must have a `type`, or a `role` and `content`")
    if kind is None or kind == "message":
        return _read_message(item, path)
    if not isinstance(kind, str):
        raise invalid(f"{path}.type", "must be a string")
    if reader := READERS.get(kind):
        return reader(dict(item), path)
    if kind in builtin.BY_CALL:
        return _read_builtin_call(item, path)
    return _read_builtin_output(item, path) if kind in builtin.BY_OUTPUT else _raw(item, path)


def _raw(item: Json, path: str) -> hub.Message:
    """An item only this format understands; whose turn it belongs to shows in its name."""
    known = item["type"] in HOSTED or item["type"] in builtin.BY_CALL or item["type"] in builtin.BY_OUTPUT
    answers = str(item["type"]).endswith(("_output", "_response"))
    wire = {} if known else {"unknown": item["type"]}
    if item["type"] == "item_reference":
        wire = {"absent": item.get("id")}
    return hub.Message(
        role="user" if answers else "assistant",
        parts=[hub.Raw(format="responses", value=item, path=path, wire=wire)],
        path=path,
    )


def _bookkeeping(item: Json) -> Json:
    """Takes the item's id and status out of it."""
    return {key: item.pop(key) for key in BOOKKEEPING if item.get(key) is not None} if item else {}


def _text_field(item: Json, key: str, path: str) -> str:
    value = item.pop(key, None)
    if not isinstance(value, str):
        raise invalid(f"{path}.{key}", "must be a string")
    return value


def _read_message(item: Json, path: str) -> hub.Message:
    body = dict(item)
    role = body.pop("role", None)
    if role == "tool":
        return _read_tool_message(body, path)
    if role not in ROLES:
        raise invalid(f"{path}.role", f"must be one of {', '.join(ROLES)}")
    wire = _bookkeeping(body)
    if body.pop("type", None) is None:
        wire["untyped"] = True
    parts, plain = content.read_content(body.pop("content", None), f"{path}.content")
    return hub.Message(role=role, parts=parts, plain=plain, path=path, extra=body, wire=wire)


def _read_tool_message(body: Json, path: str) -> hub.Message:
    """Not in the API, but some clients send tool results as messages with a `call_id`."""
    body.pop("type", None)
    parts, plain = content.read_content(body.pop("content", None), f"{path}.content")
    call_id = _text_field(body, "call_id" if "call_id" in body else "tool_call_id", path)
    result = hub.ToolResult(call_id=call_id, parts=parts, path=path, wire=_bookkeeping(body), extra=body)
    return hub.Message(role="tool", parts=[result], plain=plain, path=path)


def _read_call(item: Json, path: str, kind: Any, key: str) -> hub.Message:
    arguments = item.pop(key, None)
    if isinstance(arguments, dict):  # a frequent slip of clients; the API takes text
        arguments = json.dumps(arguments, separators=(",", ":"))
    if not isinstance(arguments, str):
        raise invalid(f"{path}.{key}", "must be a string")
    del item["type"]
    call = hub.ToolCall(
        type=kind, text=arguments, id=_text_field(item, "call_id", path), name=_text_field(item, "name", path),
        namespace=take(item, "namespace"), path=path, wire=_bookkeeping(item), extra=item,
    )  # fmt: skip
    return hub.Message(role="assistant", parts=[call], path=path)


def _read_function_call(item: Json, path: str) -> hub.Message:
    return _read_call(item, path, "function", "arguments")


def _read_custom_call(item: Json, path: str) -> hub.Message:
    return _read_call(item, path, "custom", "input")


def _read_output(item: Json, path: str, kind: Any) -> hub.Message:
    parts, plain = content.read_content(item.pop("output", None), f"{path}.output")
    del item["type"]
    result = hub.ToolResult(
        type=kind, call_id=_text_field(item, "call_id", path), name=take(item, "name"), parts=parts, path=path,
        wire=_bookkeeping(item), extra=item,
    )  # fmt: skip
    return hub.Message(role="tool", parts=[result], plain=plain, path=path)


def _read_function_output(item: Json, path: str) -> hub.Message:
    return _read_output(item, path, "function")


def _read_custom_output(item: Json, path: str) -> hub.Message:
    return _read_output(item, path, "custom")


def _read_builtin_call(item: Json, path: str) -> hub.Message:
    kind = builtin.BY_CALL[item["type"]]
    if item.get("execution") == "server" or (kind.tool == "tool_search" and item.get("call_id") is None):
        return _raw(item, path)
    body = {key: value for key, value in item.items() if key not in ("type", *kind.members)}
    call_id = take(body, "call_id", item.get("id"), str, path)  # older clients tell the item's id only
    expect(call_id, str, f"{path}.call_id")
    arguments = body.pop(kind.arguments, None)
    if not isinstance(arguments, str):
        expect(arguments, dict, f"{path}.{kind.arguments}")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, separators=(",", ":"))
    members = {key: item[key] for key in kind.members if key in item}
    call = hub.ToolCall(
        type="client", text=text, id=call_id, name=kind.tool, path=path, extra=body,
        wire=_bookkeeping(body)
        | {"members": members, "text": isinstance(arguments, str), "called": "call_id" in item},
    )  # fmt: skip
    return hub.Message(role="assistant", parts=[call], path=path)


def _read_builtin_output(item: Json, path: str) -> hub.Message:
    kind = builtin.BY_OUTPUT[item["type"]]
    body = dict(item)
    if item.get("execution") == "server" or (kind.tool == "tool_search" and item.get("call_id") is None):
        return _raw(item, path)
    call_id: Any = body.pop("call_id", None) or item.get("id")
    expect(call_id, str, f"{path}.call_id")
    del body["type"]
    failed = body.get("status") == "failed"
    wire = _bookkeeping(body) | {"called": "call_id" in item, "item": kind.tool}
    if kind.tool == "tool_search":
        body.pop("execution", None)
        wire["execution"] = item.get("execution")
        tools = read_tools(body.pop("tools", None), f"{path}.tools")
        parts: list[hub.Part] = [hub.Tools(tools=tools, path=f"{path}.tools")]
    else:
        output = take(body, "output", "")
        wire["text"] = isinstance(output, str)
        if not isinstance(output, str | list):
            expect(output, dict, f"{path}.output")
        text = output if isinstance(output, str) else json.dumps(output, separators=(",", ":"))
        parts = [hub.Text(text=text, path=f"{path}.output")]
    result = hub.ToolResult(
        type="client", call_id=call_id, name=kind.tool, parts=parts, error=failed, path=path, extra=body, wire=wire
    )
    return hub.Message(role="tool", parts=[result], path=path)


def _read_reasoning(item: Json, path: str) -> hub.Message:
    """Summary texts and full texts as parts; the encrypted content belongs to the last of them."""
    del item["type"]
    parts = reasoning_parts(item, path)
    wire = _bookkeeping(item)
    for key in ("summary", "content"):
        if key in item and item[key] == []:
            wire[key] = item.pop(key)
    return hub.Message(role="assistant", parts=[*parts], path=path, extra=item, wire=wire)


def reasoning_parts(item: Json, path: str) -> list[hub.Reasoning]:
    """Takes the texts and the encrypted content out of a reasoning item; one empty part where it has no text."""
    parts = []
    for key, kind in (("summary", "summary"), ("content", "full")):
        if item.get(key):
            texts = item.pop(key)
            if not isinstance(texts, list):
                raise invalid(f"{path}.{key}", "must be a list")
            parts += [_read_thought(text, kind, f"{path}.{key}[{n}]") for n, text in enumerate(texts)]
    parts = parts or [hub.Reasoning(kind="summary", path=path, wire={"absent": True})]
    if (blob := take(item, "encrypted_content")) is not None:
        parts[-1].sealed = found(blob, "responses")
    return parts


def _read_thought(part: Any, kind: Any, path: str) -> hub.Reasoning:
    if not isinstance(part, dict) or not isinstance(part.get("text"), str):
        raise invalid(path, "must be an object with a `text`")
    rest = {key: value for key, value in part.items() if key not in ("type", "text")}
    return hub.Reasoning(text=part["text"], kind=kind, path=path, extra=rest)


def _read_additional_tools(item: Json, path: str) -> hub.Message:
    del item["type"]
    part = hub.Tools(tools=read_tools(item.pop("tools", None), f"{path}.tools"), path=f"{path}.tools")
    role = take(item, "role", "developer")
    wire = _bookkeeping(item)
    return hub.Message(role=role, parts=[part], path=path, extra=item, wire=wire)


READERS: dict[str, Callable[[Json, str], hub.Message]] = {
    "function_call": _read_function_call,
    "function_call_output": _read_function_output,
    "custom_tool_call": _read_custom_call,
    "custom_tool_call_output": _read_custom_output,
    "reasoning": _read_reasoning,
    "additional_tools": _read_additional_tools,
}
