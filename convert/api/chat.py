"""The OpenAI Chat Completions API for clients."""

from __future__ import annotations

from flask import Blueprint, Response, g

from convert.api.serving import serve
from convert.formats import FORMATS

blueprint = Blueprint("chat", __name__)


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape."""
    g.format = FORMATS["chat"]


@blueprint.post("/v1/chat/completions")
@blueprint.post("/chat/completions")
def create() -> Response:
    """Creates a completion, plain or streamed."""
    return serve(g.format)
