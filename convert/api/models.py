"""GET /v1/models: the configured names, else what the upstream lists, in OpenAI's shape.

Source: OpenAI API reference, "List models". Codex asks `/v1/models?client_version=...` and takes any list.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue

from convert.access import admit
from convert.api.serving import presented, route_to, state
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.settings import Upstream

Json = dict[str, Any]
blueprint = Blueprint("models", __name__)


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in OpenAI's shape."""
    g.format = FORMATS["chat"]


@blueprint.get("/v1/models")
@blueprint.get("/models")
def index() -> ResponseReturnValue:
    """All models."""
    return jsonify({"object": "list", "data": models()})


@blueprint.get("/v1/models/<path:name>")
@blueprint.get("/models/<path:name>")
def show(name: str) -> ResponseReturnValue:
    """One model."""
    for model in models():
        if model["id"] == name:
            return jsonify(model)
    raise ProxyError("not_found", f"The model '{name}' does not exist.", code="model_not_found", param="model")


def models() -> list[Json]:
    """The models of the upstream that the request names, or of all; each name once. Raises ProxyError."""
    here = state()
    admit(here.settings, presented())
    header = request.headers.get("Convert-Upstream")
    named = g.get("prefixed") or (here.router.named(header) if header else None)
    asked = [named] if named else here.settings.upstreams
    found = [model for upstream in asked for model in _of(upstream, alone=len(asked) == 1)]
    return list({model["id"]: model for model in reversed(found)}.values())[::-1]


def _of(upstream: Upstream, alone: bool) -> list[Json]:
    """The models of one upstream: those that its settings spell out, else its own list, as far as it serves them."""
    if upstream.listed:
        return [_model(name, upstream) for name in upstream.listed]
    try:
        route = route_to(upstream)
        body = state().relay.get(route.models_url(), route.headers(None, {}, stream=False))
    except ProxyError:
        if alone:
            raise
        return []  # one upstream that is down must not hide the others
    found = listed(body, upstream)
    return [model for model in found if upstream.serves(model["id"])] if upstream.models else found


def listed(body: Json, upstream: Upstream) -> list[Json]:
    """An upstream's list in OpenAI's shape; other APIs have theirs in `models`, or call the `id` `name`."""
    entries = body.get("data") or body.get("models")
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    named = [(entry.get("id") or str(entry.get("name") or "").removeprefix("models/"), entry) for entry in entries]
    return [_model(name, upstream) | entry | {"id": name, "object": "model"} for name, entry in named if name]


def _model(name: str, upstream: Upstream) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": upstream.name}
