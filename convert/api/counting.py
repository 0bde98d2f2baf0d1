"""Counting the tokens of a request: by the upstream where its format has a counter, else by estimate."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import Response, g, request

from convert import sse, tokens
from convert.access import admit
from convert.api import bodies, failures
from convert.api.serving import (
    hangup_of_client,
    headers_of_client,
    prepare,
    presented,
    route_to,
    state,
    turn_of,
    without,
)
from convert.errors import ProxyError
from convert.exchange import Exchange, read
from convert.formats.contract import Format
from convert.hub import Request
from convert.routing import Route
from convert.state.turn import Turn

MISSING = (404, 405, 501)  # what an upstream answers that has no counter


def count(client: Format, fields: dict[str, Any] | None = None) -> Response:
    """The answer to a request for a count, in the client's format; `fields` as for `serve`. An estimate is marked with
    the header Convert-Estimate. Raises ProxyError."""
    here = state()
    admit(here.settings, presented())
    body = client.counted(bodies.parse(bodies.read_bytes(request, here.settings.body_limit)))
    asked = {**body, **(fields or {})}
    model = g.model = str(asked.get("model") or "")
    upstream = g.get("prefixed") or here.router.choose(model, request.headers.get("Convert-Upstream"))
    route = route_to(upstream)
    turn = turn_of(client, route, {**asked, "store": False})
    with turn.places if isinstance(turn, Turn) else contextlib.nullcontext():
        exchange = prepare(client, route, asked, turn)
        written = exchange.request()
    headers = {"Convert-Upstream": upstream.name}
    number = _by_upstream(route, exchange, written)
    if number is None:
        number = tokens.of_request(_countable(client, exchange.asked))
        headers["Convert-Estimate"] = "tokens"
    return Response(sse.dumps(client.write_count(number)), mimetype="application/json", headers=headers)


def _countable(client: Format, asked: dict[str, Any]) -> Request:
    """The request whose tokens are estimated. Raises ProxyError where a part of it is not known here."""
    request = read(client, asked)
    if request.state.recalls:
        message = "The upstream holds the earlier part of this conversation, and does not count tokens."
        raise ProxyError("unsupported", message, param="previous_response_id" if request.state.previous else None)
    return request


def _by_upstream(route: Route, exchange: Exchange, written: dict[str, Any]) -> int | None:
    """The upstream's count; None where it has no counter. Raises ProxyError for its other errors."""
    counter = route.wire.counter
    if counter is None or route.upstream.echo:
        return None
    model = str(written.get("model", ""))
    body = counter.body(without(written, route.wire.in_url), model)
    headers = route.headers(exchange.client, headers_of_client(), stream=False)
    answer = state().relay.post(route.at(counter.path(model)), sse.dumps(body), headers, False, hangup_of_client())
    try:
        if answer.status in MISSING:
            return None
        if answer.status >= 300:
            raise failures.error_of(exchange, answer)
        return int(sse.parse(answer.read())[counter.member])
    except (KeyError, TypeError, ValueError) as error:
        raise ProxyError("upstream", "the upstream sent a count of an unexpected shape") from error
    finally:
        answer.close()
