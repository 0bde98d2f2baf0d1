"""From a client's request to its answer: checked, routed, converted, relayed.

Everything that can fail before the first byte raises ProxyError, which the error handlers answer in the client's
own shape; after the first byte a failure is an event of the client's stream (streams.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Response, current_app, g, request

from convert import sse
from convert.access import admit, credentials, upstream_key
from convert.admission import Admission
from convert.answer import Answer
from convert.api import bodies, failures, streams
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats.contract import Format
from convert.headers import returned
from convert.relay import Relay
from convert.routing import Route, Router
from convert.settings import Settings, Upstream
from convert.sockets import hung_up

log = logging.getLogger(__name__)


class State:
    """What the app holds for all requests: settings, router, relay, admission."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.router = Router(settings)
        self.relay = Relay(settings)
        self.admission = Admission(settings.concurrency, settings.lag_limit)


def state() -> State:
    """The state of the current app."""
    return cast(State, current_app.extensions["convert"])


def headers_of_client() -> Mapping[str, str]:
    """The current request's headers. Go through `keys()`: Werkzeug's own iterator gives pairs."""
    return cast(Mapping[str, str], request.headers)


def presented() -> list[str]:
    """The keys that the current request presents."""
    if "presented" not in g:
        g.presented = credentials(headers_of_client(), request.args)
    return cast(list[str], g.presented)


def route_to(upstream: Upstream) -> Route:
    """The route of the current request to an upstream. Raises ProxyError (authentication)."""
    key = upstream_key(state().settings, upstream, presented(), request.remote_addr, headers_of_client())
    g.upstream = upstream.name
    return Route(upstream, key)


def strict() -> bool:
    """Whether the current request is refused rather than converted with losses."""
    header = request.headers.get("Convert-Strict")
    return state().settings.strict if header is None else header.strip().lower() in ("1", "true", "yes")


def serve(client: Format, fields: dict[str, Any] | None = None) -> Response:
    """Answers the current request, in the client's format. `fields`: what the API has in its URL instead of the body.
    Raises ProxyError."""
    here = state()
    admit(here.settings, presented())
    g.leave = here.admission.enter()
    data = bodies.read_bytes(request, here.settings.body_limit)
    asked = {**bodies.parse(data), **(fields or {})}
    bodies.check(client, asked)
    model = g.model = asked["model"]
    upstream = g.get("prefixed") or here.router.choose(model, request.headers.get("Convert-Upstream"))
    route = route_to(upstream)
    exchange = prepare(client, route, asked)
    written = exchange.request()
    if strict():
        exchange.report.refuse()
    g.losses = len(exchange.report.losses)
    body = data if written is asked else sse.dumps(without(written, route.wire.in_url))
    headers = route.headers(client, headers_of_client(), exchange.streaming)
    url = route.url(str(written.get("model", model)), exchange.streaming)
    waits = bool(asked.get("stream"))  # whose client can be given signs of life
    answer = here.relay.post(url, body, headers, waits and exchange.streaming, hangup_of_client())
    try:
        return respond(exchange, answer, upstream)
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


def prepare(client: Format, route: Route, asked: dict[str, Any]) -> Exchange:
    """The exchange of a request over a route."""
    model = route.upstream.model or asked.get("model", "")
    dialect = route.dialect(model)
    flavor = route.wire.flavor(**dialect.flavor)
    return Exchange(client, route.wire, asked, flavor, model=route.upstream.model, patch=dialect.patch)


def hangup_of_client() -> Callable[[], bool]:
    """A function that tells whether the current client has hung up, by the socket that the server shows."""
    sock = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    return (lambda: hung_up(sock)) if sock is not None else (lambda: False)


def respond(exchange: Exchange, answer: Answer, upstream: Upstream) -> Response:
    """The Flask response for an upstream's answer. Raises ProxyError."""
    headers = {"Convert-Upstream": upstream.name}
    if lost := exchange.report.header():
        headers["Convert-Lost"] = lost
    if answer.status >= 300:
        return failed(exchange, answer, headers)
    wanted = bool(exchange.asked.get("stream"))
    if wanted:
        return streams.streamed(exchange, answer, headers)
    headers |= returned(answer.headers)
    try:
        if answer.streams:
            folded = exchange.folded(exchange.events(answer.pieces()))
            answer.finish()
            return plain(sse.dumps(folded), headers, exchange)
        data = answer.read()
        parsed = sse.parse(data)
        if exchange.untouched and "error" not in {key for key, value in parsed.items() if value}:
            return plain(data, headers, exchange)
        return plain(sse.dumps(exchange.response(parsed)), headers, exchange)
    finally:
        answer.close()


def plain(body: bytes, headers: dict[str, str], exchange: Exchange) -> Response:
    """A finished answer, with the losses of both directions."""
    if lost := exchange.report.header():
        headers["Convert-Lost"] = lost
    return Response(body, mimetype="application/json", headers=headers)


def failed(exchange: Exchange, answer: Answer, headers: dict[str, str]) -> Response:
    """An upstream's error: passed on as it is between equal formats, else raised for the client's shape."""
    g.headers = returned(answer.headers)
    data = failures.body_of(answer)
    answer.close()
    body = failures.parsed(data)
    if exchange.same and answer.status >= 400 and isinstance(body, dict) and isinstance(body.get("error"), dict):
        return Response(data, status=answer.status, mimetype="application/json", headers={**headers, **g.headers})
    raise failures.error_of(exchange, answer, data)
