"""POST /v1/responses: clients of OpenAI's Responses API, such as Codex."""

from __future__ import annotations

from flask import Blueprint, Response

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


@blueprint.get("/v1/responses", websocket=True)
@blueprint.get("/responses", websocket=True)
def connect(upstream: str | None) -> Response:
    """Refuses the WebSocket transport; Codex then uses POST at once (it would retry after a 404)."""
    message = "Responses are not served over a WebSocket (Upgrade: websocket) here; send POST requests instead."
    raise ProxyError("unsupported", message, status=426, code="upgrade_required")
