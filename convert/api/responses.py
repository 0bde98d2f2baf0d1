"""POST /v1/responses: clients of OpenAI's Responses API, such as Codex."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from convert.api import errors
from convert.api.dispatch import answer
from convert.errors import ProxyError
from convert.formats.responses import FORMAT

blueprint = Blueprint("responses", __name__)
errors.register(blueprint, FORMAT)


@blueprint.post("/v1/responses")
@blueprint.post("/responses")
@blueprint.post("/")
def create(upstream: str | None) -> Response:
    """A response, plain or streamed."""
    return answer(FORMAT, upstream)


@blueprint.get("/v1/responses")
@blueprint.get("/responses")
def connect(upstream: str | None) -> Response:
    """Refuses the WebSocket transport; Codex then uses POST at once (it would retry after a 404)."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise MethodNotAllowed(valid_methods=["POST"])
    message = "Responses are not served over a WebSocket (Upgrade: websocket) here; send POST requests instead."
    raise ProxyError("unsupported", message, status=426, code="upgrade_required")
