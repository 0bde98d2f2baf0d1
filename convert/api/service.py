"""What the server says of itself: GET / and GET /health."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from convert import __version__

blueprint = Blueprint("service", __name__)
ENDPOINTS = [
    "POST /v1/responses",
    "POST /v1/chat/completions",
    "GET /v1/models",
    "POST /convert?from=&to=&kind=",
    "GET /health",
]


@blueprint.get("/")
def index(upstream: str | None) -> dict[str, Any]:
    """A word to whoever looks; Claude Code asks HEAD / before it starts."""
    return {"name": "convert", "version": __version__, "endpoints": ENDPOINTS}


@blueprint.get("/health")
def health(upstream: str | None) -> dict[str, Any]:
    """Whether the server runs. Needs no key and calls no upstream."""
    return {"status": "ok", "version": __version__}
