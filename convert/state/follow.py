"""The stream of a stored response, from any event on: what is there is replayed, what is to come is followed.

The events may be written by another process or on another machine; the database is asked for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from convert import sse, stream
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.losses import Report
from convert.state.memory import Memory

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from convert.store.responses import Row, Segment

Json = dict[str, Any]
Frame = tuple[int, bytes]  # (sequence number, bytes)
PAUSE = 0.1  # seconds between two looks at a response that is under way
RESPONSES = FORMATS["responses"]


def follow(memory: Memory, tenant: str, response: str, after: int, gone: Callable[[], bool]) -> Iterator[bytes]:
    """The frames of a response's stream with a sequence number above `after`, to its terminal one, or to an error where
    the database cannot be used any more. `gone` tells whether the client has hung up."""
    last = after
    try:
        for number, frame in _followed(memory, tenant, response, after, gone):
            last = number
            yield frame
    except ProxyError as error:
        members = {"code": "server_error", "message": error.message, "param": None, "sequence_number": last + 1}
        yield sse.event({"type": "error", **members}, "error")


def _followed(
    memory: Memory, tenant: str, response: str, after: int, gone: Callable[[], bool]
) -> Iterator[Frame]:
    """The frames; a sign of life has the number of the frame before it."""
    told = time.monotonic()
    while not gone():
        row, segments = memory.run(lambda connection, after=after: _look(connection, tenant, response, after))  # type: ignore[misc]
        if row is None:
            return  # deleted meanwhile
        running = row.status in ("queued", "in_progress")
        every = [*frames(segments)]
        for number, frame in every if running else whole(row, every, after):
            if number > after:
                after, told = number, time.monotonic()
                yield number, frame
        if not running:
            return
        if time.monotonic() - told > memory.settings.keep_alive:
            told = time.monotonic()
            yield after, RESPONSES.keep_alive
        time.sleep(PAUSE)


def _look(connection: Connection, tenant: str, response: str, after: int) -> tuple[Row | None, list[Segment]]:
    """A response as it is now, and its events that may have numbers above `after`, with the latest there is."""
    from convert.store import responses

    row = responses.get(connection, tenant, response, 0.0)
    return row, responses.events(connection, tenant, response, after)


def frames(segments: list[Segment]) -> Iterator[Frame]:
    """Each event in the segments."""
    for segment in segments:
        yield from enumerate(_split(segment.data), segment.number)


def whole(row: Row, every: list[Frame], after: int) -> list[Frame]:
    """The stream of a response that has ended, with its terminal event, of which the writer may not have come to
    write it, and then its clients may have seen more than was written. `every`: the latest events that are stored."""
    if every and RESPONSES.ends(every[-1][1]):
        return every
    if not every and row.status in ("completed", "incomplete"):
        return replayed(row)
    last = max(every[-1][0] if every else -1, after)
    return [*every, (last + 1, ended(row, last + 1))]


def replayed(row: Row) -> list[Frame]:
    """The stream of a finished response that was not streamed when it was made."""
    body = shown(row)
    events = stream.unfold(RESPONSES.read_response(body, RESPONSES.flavor()))
    written = [frame for chunk in RESPONSES.write_stream(events, body, Report()) for frame in _split(chunk)]
    return [*enumerate(written[:-1]), (len(written) - 1, ended(row, len(written) - 1))]


def _split(data: bytes) -> list[bytes]:
    return [frame + b"\n\n" for frame in data.split(b"\n\n") if frame]


def ended(row: Row, number: int) -> bytes:
    """The terminal event of a response, with the object as it is stored. One that was cancelled has failed, in the
    words of a stream: the API has no event of its own for it."""
    kind = f"response.{row.status if row.status in ('completed', 'incomplete') else 'failed'}"
    return sse.event({"type": kind, "sequence_number": number, "response": shown(row)}, kind)


def shown(row: Row) -> Json:
    """A stored response as the API shows it; while it has no `usage`, without one: null is not in the schema."""
    body = {**sse.loads(row.body), "status": row.status, "output": sse.loads(row.output)}
    return {key: value for key, value in body.items() if key != "usage" or value is not None}
