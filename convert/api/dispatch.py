"""From a request to its upstream: who asks, which upstream, with whose key."""

from __future__ import annotations

from flask import Response, g, request

from convert.access import Visitor
from convert.api.context import context
from convert.api.serving import body, serve
from convert.formats.contract import Format
from convert.routing import HEADER, Upstream


def answer(client: Format, upstream: str | None) -> Response:
    """The answer to a request in the format `client`; `upstream` is the name that the path prefix stands for.

    Raises ProxyError: the client may not, its body is wrong, no upstream serves the model, or the upstream failed."""
    who = visitor()
    model = body(client).get("model") or ""
    g.model = model
    chosen = asked_for(upstream) or context().router.find(model)
    g.upstream = chosen.name
    return serve(client, context().router.route(chosen, who))


def visitor() -> Visitor:
    """Who asks. Raises ProxyError (authentication)."""
    return context().access.admit(request.headers, request.args, request.remote_addr)


def asked_for(upstream: str | None) -> Upstream | None:
    """The upstream that the path or the header names, if one does. Raises ProxyError for an unknown one."""
    name = upstream or request.headers.get(HEADER)
    return context().router.named(name) if name else None
