"""The Responses API over a WebSocket: each `response.create` message is answered as a streamed POST would be, one event
a message, one response after the other.

What the connection's responses were is remembered for the connection (state/recent.py), so that `previous_response_id`
works with `store: false` too, on any upstream: the upstream is asked with the whole input.

Source: OpenAI guide "WebSocket mode"; OpenAPI schema ResponsesClientEvent; for the shape of errors, the openai SDK's
ResponsesServerEvent. That Codex takes an error for the HTTP error of its `status`, that its idle timer is reset by
events only, and that it may send `response.processed`, which nobody answers: its source, responses_websocket.rs.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from flask import Response, g, request

from convert import frames, hub, sse
from convert.access import admit, check_lent
from convert.api import bodies, failures, journal
from convert.api.serving import Plan, answered, headers_of_client, plan, presented, state
from convert.connections import Gone
from convert.errors import ProxyError, invalid, without_traceback
from convert.formats.contract import Format
from convert.losses import Report
from convert.state import ids
from convert.state.recent import Recent

Json = dict[str, Any]
log = logging.getLogger(__name__)
LIFETIME = 3600.0  # seconds, as at OpenAI: a key that was withdrawn is of no use for longer
ENVELOPE = ("type", "stream_id", "generate", "background")  # what is no field of the request that is made of a message
_NOTED = re.compile(rb'"type"\s*:\s*"response\.(?:output_item\.done|completed|incomplete)"')


class Switched(Response):
    """The end of a request whose socket has spoken another protocol: the server must write nothing to it."""

    def __call__(self, environ: Any, start_response: Any) -> NoReturn:
        """Raises what a server takes for a connection that is done: gunicorn's workers StopIteration, Werkzeug's the
        error of a connection that broke."""
        self.close()
        raise StopIteration if "gunicorn.socket" in environ else ConnectionAbortedError


def talk(client: Format) -> Response:
    """Upgrades the current request, and answers its messages until it closes. Raises ProxyError before the upgrade."""
    settings = state().settings
    admit(settings, presented())
    if "Origin" in request.headers:  # a web page may open sockets to wherever it likes
        check_lent(settings, request.remote_addr, headers_of_client())
    connection = frames.accept(request.environ, settings.body_limit)
    with contextlib.suppress(Gone):
        _Talk(client, connection).run(settings.idle_timeout, settings.keep_alive)
    return Switched(status=101)


class _Talk:
    """What is said over one connection."""

    def __init__(self, client: Format, connection: frames.Connection) -> None:
        self.client = client
        self.connection = connection
        self.recent = Recent(connection.limit)
        self.until = time.monotonic() + LIFETIME

    def run(self, idle: float, ping: float) -> None:
        """Answers messages until the connection ends: by its client, by silence, by age, by too much at once."""
        while True:
            try:
                message = self.connection.receive(idle, ping)
                if message is not None and time.monotonic() > self.until:
                    raise _expired()
            except ProxyError as error:
                self.connection.send(event_of(self.client, error))
                if self.connection.full or time.monotonic() > self.until:
                    return self.connection.close(frames.TOO_BIG if error.kind == "too_large" else frames.POLICY)
                continue
            if message is None:
                return None
            self.reply(message)

    def reply(self, message: bytes) -> None:
        """Answers one message, if only with an error. Raises Gone."""
        began, status, lane = time.monotonic(), 200, None
        g.upstream, g.model, g.losses, g.headers = "-", "-", 0, {}
        try:
            asked = bodies.parse(message)
            lane = _lane(asked)
            with contextlib.closing(self.answers(asked)) as answers:
                for texts in answers:
                    self.connection.send(*(labelled(text, lane) for text in texts))
        except ProxyError as error:
            status = without_traceback(error).status
            if status >= 500:
                log.warning("%s: %s", error.kind, error.message)
            self.connection.send(labelled(event_of(self.client, error), lane))
        except Gone:
            status = 499
            raise
        except Exception:
            log.exception("unexpected error in a message of %s", request.path)
            status = 500
            bug = ProxyError("internal", "the proxy failed on this message; its log says why")
            self.connection.send(labelled(event_of(self.client, bug), lane))
        finally:
            journal.entry("WS", status, began)()

    def answers(self, asked: Json) -> Generator[list[bytes], None, None]:
        """The messages that answer one of the client's, as many at once as there are. Raises ProxyError, Gone."""
        if asked.get("type") == "response.processed":
            return
        create = request_of(asked)
        whole, before = self.recent.whole(create)
        planned = plan(self.client, whole, before)
        exchange = planned.exchange
        if not exchange.same:  # ids of servers of other APIs are not always different
            exchange.identity = exchange.identity or ids.new("resp")
        exchange.echo = {**exchange.repeated, "previous_response_id": create.get("previous_response_id")}
        warms = asked.get("generate") is False
        made = Made()
        yield from made.events(self.warm_up(planned) if warms else self.chunks(planned))
        if made.identity and (warms or not planned.kept):
            self.recent.remember(made.identity, exchange.asked, made.items(exchange.untouched))

    def chunks(self, planned: Plan) -> Iterator[bytes]:
        """The bytes of the streamed answer. Raises ProxyError, Gone."""
        response = answered(planned, self.connection.gone)
        with contextlib.closing(response):
            if response.status_code >= 300:  # an upstream's own error, passed on
                raise planned.places.error(passed_on(self.client, response))
            if "Convert-Lost" in request.headers and (lost := response.headers.get("Convert-Lost")):
                yield sse.event({"type": "convert.lost", "losses": lost})
            yield from cast(Iterable[bytes], response.response)

    def warm_up(self, planned: Plan) -> Iterator[bytes]:
        """The stream of a response for which the upstream is not asked: it has no output, and can be continued."""
        start = hub.Start(ids.new("resp"), str(planned.exchange.asked.get("model", "")), int(time.time()))
        told = {**planned.exchange.repeated, "store": False}
        return self.client.write_stream(iter([start, hub.End()]), told, Report())


@dataclass(slots=True)
class Made:
    """What a response was, by its events; without an identity until it is finished."""

    identity: str = ""
    output: list[Json] = field(default_factory=list)

    def events(self, chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
        """The data of the events in each chunk of a stream, which holds whole ones. Raises ProxyError, Gone."""
        for chunk in chunks:
            texts = [data for _, data in sse.split(chunk.removesuffix(b"\n\n")) if data.startswith(b"{")]
            for text in texts:
                if _NOTED.search(text):
                    self.note(sse.parse(text))
            yield texts

    def note(self, event: Json) -> None:
        """Takes the item or the response out of an event."""
        if event.get("type") == "response.output_item.done":
            self.output.append(event["item"])
        elif event.get("type") in ("response.completed", "response.incomplete"):
            self.identity = str(event["response"].get("id") or "")
            self.output = event["response"].get("output") or self.output

    def items(self, foreign: bool) -> list[Json]:
        """The output as it can be sent again. `foreign`: to an upstream that made it; there, reasoning that is neither
        stored nor encrypted does not exist any more."""
        if not foreign:
            return self.output
        return [item for item in self.output if item.get("type") != "reasoning" or item.get("encrypted_content")]


def request_of(asked: Json) -> Json:
    """The request that a message makes. Raises ProxyError for any other message."""
    if asked.get("type") != "response.create":
        raise invalid("type", "must be response.create, with the fields of a request beside it")
    if asked.get("background"):
        raise ProxyError("unsupported", "background is not supported over WebSocket; use POST", param="background")
    if not isinstance(asked.get("generate", True), bool):
        raise invalid("generate", "must be a boolean")
    return {**{key: value for key, value in asked.items() if key not in ENVELOPE}, "stream": True}


def _lane(asked: Json) -> str | None:
    """The client's name for the stream that the answer belongs to. Raises ProxyError."""
    lane = asked.get("stream_id")
    if lane is not None and not isinstance(lane, str):
        raise invalid("stream_id", "must be a string")
    return lane


def labelled(text: bytes, lane: str | None) -> bytes:
    """An event with the name of its stream, where the client gave it one."""
    return text if lane is None else b'{"stream_id":%b,%b' % (sse.dumps(lane), text[1:])


def event_of(client: Format, error: ProxyError) -> bytes:
    """The event of a message that could not be answered."""
    told = client.write_error(error)["error"]
    event = {"type": "error", "status": client.statuses.get(error.kind, error.status), "error": told}
    if error.retry_after:
        event["headers"] = {"retry-after": error.retry_after}
    return sse.dumps(event)


def passed_on(client: Format, response: Response) -> ProxyError:
    """An upstream's error that an HTTP client would be given as it is."""
    error = client.read_error(response.status_code, failures.parsed(response.get_data()))
    error.retry_after = error.retry_after or response.headers.get("Retry-After")
    return error


def _expired() -> ProxyError:
    """OpenAI's words, by which clients know that they may connect again."""
    limit = "Responses websocket connection limit reached"
    message = f"{limit} ({LIFETIME / 60:.0f} minutes). Create a new websocket connection to continue."
    return ProxyError("invalid_request", message, code="websocket_connection_limit_reached")
