"""The proxy's own endpoints: health, a greeting, and the dry run of a conversion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from convert import providers, sse
from convert.access import admit
from convert.api import bodies
from convert.api.serving import presented, state, strict
from convert.errors import ProxyError, invalid
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.version import VERSION

blueprint = Blueprint("service", __name__)
ENDPOINTS = [
    "POST /v1/responses",
    "POST /v1/chat/completions",
    "POST /v1/messages",
    "POST /v1beta/models/{model}:generateContent",
    "POST /v1/conversations",
    "GET /v1/models",
    "POST /convert?from=&to=&kind=",
    "GET /health",
]


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """Whether the process answers."""
    return jsonify({"status": "ok", "version": VERSION})


@blueprint.get("/")
def greeting() -> ResponseReturnValue:
    """What this is."""
    return jsonify({"name": "convert", "version": VERSION, "endpoints": ENDPOINTS})


@blueprint.post("/convert")
def dry_run() -> ResponseReturnValue:
    """Converts the body and calls nobody: `from`, `to`, `kind` = request, response or stream; `provider` and
    `model` choose the dialect of the upstream's side. Gives `body` and `losses`."""
    admit(state().settings, presented())
    source, target = _format("from"), _format("to")
    kind = request.args.get("kind", "request")
    data = bodies.read_bytes(request, state().settings.body_limit)
    run: Callable[[Format, Format, bytes], tuple[Any, Exchange]] | None = {
        "request": _request, "response": _response, "stream": _stream
    }.get(kind)  # fmt: skip
    if run is None:
        raise ProxyError("invalid_request", "kind must be request, response or stream", param="kind")
    body, exchange = run(source, target, data)
    if strict():
        exchange.report.refuse()
    answer = sse.dumps({"body": body, "losses": exchange.report.as_json()})
    return Response(answer, mimetype="application/json")


def _format(parameter: str) -> Format:
    name = request.args.get(parameter, "")
    if name not in FORMATS:
        raise ProxyError("invalid_request", f"{parameter} must be one of {', '.join(FORMATS)}", param=parameter)
    return FORMATS[name]


def _exchange(client: Format, wire: Format, asked: dict[str, Any]) -> Exchange:
    name = request.args.get("provider", "plain")
    try:
        provider = providers.named(name)
    except KeyError as error:
        raise ProxyError("invalid_request", str(error.args[0]), param="provider") from None
    model = request.args.get("model")
    dialect = provider.dialect(wire.name, model or str(asked.get("model", "")))
    return Exchange(client, wire, asked, wire.flavor(**dialect.flavor), model=model, patch=dialect.patch)


def _request(source: Format, target: Format, data: bytes) -> tuple[Any, Exchange]:
    asked = bodies.parse(data)
    bodies.check(source, asked)
    exchange = _exchange(source, target, asked)
    return exchange.request(), exchange


def _response(source: Format, target: Format, data: bytes) -> tuple[Any, Exchange]:
    exchange = _exchange(target, source, {})
    answer = bodies.parse(data)
    try:
        return answer if exchange.same else exchange.response(answer), exchange
    except ProxyError as error:  # the answer is the client's here, and so is its fault
        raise invalid("", error.message.replace("the upstream sent", "the body is")) from error


def _stream(source: Format, target: Format, data: bytes) -> tuple[Any, Exchange]:
    exchange = _exchange(target, source, {"stream_options": {"include_usage": True}})
    written = data if exchange.same else b"".join(exchange.written(exchange.events([data])))
    return written.decode("utf-8", "replace"), exchange
