"""The OpenAI Responses API for clients."""

from __future__ import annotations

from flask import Blueprint, Response, g

from convert.api.compaction import compact
from convert.api.counting import count
from convert.api.serving import serve
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


@blueprint.post("/v1/responses/input_tokens")
@blueprint.post("/responses/input_tokens")
def count_tokens() -> Response:
    """Counts the input tokens of a response that is not created."""
    return count(g.format)


@blueprint.post("/v1/responses/compact")
@blueprint.post("/responses/compact")
def compaction() -> Response:
    """Compacts a conversation."""
    return compact(g.format)


@blueprint.get("/v1/responses", websocket=True)
@blueprint.get("/responses", websocket=True)
def upgrade() -> Response:
    """Responses over a WebSocket; 426 where the server cannot (Codex then uses POST at once, after a 404 it tries
    again)."""
    from convert.api.websocket import talk  # wsproto is not needed by those who POST

    return talk(g.format)
