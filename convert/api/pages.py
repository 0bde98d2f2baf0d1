"""Lists as OpenAI's APIs give them: a page, and the query that asks for one.

Source: OpenAI API reference, `limit`, `order` and `after` of its lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Response, request

from convert import sse
from convert.errors import invalid
from convert.state.history import not_found

Json = dict[str, Any]
MOST = 100


def limit() -> int:
    """The query's `limit`, 20 where it has none. Raises ProxyError (invalid_request)."""
    given = request.args.get("limit", "20")
    if not re.fullmatch("[0-9]{1,9}", given) or not 1 <= int(given) <= MOST:
        raise invalid("limit", f"must be a number from 1 to {MOST}")
    return int(given)


def descending(default: str) -> bool:
    """Whether the query's `order` is desc. Raises ProxyError (invalid_request)."""
    order = request.args.get("order", default)
    if order not in ("asc", "desc"):
        raise invalid("order", "must be asc or desc")
    return order == "desc"


def of(entries: list[Json]) -> Response:
    """The page that the query asks for, of entries in ascending order that are all at hand. Raises ProxyError for a
    cursor that does not exist."""
    ordered = entries[::-1] if descending("desc") else entries
    return page(behind(ordered), limit())


def behind(entries: list[Json]) -> list[Json]:
    """The entries after the query's cursor. Raises ProxyError (404) for one that does not exist."""
    after = request.args.get("after")
    if after is None:
        return entries
    for number, entry in enumerate(entries):
        if entry["id"] == after:
            return entries[number + 1 :]
    raise not_found("Item", after, "after")


def page(entries: list[Json], most: int) -> Response:
    """A list object with at most `most` of the entries; `has_more`: whether there were more."""
    shown = entries[:most]
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else ("", "")
    more = len(entries) > most
    return answer({"object": "list", "data": shown, "first_id": first, "last_id": last, "has_more": more})


def answer(body: Json) -> Response:
    """A JSON answer."""
    return Response(sse.dumps(body), mimetype="application/json")


def stream(frames: Iterator[bytes]) -> Response:
    """The frames of a stored stream as an answer."""
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(frames, mimetype="text/event-stream", headers=headers, direct_passthrough=True)
