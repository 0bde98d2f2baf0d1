"""What a connection remembers: its latest responses that are stored nowhere, to be continued on the same connection.

Source: OpenAI guide "WebSocket mode": with `store: false` an id is known to its connection only, and the id of a
request with `generate: false` can be continued too.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from convert import sse
from convert.state import items

Json = dict[str, Any]
COUNT = 16  # responses, of which clients continue the latest or the one before


@dataclass(slots=True, frozen=True)
class Remembered:
    """A response: all items up to its end, behind those of `previous`, which is stored somewhere else."""

    items: list[Json]
    previous: str | None
    size: int


class Recent:
    """The latest responses of a connection, by id; `limit`: bytes in all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._known: OrderedDict[str, Remembered] = OrderedDict()

    def whole(self, asked: Json) -> tuple[Json, int]:
        """(the request with what it continues in its input, how many items that is); the same request and 0 where it
        continues nothing that is remembered here. Raises ProxyError (invalid_request) for input that is no list of
        items, and for a tool output without its call."""
        previous = asked.get("previous_response_id")
        known = self._known.get(previous) if isinstance(previous, str) else None
        if known is None:
            return asked, 0
        new = items.itemized(asked.get("input"))
        if known.previous is None:
            items.check_outputs(known.items, new)
        by_id = {item["id"]: item for item in known.items if item.get("id")}
        new = [by_id.get(item.get("id"), item) if item.get("type") == "item_reference" else item for item in new]
        whole = {**asked, "previous_response_id": known.previous, "input": [*known.items, *new]}
        if known.previous is None:
            del whole["previous_response_id"]
        return whole, len(known.items)

    def remember(self, identity: str, asked: Json, output: list[Json]) -> None:
        """Keeps a response: its request, made whole, and its output. What is over the limit is forgotten, the oldest
        first."""
        whole = [*items.itemized(asked.get("input")), *output]
        self._known[identity] = Remembered(whole, asked.get("previous_response_id"), len(sse.dumps(whole)))
        while len(self._known) > COUNT or sum(each.size for each in self._known.values()) > self.limit:
            self._known.popitem(last=False)
