"""Built-in tools that the client runs itself: each has item types of its own on this wire, and is offered
to other models as the function described here.

Source: OpenAI API reference, "Create a model response": tools local_shell, shell, apply_patch, tool_search.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Builtin:
    """`tool`: its type in `tools`, and its name as a function. `call`, `output`: item types.
    `arguments`: the member of the call item that holds the arguments. `defaults`: what a model may leave
    out of them. `members`: further members of a call item. `blank`: arguments not yet known."""

    tool: str
    call: str
    output: str
    arguments: str
    prefix: str
    description: str
    schema: Json
    blank: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    members: Json = field(default_factory=dict)


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}

BUILTINS = [
    Builtin(
        tool="local_shell",
        call="local_shell_call",
        output="local_shell_call_output",
        arguments="action",
        prefix="lsh_",
        description="Runs one command on the user's machine and returns its output.",
        schema=_object(
            ["command"],
            command={"type": "array", "items": _TEXT, "description": "The program and its arguments."},
            env={"type": "object", "additionalProperties": _TEXT},
            timeout_ms=_NUMBER,
            working_directory=_TEXT,
            user=_TEXT,
        ),
        blank={"type": "exec", "command": [], "env": {}},
        defaults={"type": "exec", "env": {}},
    ),
    Builtin(
        tool="shell",
        call="shell_call",
        output="shell_call_output",
        arguments="action",
        prefix="sh_",
        description="Runs shell commands on the user's machine and returns their output.",
        schema=_object(
            ["commands"],
            commands={"type": "array", "items": _TEXT, "description": "Shell command lines."},
            timeout_ms=_NUMBER,
            max_output_length=_NUMBER,
        ),
        blank={"commands": [], "timeout_ms": None, "max_output_length": None},
        defaults={"timeout_ms": None, "max_output_length": None},
        members={"environment": None},
    ),
    Builtin(
        tool="apply_patch",
        call="apply_patch_call",
        output="apply_patch_call_output",
        arguments="operation",
        prefix="apc_",
        description="Creates, updates or deletes one file. `diff` is a V4A diff: lines that begin with a space, "
        "+ or -, under @@ headers; for create_file every line begins with +.",
        schema=_object(
            ["type", "path"],
            type={"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
            path=_TEXT,
            diff={"type": "string", "description": "Needed to create or update a file."},
        ),
        blank={"type": "delete_file", "path": ""},
    ),
    Builtin(
        tool="tool_search",
        call="tool_search_call",
        output="tool_search_output",
        arguments="arguments",
        prefix="tsc_",
        description="Searches for further tools that can be loaded.",
        schema=_object(["query"], query=_TEXT, limit=_NUMBER),
        members={"execution": "client"},
    ),
]
BY_TOOL = {builtin.tool: builtin for builtin in BUILTINS}
BY_CALL = {builtin.call: builtin for builtin in BUILTINS}
BY_OUTPUT = {builtin.output: builtin for builtin in BUILTINS}


def runs_at_client(tool: Json) -> bool:
    """Whether a tool definition is a built-in that the client executes, not the provider."""
    match tool.get("type"):
        case "local_shell" | "apply_patch":
            return True
        case "shell":
            environment = tool.get("environment")
            return not isinstance(environment, dict) or environment.get("type") == "local"
        case "tool_search":
            return tool.get("execution") == "client"
    return False


def call_arguments(builtin: Builtin, text: str) -> Any:
    """The arguments of a call item, from the JSON text that the model wrote. Raises ValueError where it is
    no JSON object."""
    value = json.loads(text or "{}")
    if not isinstance(value, dict):
        raise ValueError("the arguments are not an object")
    return {**builtin.defaults, **value}
