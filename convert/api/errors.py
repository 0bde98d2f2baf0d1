"""Error handlers: every fault leaves in the shape of the API that was called, never as a traceback."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from convert import sse
from convert.connections import Gone
from convert.errors import ProxyError, kind_of, without_traceback
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
    form = client_format()
    body, status = sse.dumps(form.write_error(error)), form.statuses.get(error.kind, error.status)
    response = Response(body, status, headers=g.get("headers"), mimetype="application/json")
    if error.retry_after:
        response.headers["Retry-After"] = error.retry_after
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if g.get("upstream"):
        response.headers["Convert-Upstream"] = g.upstream
    if error.status >= 500:
        log.warning("%s: %s", error.kind, error.message)
    without_traceback(error)
    return response


def on_http_error(error: HTTPException) -> Response:
    """What Flask itself refuses: an unknown path, a method that a path does not have."""
    response = on_proxy_error(translated(without_traceback(error)))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def translated(error: HTTPException) -> ProxyError:
    """An exception of Flask's as one of ours."""
    status = error.code or 500
    if status == 404:
        return ProxyError("not_found", "There is nothing at this path.", code="unknown_url")
    if status == 405:
        return ProxyError("not_found", "This path does not take this method.", status=405, code="method_not_allowed")
    return ProxyError(kind_of(status), error.description or error.name, status=status)


def on_gone(error: Gone) -> Response:
    """The client has hung up: nobody reads this answer."""
    without_traceback(error)
    return Response(status=499)


def on_bug(error: Exception) -> Response:
    """A fault of ours: the log has the traceback, the client only learns that it was."""
    log.exception("unexpected error in %s %s", request.method, request.path)
    without_traceback(error)
    return on_proxy_error(ProxyError("internal", "the proxy failed on this request; its log says why"))
