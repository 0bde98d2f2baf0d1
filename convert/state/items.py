"""Input items as they are stored and listed: whole, with an id each.

Source: OpenAI API reference, "List input items"; OpenAPI schemas ItemResource, InputMessageResource.
"""

from __future__ import annotations

from typing import Any

from convert.errors import ProxyError, invalid
from convert.state import ids

Json = dict[str, Any]
DONE = {"function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}  # need a status
OUTPUTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
CALLS = {"function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call", "tool_search_call"}


def listed(given: Any, response: str) -> list[Json]:
    """A request's `input` as items with ids. Raises ProxyError (invalid_request) for what is no list of items."""
    return [_whole(item, response, number) for number, item in enumerate(itemized(given))]


def itemized(given: Any) -> list[Json]:
    """A request's `input` as items, otherwise as they were sent. Raises ProxyError (invalid_request) for what is no
    list of items."""
    if given is None:
        return []
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    if not isinstance(given, list):
        raise invalid("input", "must be a string or a list of items")
    for number, item in enumerate(given):
        if not isinstance(item, dict):
            raise invalid(f"input[{number}]", "must be an object")
    return given


def _whole(item: Json, response: str, number: int) -> Json:
    kind = item.get("type") or "message"
    if not isinstance(kind, str):
        raise invalid(f"input[{number}].type", "must be a string")
    if not isinstance(item.get("id"), str | None):
        raise invalid(f"input[{number}].id", "must be a string")
    if kind == "item_reference":
        return item
    whole = {**item, "type": kind, "id": item.get("id") or ids.of_item(kind, response, number)}
    if kind == "message":
        whole = {"status": "completed", **whole, "content": _content(item.get("content"), item.get("role"))}
    elif kind in DONE and not whole.get("status"):
        whole["status"] = "completed"
    return whole


def _content(content: Any, role: Any) -> Any:
    """A message's content as a list of parts."""
    if not isinstance(content, str):
        return content
    if role == "assistant":
        return [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
    return [{"type": "input_text", "text": content}]


def check_outputs(history: list[Json], new: list[Json]) -> None:
    """Raises ProxyError for a tool output among the new items whose call is neither in the history nor before it."""
    called = {item.get("call_id") for item in history if item.get("type") in CALLS}
    for number, item in enumerate(new):
        kind = item.get("type")
        if kind in CALLS:
            called.add(item.get("call_id"))
        elif kind in OUTPUTS and item.get("call_id") not in called:
            name = OUTPUTS[kind].replace("_", " ")
            raise ProxyError(
                "invalid_request",
                f"No tool call found for {name} output with call_id {item.get('call_id')}.",
                param=f"input[{number}].call_id",
            )


def references(given: Any) -> list[str]:
    """The ids of the items that a request's `input` refers to."""
    given = given if isinstance(given, list) else []
    return [str(item.get("id")) for item in given if isinstance(item, dict) and item.get("type") == "item_reference"]


def resolved(items: list[Json], known: dict[str, Json]) -> list[Json]:
    """The items with references replaced by what they refer to. Raises ProxyError (404) for one that is not known."""
    return [_resolved(item, known) if item.get("type") == "item_reference" else item for item in items]


def _resolved(item: Json, known: dict[str, Json]) -> Json:
    identity = str(item.get("id"))
    if identity not in known:
        message = f"Item with id '{identity}' not found. Items are not persisted when `store` is set to false."
        raise ProxyError("not_found", message, param="input")
    return known[identity]
