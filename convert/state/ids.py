"""Identifiers: 192 random bits each, and for items the number of the item in its response.

An item's id holds that of its response, so that a reference to an item finds it without an index.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

Json = dict[str, Any]
_RESPONSE = re.compile(r"resp_([0-9a-f]{48})")
_ITEM = re.compile(r"[a-z]+_([0-9a-f]{48})([0-9a-f]{4})")
INPUTS = 0x8000  # items of a response's input are numbered from here, those of its output from 0
PREFIXES = {
    "message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco",
    "custom_tool_call": "ctc", "custom_tool_call_output": "ctco", "compaction": "cmp", "additional_tools": "at",
    "tool_search_call": "tsc", "tool_search_output": "tso", "local_shell_call": "lsh",
    "local_shell_call_output": "lsho", "shell_call": "sh", "shell_call_output": "sho", "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
}  # fmt: skip


def new(prefix: str) -> str:
    """A fresh id: `resp`, `conv`, `chatcmpl`, ..."""
    joint = "-" if prefix == "chatcmpl" else "_"
    return f"{prefix}{joint}{secrets.token_hex(24)}"


def of_item(kind: str, response: str, number: int) -> str:
    """The id of the item `number` of a response's input; `kind` is the item's type."""
    stem = response.partition("_")[2]
    return f"{PREFIXES.get(kind, 'item')}_{stem}{(INPUTS + number) & 0xFFFF:04x}"


def owner(item: str) -> str | None:
    """The id of the response that an item belongs to; None where the item's id does not tell."""
    found = _ITEM.fullmatch(item)
    return f"resp_{found[1]}" if found else None


def is_conversation(value: object) -> bool:
    """Whether a value looks like the id of a conversation that is stored here."""
    return isinstance(value, str) and re.fullmatch(r"conv_[0-9a-f]{48}", value) is not None


def is_stored(value: str) -> bool:
    """Whether a value can be the id of any stored response: those of upstreams without state are kept as they are."""
    return re.fullmatch(r"[\w.:-]{1,128}", value, re.ASCII) is not None


def is_response(value: object) -> bool:
    """Whether a value looks like the id of a response that is stored here."""
    return isinstance(value, str) and _RESPONSE.fullmatch(value) is not None


def tenant_of(key: str) -> str:
    """The tenant that a client's key stands for: a hash, from which the key cannot be had back."""
    return hashlib.sha256(b"convert tenant\0" + key.encode("utf-8", "surrogatepass")).hexdigest()
