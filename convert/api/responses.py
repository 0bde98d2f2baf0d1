"""The OpenAI Responses API for clients."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from convert.api.serving import serve
from convert.errors import ProxyError
from convert.formats import FORMATS

blueprint = Blueprint("responses", __name__)


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape."""
    g.format = FORMATS["responses"]


@blueprint.post("/v1/responses")
@blueprint.post("/responses")
@blueprint.post("/")
def create() -> Response:
    """Creates a response, plain or streamed."""
    return serve(g.format)


@blueprint.get("/v1/responses")
@blueprint.get("/responses")
def upgrade() -> Response:
    """Refuses a WebSocket; clients then use POST (observed on Codex 0.169)."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ProxyError("not_found", f"{request.path} does not take GET.", status=405)
    raise ProxyError("invalid_request", "WebSockets are not served here; use POST with stream: true.", status=426)
