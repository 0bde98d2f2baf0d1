"""Anthropic's tools that the client runs itself: their models know them by type alone; to other models they are
offered as the functions described here.

Source: Anthropic guides, "Bash tool", "Text editor tool", "Computer use tool", "Memory tool".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Builtin:
    """What another model must be told of a tool."""

    description: str
    schema: Json


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required}


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": list(words)}


_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer"}
_PAIR: Json = {"type": "array", "items": _WHOLE, "minItems": 2, "maxItems": 2}

# by the tool's type without its date
BUILTINS = {
    "bash": Builtin(
        "Runs a command in a persistent bash session on the user's machine and returns its output.",
        _object([], command=_TEXT, restart={"type": "boolean", "description": "Start the session anew."}),
    ),
    "text_editor": Builtin(
        "Views, creates and edits files on the user's machine. view needs path; create: path and file_text; "
        "str_replace: path, old_str (must occur exactly once) and new_str; insert: path, insert_line and insert_text.",
        _object(
            ["command", "path"],
            command=_one_of("view", "create", "str_replace", "insert"),
            path=_TEXT,
            file_text=_TEXT,
            old_str=_TEXT,
            new_str=_TEXT,
            insert_line=_WHOLE,
            insert_text=_TEXT,
            view_range=_PAIR,
        ),
    ),
    "computer": Builtin(
        "Controls the screen, mouse and keyboard of a computer. `coordinate` is [x, y] in pixels; `text` is what to "
        "type, or the keys to press.",
        _object(
            ["action"],
            action=_one_of(
                "screenshot", "left_click", "right_click", "middle_click", "double_click", "triple_click", "type",
                "key", "mouse_move", "left_click_drag", "left_mouse_down", "left_mouse_up", "scroll", "hold_key",
                "wait", "cursor_position", "zoom",
            ),
            coordinate=_PAIR,
            start_coordinate=_PAIR,
            text=_TEXT,
            scroll_direction=_one_of("up", "down", "left", "right"),
            scroll_amount=_WHOLE,
            duration={"type": "number", "description": "Seconds."},
            region={"type": "array", "items": _WHOLE},
        ),
    ),
    "memory": Builtin(
        "Keeps notes in files under /memories. view, create (file_text), str_replace (old_str, new_str), insert "
        "(insert_line, insert_text) and delete need path; rename needs old_path and new_path.",
        _object(
            ["command"],
            command=_one_of("view", "create", "str_replace", "insert", "delete", "rename"),
            path=_TEXT,
            file_text=_TEXT,
            old_str=_TEXT,
            new_str=_TEXT,
            insert_line=_WHOLE,
            insert_text=_TEXT,
            view_range=_PAIR,
            old_path=_TEXT,
            new_path=_TEXT,
        ),
    ),
}  # fmt: skip
