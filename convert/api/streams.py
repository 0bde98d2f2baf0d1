"""Streamed answers: generators that own the upstream's socket and always end with one terminal event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import chain

from flask import Response

from convert import hub, sse, stream
from convert.answer import Answer
from convert.api import failures
from convert.api.reply import Reply
from convert.connections import Gone
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.headers import returned

log = logging.getLogger(__name__)
BOUNDARIES = (b"\n\n", b"\r\n\r\n", b"\r\r")


def streamed(exchange: Exchange, answer: Answer, headers: dict[str, str]) -> Response:
    """The Flask response of a stream. Its first event is awaited here, so that an early failure is still an HTTP
    error; an upstream that keeps silent is not: then the answer begins with keep-alives. Raises ProxyError."""
    if answer.deferred:
        body = _guarded(exchange, answer, lambda: _after_headers(exchange, answer))
    elif exchange.untouched and answer.streams:
        body = _guarded(exchange, answer, _opened(_untouched(exchange, answer)))
    else:
        events = _events(exchange, answer)
        first = next(event for event in events if event is not hub.REST)
        if isinstance(first, hub.Failure):
            raise first.error
        body = _guarded(exchange, answer, lambda: coalesced(exchange.written(chain([first], events))))
    headers |= returned(answer.headers)
    headers |= {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Reply(body, mimetype="text/event-stream", headers=headers, direct_passthrough=True)


def _events(exchange: Exchange, answer: Answer) -> Iterator[hub.Event]:
    """The hub events of an answer, streamed or finished."""
    if answer.streams:
        return exchange.events(answer.pieces(steady=True), resting=True)
    return stream.check(_finished(exchange, answer))


def _finished(exchange: Exchange, answer: Answer) -> Iterator[hub.Event]:
    """The events of an answer that is not streamed, with signs of life while it comes."""
    parts = []
    for part in answer.parts():
        parts.append(part)
        if not part:
            yield hub.PING
            yield hub.REST
    yield from exchange.unfolded(sse.parse(b"".join(parts)))


def _guarded(
    exchange: Exchange, answer: Answer, make: Callable[[], Iterator[bytes]]
) -> Iterator[bytes]:
    """A stream's bytes; whatever goes wrong below becomes its terminal event, and the upstream is freed."""
    try:
        yield from make()
        answer.finish()
    except Gone:
        log.info("the client hung up")
    except ProxyError as error:
        yield from _failure(exchange, error)
    except Exception:
        log.exception("a stream failed")
        yield from _failure(exchange, ProxyError("internal", "the proxy failed in the middle of this answer"))
    finally:
        answer.close()


def _failure(exchange: Exchange, error: ProxyError) -> Iterator[bytes]:
    return exchange.written(iter([hub.Failure(error)]))


def coalesced(written: Iterator[bytes]) -> Iterator[bytes]:
    """What a writer gives, as few and large pieces: an empty one of the writer's (a Rest) lets the others go, because
    nothing may wait for what comes later. What was written before a fault comes before the fault."""
    held: list[bytes] = []
    try:
        for piece in written:
            if piece:
                held.append(piece)
            elif held:
                yield b"".join(held)
                held = []
    except Exception:
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


def _opened(pieces: Iterator[bytes]) -> Callable[[], Iterator[bytes]]:
    """Pulls the first piece now; gives the function that makes the whole again."""
    first = next(pieces, b"")

    def whole() -> Iterator[bytes]:
        if first:
            yield first
        yield from pieces

    return whole


def _untouched(exchange: Exchange, answer: Answer) -> Iterator[bytes]:
    """Lanes 0 and 1: the very bytes, whole frames at a time, keep-alives between frames. A stream that breaks off,
    or ends without its terminal event, is ended with an error event; a torn frame is not passed on."""
    held: list[bytes] = []  # the beginning of a frame, in the pieces that it came in
    size, tail, ended = 0, b"", False
    for piece in answer.pieces():
        if not piece:
            yield exchange.client.keep_alive
            continue
        cut = len(piece) if not size and piece.endswith(b"\n\n") else _last_boundary(tail + piece) - len(tail)
        if cut <= 0:
            held.append(piece)
            size += len(piece)
            tail = (tail + piece)[-3:]
            if size > sse.LINE_LIMIT:
                raise ProxyError("upstream", f"the upstream sent an event of more than {sse.LINE_LIMIT} bytes")
            continue
        whole = b"".join([*held, piece[:cut]]) if size else piece[:cut]
        held, size, tail = [piece[cut:]], len(piece) - cut, piece[cut:][-3:]
        ends = exchange.client.ends(whole)
        ended = ended or ends
        yield whole
        if ends and exchange.client.closes(whole):  # some upstreams keep the connection open after the last event
            yield from _terminator(chain(held, answer.rest()))
            return
    rest = b"".join(held)
    if rest and (ended or exchange.client.ends(rest)):  # the blank line after the last event is often forgotten
        yield rest
    elif not ended:
        raise ProxyError("upstream", "the upstream's answer ended before it was complete")


def _terminator(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The [DONE] that some send after the last event of an API that has none."""
    rest = b"".join(pieces)
    if b"data: [DONE]" in rest:
        yield rest


def _last_boundary(data: bytes) -> int:
    """Where the last whole frame ends; 0 where there is none."""
    if data.endswith(b"\n\n"):
        return len(data)
    return max((at + len(mark) for mark in BOUNDARIES if (at := data.rfind(mark)) >= 0), default=0)


def _after_headers(exchange: Exchange, answer: Answer) -> Iterator[bytes]:
    """A stream whose client was answered before the upstream: keep-alives until the upstream's headers come."""

    def events() -> Iterator[hub.Event]:
        for _ in answer.arrive():
            yield hub.PING
            yield hub.REST
        if answer.status >= 300:
            raise failures.error_of(exchange, answer)
        yield from _events(exchange, answer)

    yield from coalesced(exchange.written(stream.check(events())))
