"""The list of models, in OpenAI's shape: the configured names, else what the upstream lists."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue

from convert.access import admit
from convert.api.serving import presented, route_to, state
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.relay import sent_headers
from convert.settings import Upstream

blueprint = Blueprint("models", __name__)
CREATED = 0


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in OpenAI's shape."""
    g.format = FORMATS["chat"]


@blueprint.get("/v1/models")
@blueprint.get("/models")
def index() -> ResponseReturnValue:
    """All models."""
    return jsonify({"object": "list", "data": listed()})


@blueprint.get("/v1/models/<path:name>")
@blueprint.get("/models/<path:name>")
def show(name: str) -> ResponseReturnValue:
    """One model."""
    for model in listed():
        if model.get("id") == name:
            return jsonify(model)
    raise ProxyError("not_found", f"The model '{name}' does not exist.", code="model_not_found", param="model")


def listed() -> list[dict[str, Any]]:
    """The models of the upstream that the request names, or of all. Raises ProxyError."""
    here = state()
    admit(here.settings, presented())
    if header := request.headers.get("Convert-Upstream"):
        chosen = [here.router.named(header)]
    else:
        chosen = [g.prefixed] if g.get("prefixed") else list(here.settings.upstreams)
    models = {model["id"]: model for upstream in chosen for model in _of(upstream, alone=len(chosen) == 1)}
    return list(models.values())


def _of(upstream: Upstream, alone: bool) -> list[dict[str, Any]]:
    names = [name for name in upstream.models if not set(name) & set("*?[")]
    names += [upstream.model] if upstream.model else []
    if names:
        return [_model(name, upstream.name) for name in names]
    try:
        route = route_to(upstream)
        body = state().relay.get(route.models_url(), sent_headers({}, route.wire.credentials(route.key), stream=False))
    except ProxyError:
        if alone:
            raise
        return []  # one upstream that is down must not hide the others
    entries = body.get("data") or body.get("models") or []
    return [_model(entry.get("id") or entry.get("name"), upstream.name, entry) for entry in entries]


def _model(name: Any, owner: str, entry: dict[str, Any] | None = None) -> dict[str, Any]:
    known = entry or {}
    return {**known, "id": str(name), "object": "model", "created": known.get("created") or CREATED,
            "owned_by": known.get("owned_by") or owner}  # fmt: skip
