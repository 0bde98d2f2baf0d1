"""Messages on the wire -> hub messages. Source: OpenAI API reference, "Create chat completion", `messages`.

Providers' additions that are understood: `reasoning_content` (DeepSeek and many), `reasoning` (OpenRouter, Ollama,
vLLM). Everything else that is not known stays in `extra`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from convert import hub
from convert.errors import invalid
from convert.formats.chat import content
from convert.formats.contract import expect, take

Json = dict[str, Any]
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
REASONING_FIELDS = ("reasoning_content", "reasoning")


def read_messages(messages: Any) -> list[hub.Message]:
    """Raises ProxyError with the path of the first fault."""
    if not isinstance(messages, list):
        raise invalid("messages", "must be a list")
    functions = _function_ids(messages)
    return [_read_message(message, f"messages[{n}]", functions) for n, message in enumerate(messages)]


def _function_ids(messages: list[Any]) -> Iterator[str]:
    """The ids of legacy function calls and of their results, which have none on the wire: paired by order."""
    number = 0
    for message in messages:
        if isinstance(message, dict) and message.get("function_call"):
            number += 1
            yield f"call_function_{number}"
        elif isinstance(message, dict) and message.get("role") == "function":
            yield f"call_function_{max(number, 1)}"


def _read_message(message: Any, path: str, functions: Iterator[str]) -> hub.Message:
    if not isinstance(message, dict):
        raise invalid(path, "must be an object")
    body = dict(message)
    role = body.pop("role", None)
    if role not in ROLES:
        raise invalid(f"{path}.role", f"must be one of {', '.join(ROLES)}")
    if role in ("tool", "function"):
        return _read_result(body, path, role, functions)
    if role != "assistant" and body.get("content") is None:
        raise invalid(f"{path}.content", "is required")
    wire: Json = {}
    parts: list[hub.Part] = []
    plain = False
    if role == "assistant":
        parts += _read_reasoning(body, path)
    if body.get("content") == [] or (body.get("content") == "" and role == "assistant"):
        wire["empty"] = body.pop("content")
    elif (words := take(body, "content")) is not None:
        read, plain = content.read_content(words, f"{path}.content")
        parts += read
    if role == "assistant":
        parts += _read_refusal(body, path)
        parts += _read_calls(body, path)
        parts += _read_function_call(body, path, functions)
    name = take(body, "name", kind=str, path=path)
    return hub.Message(role=role, parts=parts, name=name, plain=plain, path=path, extra=body, wire=wire)


def _read_reasoning(body: Json, path: str) -> list[hub.Reasoning]:
    """The reasoning of an earlier answer; the same text under both names is one."""
    if body.keys().isdisjoint(REASONING_FIELDS):
        return []
    if body.get("reasoning_content") is not None:
        expect(body["reasoning_content"], str, f"{path}.reasoning_content")
    texts: dict[str, list[str]] = {}
    for field in REASONING_FIELDS:
        if isinstance(body.get(field), str) and body[field]:
            texts.setdefault(body.pop(field), []).append(field)
    return [
        hub.Reasoning(text=text, path=f"{path}.{fields[0]}", wire={"fields": fields}) for text, fields in texts.items()
    ]


def _read_refusal(body: Json, path: str) -> list[hub.Refusal]:
    if not body.get("refusal"):
        return []
    expect(body["refusal"], str, f"{path}.refusal")
    return [hub.Refusal(text=body.pop("refusal"), path=f"{path}.refusal", wire={"field": True})]


def _read_calls(body: Json, path: str) -> list[hub.Part]:
    if not body.get("tool_calls"):  # an empty list stays in what becomes `extra`
        return []
    calls = body.pop("tool_calls")
    if not isinstance(calls, list):
        raise invalid(f"{path}.tool_calls", "must be a list")
    return [read_call(call, f"{path}.tool_calls[{n}]") for n, call in enumerate(calls)]


def read_call(call: Any, path: str) -> hub.ToolCall:
    """A function or custom call. Raises ProxyError for one of the wrong shape."""
    if not isinstance(call, dict):
        raise invalid(path, "must be an object")
    body = dict(call)
    kind: Literal["custom", "function"] = "custom" if "custom" in body else "function"
    inner = body.pop(kind, None)
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise invalid(f"{path}.{kind}.name", "must be a string")
    inner = dict(inner)
    member = "input" if kind == "custom" else "arguments"
    arguments = inner.pop(member, None)
    wire: Json = {}
    if isinstance(arguments, dict):  # a frequent slip of clients; the API takes text
        arguments = json.dumps(arguments, separators=(",", ":"))
        wire["object"] = True
    if arguments is None:
        arguments, wire["absent"] = "", True
    if not isinstance(arguments, str):
        raise invalid(f"{path}.{kind}.{member}", "must be a string")
    if body.pop("type", None) is None:
        wire["untyped"] = True
    if "index" in body:  # a leftover of a stream
        wire["index"] = body.pop("index")
    call_id = body.pop("id", None)
    if not isinstance(call_id, str):
        raise invalid(f"{path}.id", "must be a string")
    rest = {f"{kind}.{key}": value for key, value in inner.items() if key != "name"}
    return hub.ToolCall(
        type=kind, text=arguments, id=call_id, name=inner["name"], path=path, extra={**body, **rest}, wire=wire
    )  # fmt: skip


def _read_function_call(body: Json, path: str, functions: Iterator[str]) -> list[hub.ToolCall]:
    """The legacy single call."""
    call = take(body, "function_call")
    if call is None:
        return []
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        raise invalid(f"{path}.function_call.name", "must be a string")
    arguments = call.get("arguments") or ""
    if not isinstance(arguments, str):
        raise invalid(f"{path}.function_call.arguments", "must be a string")
    where = f"{path}.function_call"
    return [hub.ToolCall(text=arguments, id=next(functions), name=call["name"], path=where, wire={"legacy": True})]


def _read_result(body: Json, path: str, role: str, functions: Iterator[str]) -> hub.Message:
    """A tool message, or the legacy function message."""
    wire: Json = {}
    if role == "function":
        call_id, wire["legacy"] = next(functions), True
    else:
        call_id = body.pop("tool_call_id", None)
        if not isinstance(call_id, str):
            raise invalid(f"{path}.tool_call_id", "must be a string")
    if body.get("content") is None:
        parts, plain = list[hub.Part](), False
        wire["absent"] = "content" not in body
        body.pop("content", None)
    else:
        parts, plain = content.read_content(body.pop("content"), f"{path}.content")
    result = hub.ToolResult(
        call_id=call_id, name=take(body, "name", kind=str, path=path), parts=parts, path=path, extra=body, wire=wire
    )  # fmt: skip
    return hub.Message(role="tool", parts=[result], plain=plain, path=path)
