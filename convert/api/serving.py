"""From a client's request to its answer: checked, routed, converted, relayed.

Everything that can fail before the first byte raises ProxyError, which the error handlers answer in the client's
own shape; after the first byte a failure is an event of the client's stream (streams.py).
"""

from __future__ import annotations

import atexit
import dataclasses
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response

from convert import sse
from convert.access import admit, admit_to_stored, credentials, upstream_key
from convert.admission import Admission
from convert.answer import Answer, Hangup
from convert.api import bodies, current, failures, streams
from convert.api.closing import Closing
from convert.api.reply import Reply
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats.contract import Format
from convert.headers import Given, returned
from convert.losses import Report
from convert.relay import Relay
from convert.routing import Route, Router
from convert.settings import Settings, Upstream
from convert.sockets import hung_up
from convert.state import completion, summaries, truncation
from convert.state import turn as turns
from convert.state.completion import Completion
from convert.state.memory import Memory, tenant
from convert.state.places import Places
from convert.state.recorder import Recorder
from convert.state.turn import Turn
from convert.state.waiting import Waiting
from convert.tools import Names

if TYPE_CHECKING:
    from convert.background.queue import Queue

log = logging.getLogger(__name__)


class State:
    """What the app holds for all requests: settings, router, relay, admission."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.router = Router(settings)
        self.relay = Relay(settings)
        self.memory = Memory(settings)
        self.recorder = Recorder(self.memory)
        self.queue: Queue | None = None  # opened when it is first needed
        self.admission = Admission(settings.concurrency, settings.lag_limit)


def resume(app: Flask) -> None:
    """Goes on with background work that was queued before this process began, where there may be any; when the process
    ends, others go on with what it has begun."""
    here = cast(State, app.extensions["convert"])
    os.register_at_fork(after_in_child=lambda: _renew(app, here))
    atexit.register(lambda: app.extensions["convert"].recorder.leave())
    if here.settings.background_threads and here.memory.exists():
        from convert.api import later

        later.resume(app)


def _renew(app: Flask, inherited: State) -> None:
    """A process that was forked from one with the app (`gunicorn --preload`) is one of its own: it has no threads yet,
    another name, and connections of its own. What it inherited is kept as it is: to end it would disturb the other."""
    if app.extensions["convert"] is inherited:
        app.extensions["convert"] = State(inherited.settings)
        resume(app)


def state() -> State:
    """The state of the current app."""
    here: State = current.app().extensions["convert"]
    return here


def headers_of_client() -> Mapping[str, str]:
    """The current request's headers."""
    held = current.held()
    if "given" not in held:
        held["given"] = Given.in_environment(current.asked().environ)
    given: Given = held["given"]
    return given


def presented() -> list[str]:
    """The keys that the current request presents."""
    held = current.held()
    if "presented" not in held:
        asked = current.asked()
        held["presented"] = credentials(headers_of_client(), asked.args if asked.query_string else {})
    keys: list[str] = held["presented"]
    return keys


def let_in() -> None:
    """Lets the current request in to what is stored here. Raises ProxyError (authentication)."""
    admit_to_stored(state().settings, presented(), current.asked().remote_addr, headers_of_client())


def route_to(upstream: Upstream) -> Route:
    """The route of the current request to an upstream. Raises ProxyError (authentication)."""
    key = upstream_key(state().settings, upstream, presented(), current.asked().remote_addr, headers_of_client())
    current.held()["upstream"] = upstream.name
    return Route(upstream, key)


def strict() -> bool:
    """Whether the current request is refused rather than converted with losses."""
    header = headers_of_client().get("Convert-Strict")
    return state().settings.strict if header is None else header.strip().lower() in ("1", "true", "yes")


def serve(client: Format, fields: dict[str, Any] | None = None) -> Response:
    """Answers the current request, in the client's format. `fields`: what the API has in its URL instead of the body.
    Raises ProxyError."""
    here = state()
    admit(here.settings, presented())
    current.held()["leave"] = here.admission.enter()
    data = bodies.read_bytes(current.asked(), here.settings.body_limit)
    asked = {**bodies.parse(data), **(fields or {})}
    return answered(plan(client, asked), hangup_of_client(), data)


@dataclass(slots=True)
class Plan:
    """A request that is checked and routed, with its state read.

    given   the client's body
    places  what of the converted input is history
    """

    given: dict[str, Any]
    exchange: Exchange
    route: Route
    turn: Turn | Completion | None
    places: Places = field(default_factory=Places)

    @property
    def kept(self) -> bool:
        """Whether its answer will be stored, here or by the upstream."""
        if self.turn is not None:
            return self.turn.kept
        asked = self.exchange.asked
        model = str(asked.get("model", ""))
        return asked.get("store") is not False and holds_state(self.exchange.client, self.route, model)


def plan(client: Format, asked: dict[str, Any], before: int = 0) -> Plan:
    """Checks a request and chooses its route. `before`: how many items of its input are not the client's own, but
    what it continues. Raises ProxyError."""
    bodies.check(client, asked)
    held = current.held()
    model = held["model"] = asked["model"]
    upstream = held.get("prefixed") or state().router.choose(model, headers_of_client().get("Convert-Upstream"))
    route = route_to(upstream)
    turn = turn_of(client, route, asked)
    places = turn.places if isinstance(turn, Turn) else Places()
    places = dataclasses.replace(places, count=places.count + before) if before else places
    with places:
        return Plan(asked, prepare(client, route, asked, turn), route, turn, places)


def converted(planned: Plan) -> dict[str, Any]:
    """The body for the upstream. Raises ProxyError, for what is lost too where nothing may be."""
    exchange = planned.exchange
    with planned.places:
        written = exchange.request()
    planned.places.losses(exchange.report)
    if strict():
        exchange.report.refuse()
    current.held()["losses"] = len(exchange.report.losses)
    return written


def answered(planned: Plan, gone: Hangup, data: bytes | None = None) -> Response:
    """The answer to a request; `data`: the bytes that it came in, for an upstream that may get the same. One that may
    be truncated is made again with fewer items while the upstream says that it is too long. Raises ProxyError."""
    for shorter in shortened(planned.exchange):
        try:
            return _answered(planned, gone, data)
        except ProxyError as error:
            if error.kind != "context_length":
                raise
        planned = dataclasses.replace(planned, exchange=shorter)
    return _answered(planned, gone, data)


def shortened(exchange: Exchange) -> Iterator[Exchange]:
    """A request with `truncation: auto`, for an upstream that does not know it, with fewer and fewer items."""
    every = exchange.asked.get("input")
    if exchange.same or exchange.repeated.get("truncation") != "auto" or not isinstance(every, list):
        return
    for items in truncation.shorter(every):
        asked = {**exchange.asked, "input": items}
        again = dataclasses.replace(exchange, asked=asked, echo=exchange.repeated, report=Report(), names=Names())
        again.report.dropped("input", f"truncation left out {len(every) - len(items)} of {len(every)} items")
        yield again


def _answered(planned: Plan, gone: Hangup, data: bytes | None) -> Response:
    exchange, route = planned.exchange, planned.route
    written = converted(planned)
    if isinstance(planned.turn, Turn) and planned.turn.background:
        from convert.api.later import accept  # huey is not needed by those who wait for their answers

        return accept(planned, planned.turn, written)
    unchanged = data if written is planned.given else None
    body = sse.dumps(without(written, route.wire.in_url)) if unchanged is None else unchanged
    headers = route.headers(exchange.client, headers_of_client(), exchange.streaming)
    url = route.url(str(written.get("model", planned.given["model"])), exchange.streaming)
    waits = bool(exchange.asked.get("stream"))  # whose client can be given signs of life
    answer = state().relay.post(url, body, headers, waits and exchange.streaming, gone)
    if (again := failures.without_refused(answer, route.wire, headers)) is not None:
        answer.close()
        answer = state().relay.post(url, body, again, waits and exchange.streaming, gone)
    try:
        return respond(exchange, answer, route.upstream, planned.turn)
    except ProxyError as error:
        answer.close()
        error.message = failures.masked(answer, error.message.encode("utf-8", "replace")).decode()
        raise
    except BaseException:
        answer.close()
        raise


def without(body: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """A body less the fields that its API has in the URL."""
    return {key: value for key, value in body.items() if key not in fields} if fields else body


def prepare(client: Format, route: Route, asked: dict[str, Any], turn: Turn | Completion | None = None) -> Exchange:
    """The exchange of a request over a route; `turn`: with the history that it leans on."""
    model = route.upstream.model or asked.get("model", "")
    dialect = route.dialect(model)
    flavor = route.wire.flavor(**dialect.flavor)
    exchange = Exchange(client, route.wire, asked, flavor, model=route.upstream.model, patch=dialect.patch)
    if turn is not None:
        exchange.asked, exchange.echo = turn.expanded, turn.echo
        exchange.identity, exchange.created = turn.id, int(turn.created)
    elif client.name == "responses" and asked.get("store") and not holds_state(client, route, str(model)):
        exchange.echo = {**asked, "store": False}  # the client asks for it in vain
    if client.name == "responses":
        exchange.asked = opened(exchange.asked, foreign=exchange.same)
        if not exchange.same and exchange.asked.get("truncation") == "auto":  # see `shortened`
            exchange.echo = exchange.repeated
            exchange.asked = without(exchange.asked, frozenset({"truncation"}))
    if exchange.slotless and state().memory.usable():
        waiting = Waiting(state().memory, tenant(state().settings, presented()))
        exchange.keep, exchange.recall = waiting.keep, waiting.recall
    return exchange


def opened(asked: dict[str, Any], foreign: bool) -> dict[str, Any]:
    """A request to the Responses API with the compacted parts of its input in the clear, see `summaries.opened`.
    Raises ProxyError."""
    here = state()
    return summaries.opened(here.memory, lambda: tenant(here.settings, presented()), asked, foreign)


def turn_of(client: Format, route: Route, asked: dict[str, Any]) -> Turn | Completion | None:
    """What of a request is held here, in the OpenAI APIs; None where there is nothing, or where the upstream holds it
    itself. Raises ProxyError."""
    here = state()
    if not here.memory.enabled or holds_state(client, route, str(asked.get("model", ""))):
        return None
    owner = tenant(here.settings, presented())
    if client.name == "responses":
        return turns.take(here.memory, here.recorder, owner, client, asked)
    return completion.take(here.memory, owner, client, asked) if client.name == "chat" else None


def holds_state(client: Format, route: Route, model: str) -> bool:
    """Whether an upstream speaks the client's API and remembers its own answers."""
    if route.wire.name != client.name:
        return False
    dialect = route.dialect(route.upstream.model or model)
    return bool(getattr(route.wire.flavor(**dialect.flavor), "state", False))


def hangup_of_client() -> Callable[[], bool]:
    """A function that tells whether the current client has hung up, by the socket that the server shows."""
    environ = current.asked().environ
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    return (lambda: hung_up(sock)) if sock is not None else (lambda: False)


def respond(exchange: Exchange, answer: Answer, upstream: Upstream, turn: Turn | Completion | None = None) -> Response:
    """The Flask response for an upstream's answer. Raises ProxyError."""
    headers = {"Convert-Upstream": upstream.name}
    if lost := exchange.report.header():
        headers["Convert-Lost"] = lost
    if answer.status >= 300:
        return failed(exchange, answer, headers)
    wanted = bool(exchange.asked.get("stream"))
    if wanted:
        return followed(streams.streamed(exchange, answer, headers), turn)
    headers |= returned(answer.headers)
    try:
        if answer.streams:
            folded = exchange.folded(exchange.events(answer.pieces()))
            answer.finish()
            return finished(folded, headers, exchange, turn)
        data = answer.read()
        parsed = sse.parse(data)
        if exchange.untouched and "error" not in {key for key, value in parsed.items() if value}:
            return plain(data, headers, exchange)
        return finished(exchange.response(parsed), headers, exchange, turn)
    finally:
        answer.close()


def finished(
    body: dict[str, Any], headers: dict[str, str], exchange: Exchange, turn: Turn | Completion | None
) -> Response:
    """A finished answer, once it is stored."""
    if turn is not None:
        turn.finish(body)
    return plain(sse.dumps(body), headers, exchange)


def followed(response: Response, turn: Turn | Completion | None) -> Response:
    """A streamed answer that is stored as it passes."""
    if turn is not None and turn.kept:
        turn.begin()
        passing = turn.recorded(iter(cast(Iterable[bytes], response.response)))
        response.response = Closing(passing, turn.abandon, *_closing(response.response))
    return response


def _closing(body: object) -> list[Callable[[], None]]:
    """What closes a body that may never be iterated."""
    close = getattr(body, "close", None)
    return [close] if close else []


def plain(body: bytes, headers: dict[str, str], exchange: Exchange) -> Response:
    """A finished answer, with the losses of both directions."""
    if lost := exchange.report.header():
        headers["Convert-Lost"] = lost
    return Reply(body, mimetype="application/json", headers=headers)


def failed(exchange: Exchange, answer: Answer, headers: dict[str, str]) -> Response:
    """An upstream's error: passed on as it is between equal formats, else raised for the client's shape."""
    passed = current.held()["headers"] = returned(answer.headers)
    data = failures.body_of(answer)
    answer.close()
    error = failures.error_of(exchange, answer)
    if exchange.same and answer.status >= 400 and failures.is_own(exchange.client, failures.parsed(data), error):
        return Reply(data, status=answer.status, mimetype="application/json", headers={**headers, **passed})
    raise error
