"""Makes a background response: outside of any request, in the web process or in a worker."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from convert import hub, sse
from convert.api import failures, streams
from convert.background.work import Work, opened
from convert.connections import Gone
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.state.history import History
from convert.state.turn import Turn

if TYPE_CHECKING:
    from flask import Flask

    from convert.store.responses import Row

log = logging.getLogger(__name__)
Json = dict[str, Any]
CLIENT = FORMATS["responses"]


def make(app: Flask, tenant: str, response: str) -> None:
    """Makes a queued response and stores how it ended; nothing, when it is not queued any more. An upstream's failure
    is stored as the response's; the database's is left to those who look for orphans."""
    from convert.store import responses

    here = app.extensions["convert"]
    row = here.memory.run(lambda connection: responses.claim(connection, tenant, response, here.memory.process))
    if row is None:
        return
    turn: Turn | None = None
    try:
        work = opened(here.memory, row.work or b"")
        turn = turn_of(here, row, work)
        here.recorder.join(turn)
        if row.attempts > 1:
            again(here, turn)
        for _ in turn.recorded(produced(app, turn, work)):
            pass
    except ProxyError as error:
        log.warning("background response %s: %s", response, error.message)
        turn = turn or turn_of(here, row, Work("", "", {}, {}, {}))
        turn.finish({**turn.shell(), "status": "failed", "error": {"code": "server_error", "message": error.message}})
    finally:
        if turn is not None:
            turn.abandon()


def again(here: Any, turn: Turn) -> None:
    """Prepares another attempt. Raises ProxyError where a client may have seen events of the first one: those of
    another answer must not follow them."""
    from convert.store import responses

    if turn.asked.get("stream"):
        raise ProxyError("internal", "The process that worked on this response was stopped.")
    here.memory.run(lambda connection: responses.clear(connection, turn.tenant, turn.id))


def turn_of(here: Any, row: Row, work: Work) -> Turn:
    """The turn of a row that was claimed."""
    before = History(thread=row.thread, previous=row.previous, conversation=row.conversation)
    return Turn(
        memory=here.memory, recorder=here.recorder, tenant=row.tenant, client=CLIENT, id=row.id, asked=work.asked,
        expanded=work.expanded, new=sse.loads(row.input), kept=True, before=before, created=row.created,
        attempts=row.attempts,
    )  # fmt: skip


def produced(app: Flask, turn: Turn, work: Work) -> Iterator[bytes]:
    """The stream of the response; the upstream's failure is its last event. Ends early when it was cancelled. Raises
    ProxyError before the first event."""
    here = app.extensions["convert"]
    exchange = exchange_of(here, turn, work)
    body = exchange.request()
    data = sse.dumps({key: value for key, value in body.items() if key not in exchange.wire.in_url})
    try:
        answer = here.relay.post(work.url, data, work.headers, True, lambda: turn.cancelled)
        if answer.status >= 300:
            raise failures.error_of(exchange, answer, failures.body_of(answer))
        yield from streams.streamed(exchange, answer, {}).response  # type: ignore[misc]
    except Gone:
        return
    except ProxyError as error:
        yield b"".join(exchange.written(iter([hub.Failure(error)])))


def exchange_of(here: Any, turn: Turn, work: Work) -> Exchange:
    """The exchange of a response with its upstream, which is asked for a stream. Raises ProxyError for an upstream
    that is no longer configured."""
    upstream = here.router.named(work.upstream)
    wire = FORMATS[upstream.format]
    dialect = upstream.provider.dialect(upstream.format, upstream.model or str(work.asked.get("model", "")))
    expanded = {**work.expanded, "stream": True}
    exchange = Exchange(
        CLIENT, wire, expanded, wire.flavor(**dialect.flavor), model=upstream.model, patch=dialect.patch
    )
    exchange.echo, exchange.identity = turn.echo, turn.id
    return exchange
