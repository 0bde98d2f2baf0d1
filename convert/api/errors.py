"""Error handlers: every fault leaves in the shape of the API that was called, never as a traceback."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from convert import sse
from convert.connections import Gone
from convert.errors import ProxyError, kind_of
from convert.formats import FORMATS
from convert.formats.contract import Format

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Installs the handlers."""
    app.register_error_handler(ProxyError, on_proxy_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Gone, on_gone)
    app.register_error_handler(Exception, on_bug)


def client_format() -> Format:
    """The format of the API that the current request called; OpenAI's Chat where it called none."""
    form = g.get("format")
    return form if isinstance(form, Format) else FORMATS["chat"]


def on_proxy_error(error: ProxyError) -> Response:
    """A fault that is known: the client's, the upstream's, the settings'."""
    headers = dict(g.get("headers", {}))
    if error.retry_after:
        headers = {name: value for name, value in headers.items() if name.lower() != "retry-after"}
        headers["Retry-After"] = error.retry_after
    if g.get("upstream"):
        headers["Convert-Upstream"] = g.upstream
    if error.status >= 500:
        log.warning("%s: %s", error.kind, error.message)
    body = sse.dumps(client_format().write_error(error))
    return Response(body, status=error.status, mimetype="application/json", headers=headers)


def on_http_error(error: HTTPException) -> Response:
    """What Flask itself refuses: an unknown path, a method that a path does not have."""
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=list(error.get_headers()))
    if status == 404:
        message = f"There is no {request.method} {request.path} here."
    elif status == 405:
        message = f"{request.path} does not take {request.method}."
    else:
        message = error.description or error.name
    response = on_proxy_error(ProxyError(kind_of(status), message, status=status, code="not_found" if status == 404 else None))
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def on_gone(error: Gone) -> Response:
    """The client has hung up: nobody reads this answer."""
    return Response(status=499)


def on_bug(error: Exception) -> Response:
    """A fault of ours: the log has the traceback, the client only learns that it was."""
    log.exception("unexpected error in %s %s", request.method, request.path)
    return on_proxy_error(ProxyError("internal", "the proxy failed on this request; its log says why"))
