"""The stream of a stored response, from any event on: what is there is replayed, what is to come is followed.

The events may be written by another process or on another machine; the database is asked for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from convert import sse, stream
from convert.formats import FORMATS
from convert.losses import Report
from convert.state.memory import Memory

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from convert.store.responses import Row, Segment

Json = dict[str, Any]
PAUSE = 0.1  # seconds between two looks at a response that is under way
TERMINAL = (b"event: response.completed", b"event: response.incomplete", b"event: response.failed", b"event: error")
RESPONSES = FORMATS["responses"]


def follow(memory: Memory, tenant: str, response: str, after: int, gone: Callable[[], bool]) -> Iterator[bytes]:
    """The frames of a response's stream with a sequence number above `after`, to its terminal one. `gone` tells
    whether the client has hung up. Raises ProxyError (overloaded)."""
    told, last = time.monotonic(), b""
    while not gone():
        row, segments = memory.run(lambda connection, after=after: _look(connection, tenant, response, after))  # type: ignore[misc]
        if row is None:
            return  # deleted meanwhile
        for number, frame in frames(segments):
            if number > after:
                after, last, told = number, frame, time.monotonic()
                yield frame
        if row.status not in ("queued", "in_progress"):
            if not last.startswith(TERMINAL):
                yield from closing(memory, row, after)
            return
        if time.monotonic() - told > memory.settings.keep_alive:
            told = time.monotonic()
            yield RESPONSES.keep_alive
        time.sleep(PAUSE)


def _look(connection: Connection, tenant: str, response: str, after: int) -> tuple[Row | None, list[Segment]]:
    """A response as it is now, and its events that may have numbers above `after`."""
    from convert.store import responses

    row = responses.get(connection, tenant, response, 0.0)
    return row, responses.events(connection, tenant, response, after)


def closing(memory: Memory, row: Row, after: int) -> Iterator[bytes]:
    """What is to follow the event `after` of a response that has ended, and whose stored events do not say how."""
    from convert.store import responses

    stored = [*frames(memory.run(lambda connection: responses.events(connection, row.tenant, row.id, -1)))]
    if not stored:
        yield from replayed(row, after)
    elif not stored[-1][1].startswith(TERMINAL):
        yield ended(row, max(after, stored[-1][0]) + 1)


def frames(segments: list[Segment]) -> Iterator[tuple[int, bytes]]:
    """(sequence number, frame) of each event in the segments."""
    for segment in segments:
        for number, frame in enumerate(segment.data.split(b"\n\n")):
            if frame:
                yield segment.number + number, frame + b"\n\n"


def replayed(row: Row, after: int) -> Iterator[bytes]:
    """The stream of a finished response that was not streamed when it was made, from the event after `after` on."""
    body = shown(row)
    if row.status not in ("completed", "incomplete"):
        yield ended(row, after + 1)
        return
    events = stream.unfold(RESPONSES.read_response(body, RESPONSES.flavor()))
    written = [frame for chunk in RESPONSES.write_stream(events, body, Report()) for frame in _split(chunk)]
    for number, frame in enumerate(written[:-1]):
        if number > after:
            yield frame
    if len(written) > after + 1:
        yield ended(row, len(written) - 1)


def _split(chunk: bytes) -> list[bytes]:
    return [frame + b"\n\n" for frame in chunk.split(b"\n\n") if frame]


def ended(row: Row, number: int) -> bytes:
    """The terminal event of a response, with the object as it is stored. One that was cancelled has failed, in the
    words of a stream: the API has no event of its own for it."""
    kind = f"response.{row.status if row.status in ('completed', 'incomplete') else 'failed'}"
    return sse.event({"type": kind, "sequence_number": number, "response": shown(row)}, kind)


def shown(row: Row) -> Json:
    """A stored response as the API shows it."""
    return {**sse.loads(row.body), "status": row.status, "output": sse.loads(row.output)}
