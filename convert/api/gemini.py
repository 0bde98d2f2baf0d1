"""Google's generateContent API for clients: model and method stand in the path, and a stream is one of two kinds.

Source: Gemini API reference, "Generating content", "Counting tokens".
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, g, request

from convert.api.counting import count
from convert.api.serving import serve
from convert.formats import FORMATS
from convert.formats.gemini.array import as_array

blueprint = Blueprint("gemini", __name__)
PATHS = ("/v1beta/models/", "/v1/models/", "/models/")


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape."""
    g.format = FORMATS["gemini"]


def generate(model: str) -> Response:
    """A finished answer."""
    return serve(g.format, {"model": model, "stream": False})


def stream(model: str) -> Response:
    """A streamed answer: events with `alt=sse`, else one JSON array that grows."""
    response = serve(g.format, {"model": model, "stream": True})
    if request.args.get("alt") != "sse" and response.mimetype == "text/event-stream":
        response.response = as_array(cast("list[bytes]", response.response))
        response.mimetype = "application/json"
    return response


def count_tokens(model: str) -> Response:
    """The input tokens of a request that is not made."""
    return count(g.format, {"model": model})


METHODS = {"generateContent": generate, "streamGenerateContent": stream, "countTokens": count_tokens}
for path in PATHS:
    for method, view in METHODS.items():
        blueprint.add_url_rule(f"{path}<path:model>:{method}", f"{path}{method}", view, methods=["POST"])
