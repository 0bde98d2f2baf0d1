"""POST /convert: what a conversion would give, and lose, without calling an upstream.

* kind=request: `from` is a client's format, `to` the upstream's
* kind=response: `from` is the upstream's format, `to` the client's
* kind=stream: the same; the body is the text of an event stream
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request

from convert import providers, sse
from convert.api import errors
from convert.api.context import context
from convert.api.dispatch import visitor
from convert.api.serving import body, content
from convert.errors import ProxyError, invalid
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.chat import FORMAT
from convert.formats.contract import Format

Json = dict[str, Any]
KINDS = ("request", "response", "stream")
blueprint = Blueprint("dry_run", __name__)
errors.register(blueprint, FORMAT)


@blueprint.post("/convert")
def convert(upstream: str | None) -> Json:
    """`body`, the converted body, and `losses`, a list of what it lacks."""
    visitor()
    source, target = _format("from"), _format("to")
    kind = _one_of("kind", KINDS, "request")
    if kind == "request":
        exchange = _exchange(source, target, body(source))
        converted: Any = exchange.request()
    else:
        exchange = _exchange(target, source, {})
        converted = _response(exchange) if kind == "response" else _stream(exchange)
    g.report = exchange.report
    if context().settings.strict or request.headers.get("Convert-Strict") == "1":
        exchange.report.refuse()
    return {"body": converted, "losses": exchange.report.as_json()}


def _response(exchange: Exchange) -> Json:
    try:
        answer = sse.parse(content())
        return answer if exchange.same else exchange.response(answer)
    except ProxyError as error:
        if error.kind != "upstream":
            raise
        raise invalid(
            "", error.message.replace("the upstream sent", "the body is")
        ) from None  # it is the client's here


def _stream(exchange: Exchange) -> str:
    text = content()
    converted = text if exchange.same else b"".join(exchange.written(exchange.events([text])))
    return converted.decode("utf-8", "replace")


def _exchange(client: Format, wire: Format, asked: Json) -> Exchange:
    """The exchange between the two formats, in the dialect of the provider that the query names."""
    model = request.args.get("model")
    name = request.args.get("provider", "plain")
    try:
        provider = providers.named(name)
    except KeyError:
        known = ", ".join(sorted(providers.load()))
        message = f"there is no provider '{name}'; there are: {known}"
        raise ProxyError("invalid_request", message, param="provider") from None
    dialect = provider.dialect(wire.name, model or asked.get("model") or "")
    return Exchange(client, wire, asked, wire.flavor(**dialect.flavor), model, dialect.patch)


def _format(name: str) -> Format:
    return FORMATS[_one_of(name, tuple(FORMATS), None)]


def _one_of(name: str, known: tuple[str, ...], default: str | None) -> str:
    """A word of the query. Raises ProxyError (invalid_request) with its name as `param`."""
    value = request.args.get(name, default)
    if value not in known:
        message = f"'{name}' in the query must be one of: {', '.join(known)}"
        raise ProxyError("invalid_request", message, param=name)
    return value
