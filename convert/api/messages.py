"""The Anthropic Messages API for clients."""

from __future__ import annotations

from flask import Blueprint, Response, g

from convert.api.counting import count
from convert.api.serving import serve
from convert.formats import FORMATS

blueprint = Blueprint("messages", __name__)


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape."""
    g.format = FORMATS["messages"]


@blueprint.post("/v1/messages")
@blueprint.post("/messages")
def create() -> Response:
    """Creates a message, plain or streamed."""
    return serve(g.format)


@blueprint.post("/v1/messages/count_tokens")
@blueprint.post("/messages/count_tokens")
def count_tokens() -> Response:
    """Counts the input tokens of a message that is not created."""
    return count(g.format)
