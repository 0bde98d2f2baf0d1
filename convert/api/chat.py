"""POST /v1/chat/completions: clients of OpenAI's Chat Completions API."""

from __future__ import annotations

from flask import Blueprint, Response

from convert.api import errors
from convert.api.dispatch import answer
from convert.formats.chat import FORMAT

blueprint = Blueprint("chat", __name__)
errors.register(blueprint, FORMAT)


@blueprint.post("/v1/chat/completions")
@blueprint.post("/chat/completions")
def create(upstream: str | None) -> Response:
    """A chat completion, plain or streamed."""
    return answer(FORMAT, upstream)
