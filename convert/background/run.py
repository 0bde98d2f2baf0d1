"""Makes a background response: outside of any request, in the web process or in a worker."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from convert import hub, sse
from convert.api import failures, streams
from convert.api.serving import shortened, without
from convert.background.work import Work, opened
from convert.connections import Gone
from convert.errors import ProxyError, without_traceback
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.losses import Report
from convert.state.history import History
from convert.state.recorder import INTERRUPTED
from convert.state.turn import Turn

if TYPE_CHECKING:
    from convert.api.serving import State
    from convert.store.responses import Row

log = logging.getLogger(__name__)
Json = dict[str, Any]
CLIENT = FORMATS["responses"]
OPENING = 2  # the events that are stored when it is queued: response.created, response.queued


def opening(turn: Turn) -> bytes:
    """The first events of a response's stream, which are there before it is made."""
    start = hub.Start(turn.id, str(turn.asked.get("model", "")), int(turn.created))
    frames = CLIENT.write_stream(iter([start]), turn.echo, Report())
    return b"".join(frame for frame, _ in zip(frames, range(OPENING)))


def make(here: State, tenant: str, response: str) -> None:
    """Makes a queued response and stores how it ended; nothing, when it is not queued any more. An upstream's failure
    is stored as the response's. Raises ProxyError (overloaded) when the database cannot be used; what was begun then
    is found by those who look for orphans."""
    from convert.store import responses

    here.recorder.start()  # before it is claimed: a process that nobody knows counts as dead
    row = here.memory.run(lambda connection: responses.claim(connection, tenant, response, here.memory.process))
    if row is None:
        return
    turn = turn_of(here, row)
    here.recorder.join(turn)
    try:
        work = opened(here.memory, row.work or b"")
        turn.asked, turn.expanded = work.asked, work.expanded
        if row.attempts > 1:
            again(here, turn)
        for _ in turn.recorded(rest(produced(here, turn, work))):
            pass
        turn.abandon()  # nothing, unless it was cancelled
    except ProxyError as error:
        end(turn, error)
    except Exception:
        log.exception("background response %s", response)
        end(turn, ProxyError("internal", "The proxy failed in the middle of this response; its log says why."))


def end(turn: Turn, error: ProxyError) -> None:
    """Stores that a response has failed. Raises ProxyError (overloaded)."""
    log.warning("background response %s: %s", turn.id, without_traceback(error).message)
    told = {"code": "server_error", "message": error.message}
    try:
        turn.finish({**turn.shell(), "status": "failed", "error": told})
    except ProxyError as late:
        if late.kind != "internal":  # it was cancelled or deleted in the meantime
            raise


def again(here: State, turn: Turn) -> None:
    """Prepares another attempt. Raises ProxyError where a client may have seen events of the one before: those of
    another answer must not follow them."""
    from convert.store import responses

    def prepare(connection: Any) -> bool:
        seen = responses.grown(connection, turn.tenant, turn.id, OPENING)
        if not (seen and turn.asked.get("stream")):
            responses.clear(connection, turn.tenant, turn.id, OPENING)
        return seen

    if here.memory.run(prepare) and turn.asked.get("stream"):
        raise ProxyError("internal", INTERRUPTED)


def turn_of(here: State, row: Row) -> Turn:
    """The turn of a row that was claimed. That it repeats what was asked, is true of the response object too."""
    before = History(thread=row.thread, previous=row.previous, conversation=row.conversation)
    return Turn(
        memory=here.memory, recorder=here.recorder, tenant=row.tenant, client=CLIENT, id=row.id,
        asked=sse.loads(row.body), expanded={}, new=sse.loads(row.input), kept=True, before=before, created=row.created,
        attempts=row.attempts, count=OPENING,
    )  # fmt: skip


def rest(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A stream without the events that open it."""
    left = OPENING
    for chunk in chunks:
        while left and chunk:
            chunk = chunk[chunk.index(b"\n\n") + 2 :]
            left -= 1
        if chunk:
            yield chunk


def produced(here: State, turn: Turn, work: Work) -> Iterator[bytes]:
    """The stream of the response; the upstream's failure is its last event. Ends early when it was cancelled. Raises
    ProxyError before the first event."""
    exchange = exchange_of(here, turn, work)
    try:
        yield from called(here, exchange, turn, work)
    except Gone:
        return
    except ProxyError as error:
        yield b"".join(exchange.written(iter([hub.Failure(error)])))


def called(here: State, exchange: Exchange, turn: Turn, work: Work) -> Iterator[bytes]:
    """The stream of the upstream's answer, to fewer items where it says that they are too many and the client lets
    them be left out. Raises ProxyError and Gone."""
    fault: ProxyError | None = None
    for each in chain([exchange], shortened(exchange)):
        body = each.request()
        data = sse.dumps(without(body, each.wire.in_url))
        answer = here.relay.post(work.url, data, work.headers, True, lambda: turn.cancelled)
        try:
            if answer.status >= 300:
                raise failures.error_of(each, answer)
            return iter(streams.streamed(each, answer, {}).response)  # type: ignore[arg-type]
        except ProxyError as error:
            answer.close()
            error.message = failures.masked(answer, error.message.encode("utf-8", "replace")).decode()
            if error.kind != "context_length":
                raise
            fault = error
    raise fault or ProxyError("internal", "nothing was asked")


def exchange_of(here: State, turn: Turn, work: Work) -> Exchange:
    """The exchange of a response with its upstream, which is asked for a stream. Raises ProxyError for an upstream
    that is no longer configured."""
    upstream = here.router.named(work.upstream)
    wire = FORMATS[upstream.format]
    dialect = upstream.provider.dialect(upstream.format, upstream.model or str(work.asked.get("model", "")))
    expanded = {**work.expanded, "stream": True}
    exchange = Exchange(
        CLIENT, wire, expanded, wire.flavor(**dialect.flavor), model=upstream.model, patch=dialect.patch
    )
    exchange.echo, exchange.identity, exchange.created = turn.echo, turn.id, int(turn.created)
    return exchange
