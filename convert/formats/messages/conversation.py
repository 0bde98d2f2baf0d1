"""`system` and `messages` on the wire -> hub messages. Source: Anthropic API reference, "Create a Message"."""

from __future__ import annotations

import dataclasses
from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.messages import blocks

Json = dict[str, Any]
ROLES = ("user", "assistant", "system")
BILLING = "x-anthropic-billing-header:"  # Claude Code's bookkeeping, in the words of the first system block


def read_system(system: Any) -> tuple[hub.Message | None, Json]:
    """(the system prompt, what its own format needs besides). Billing headers mean nothing to other providers: they
    are kept aside, by their place in the list. Raises ProxyError with the path of the first fault."""
    if isinstance(system, str):
        line, rest = _billing_line(system)
        if not rest and line:
            return None, {"system": system, "billing": {"0": {}}}
        text = hub.Text(text=rest, path="system")
        return hub.Message(role="system", parts=[text], plain=True, path="system"), {"line": line} if line else {}
    if not isinstance(system, list):
        raise invalid("system", "must be a string or a list of text blocks")
    billing: Json = {}
    parts: list[hub.Part] = []
    for n, block in enumerate(system):
        if isinstance(block, dict) and _is_billing(block):
            billing[str(n)] = block
        else:
            parts += blocks.read_block(block, f"system[{n}]")
    if not parts:
        return None, {"system": system, "billing": billing}
    return hub.Message(role="system", parts=parts, path="system"), {"billing": billing}


def _billing_line(system: str) -> tuple[str, str]:
    """(the billing header that a system prompt opens with, with its line end; the rest)."""
    if not system.startswith(BILLING):
        return "", system
    line, end, rest = system.partition("\n")
    return line + end, rest


def without_billing(body: Json) -> Json:
    """A request without the billing header before its system prompt; the very object where it has none."""
    system = body.get("system")
    if isinstance(system, str):
        rest: Any = _billing_line(system)[1]
    elif isinstance(system, list):
        rest = [each for each in system if not (isinstance(each, dict) and _is_billing(each))]
    else:
        return body
    if len(rest) == len(system):
        return body
    return {key: value for key, value in {**body, "system": rest}.items() if key != "system" or value}


def _is_billing(block: Json) -> bool:
    return str(block.get("text", "")).startswith(BILLING)


def read_messages(messages: Any, tools: list[hub.Tool]) -> list[hub.Message]:
    """`messages`; `tools` are those on offer, for what is said of them by name. Raises ProxyError with the path of
    the first fault."""
    if not isinstance(messages, list):
        raise invalid("messages", "must be a list")
    read = [_read_message(message, f"messages[{n}]") for n, message in enumerate(messages)]
    _know(read, {tool.name: tool for tool in tools})
    return read


def _read_message(message: Any, path: str) -> hub.Message:
    if not isinstance(message, dict):
        raise invalid(path, "must be an object")
    body = dict(message)
    role = body.pop("role", None)
    if role not in ROLES:
        raise invalid(f"{path}.role", f"must be one of {', '.join(ROLES)}")
    parts, plain = blocks.read_content(body.pop("content", None), f"{path}.content")
    return hub.Message(role=role, parts=parts, plain=plain, path=path, extra=body)


def _know(messages: list[hub.Message], tools: dict[str, hub.Tool]) -> None:
    """Gives calls and results of built-in tools their type, and tools that become known their definition."""
    built_in: set[str] = set()
    for message in messages:
        for part in message.parts:
            if isinstance(part, hub.ToolCall) and part.name in tools and tools[part.name].type == "client":
                part.type = "client"
                built_in.add(part.id)
            elif isinstance(part, hub.ToolResult):
                part.type = "client" if part.call_id in built_in else "function"
                for inner in part.parts:
                    _define(inner, tools)
            else:
                _define(part, tools)


def _define(part: hub.Part, tools: dict[str, hub.Tool]) -> None:
    """A tool that is told by name only is one of those on offer; one that is not offered cannot be called."""
    if isinstance(part, hub.Tools):
        named = [tools[tool.name] for tool in part.tools if tool.name in tools]
        part.tools = [dataclasses.replace(tool, path=part.path) for tool in named]
