"""`truncation: auto` for an upstream that does not know it: a conversation that is too long loses its oldest items.

Source: OpenAI API reference, "Create a model response", `truncation`: items are dropped from the beginning of the
conversation. What instructs the model stays, and so does the last thing that a person said, with all that follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
TRIES = 4
INSTRUCTING = ("system", "developer")


def shorter(items: list[Json]) -> Iterator[list[Json]]:
    """The items with ever fewer of the old ones: each time half of those go that still may."""
    for _ in range(TRIES):
        until = max((number for number, item in enumerate(items) if _role(item) == "user"), default=0)
        going = [number for number, item in enumerate(items[:until]) if not _stays(item)]
        if not going:
            return
        items = _without(items, {*going[: (len(going) + 1) // 2]})
        yield items


def _without(items: list[Json], gone: set[int]) -> list[Json]:
    """The items but those that are gone, and but the results of calls that are."""
    kept = [item for number, item in enumerate(items) if number not in gone]
    known = {item.get("call_id") for item in kept if not _is_result(item)}
    return [item for item in kept if not _is_result(item) or item.get("call_id") in known]


def _role(item: Json) -> str | None:
    return item.get("role") if item.get("type", "message") == "message" else None


def _stays(item: Json) -> bool:
    return item.get("type") == "additional_tools" or _role(item) in INSTRUCTING


def _is_result(item: Json) -> bool:
    """Whether an item is what came of a call; without the call it means nothing."""
    return str(item.get("type", "")).endswith("_output") and item.get("call_id") is not None
