"""The dialect of each format that can say the most, in which a round trip must lose nothing."""

from __future__ import annotations

from typing import Any

from convert.formats.contract import Flavor, Format

WIDEST: dict[str, dict[str, Any]] = {
    "chat": {
        "developer_role": "developer",
        "tool_choice": ("auto", "none", "required", "named", "allowed"),
        "custom_tools": True,
        "tool_media": True,
        "web_search": True,
    },
    "messages": {"system_in_messages": True, "unsigned_thinking": True, "billing": True, "sampling": "all"},
    "gemini": {"mixed_tools": True},
}


def widest(form: Format) -> Flavor:
    """A format's dialect with every ability."""
    return form.flavor(**WIDEST.get(form.name, {}))


def vendor(form: Format) -> Flavor:
    """The dialect of a format's own vendor, whose clients' bodies pass as they are."""
    return form.flavor(**({"billing": True} if form.name == "messages" else {}))
