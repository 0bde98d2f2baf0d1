"""Every fault as an answer in the client's own error shape; tracebacks go to the log only."""

from __future__ import annotations

import logging

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from convert import sse
from convert.errors import ProxyError, kind_of
from convert.formats.contract import Format

log = logging.getLogger(__name__)


def register(owner: Flask | Blueprint, form: Format) -> None:
    """Makes `owner` answer each exception of its views in the shape of `form`."""

    def of_ours(error: ProxyError) -> Response:
        return written(form, error)

    def of_http(error: HTTPException) -> Response:
        response = written(form, translated(error))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(error.valid_methods)
        return response

    def unexpected(error: Exception) -> Response:
        log.error("unexpected %s", type(error).__name__, exc_info=error)
        return written(form, ProxyError("internal", "The proxy met an unexpected error; its log says more."))

    owner.register_error_handler(ProxyError, of_ours)
    owner.register_error_handler(HTTPException, of_http)
    owner.register_error_handler(Exception, unexpected)


def written(form: Format, error: ProxyError) -> Response:
    """The answer that tells a client of `error`."""
    response = Response(sse.dumps(form.write_error(error)), error.status, content_type="application/json")
    if error.retry_after:
        response.headers["Retry-After"] = error.retry_after
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def translated(error: HTTPException) -> ProxyError:
    """An exception of Flask's or Werkzeug's as one of ours."""
    status = error.code or 500
    if status == 404:
        return ProxyError("not_found", "There is nothing at this path.", code="unknown_url")
    if status == 405:
        return ProxyError("not_found", "This method is not allowed here.", status=405, code="method_not_allowed")
    return ProxyError(kind_of(status), error.description or error.name, status=status)
