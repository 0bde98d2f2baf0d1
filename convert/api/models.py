"""GET /v1/models: the configured models, else the upstream's own list, in OpenAI's shape.

Source: OpenAI API reference, "List models". Codex asks `/v1/models?client_version=...` and takes any list.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g

from convert.api import errors
from convert.api.context import context
from convert.api.dispatch import asked_for, visitor
from convert.errors import ProxyError
from convert.formats.chat import FORMAT
from convert.routing import Upstream

Json = dict[str, Any]
blueprint = Blueprint("models", __name__)
errors.register(blueprint, FORMAT)


@blueprint.get("/v1/models")
@blueprint.get("/models")
def index(upstream: str | None) -> Json:
    """The list of models."""
    return {"object": "list", "data": models(upstream)}


@blueprint.get("/v1/models/<path:model>")
@blueprint.get("/models/<path:model>")
def show(upstream: str | None, model: str) -> Json:
    """One model of the list. Raises ProxyError (404 model_not_found)."""
    for known in models(upstream):
        if known["id"] == model:
            return known
    message = f"The model '{model}' does not exist."
    raise ProxyError("not_found", message, code="model_not_found", param="model")


def models(upstream: str | None) -> list[Json]:
    """The models of the upstream that the path or the header names, or of all."""
    who = visitor()
    named = asked_for(upstream)
    asked = [named] if named else context().router.upstreams
    configured = [model(name, each.name) for each in asked for name in each.listed]
    if configured:
        return list({each["id"]: each for each in configured}.values())
    chosen = named or [*context().router.defaults, *context().router.upstreams][0]
    g.upstream = chosen.name
    route = context().router.route(chosen, who)
    headers = {**route.wire.headers, **route.wire.credentials(route.key)}
    found = listed(context().relay.get(route.models_url(), headers), chosen)
    return [each for each in found if chosen.serves(each["id"])] if chosen.models else found


def listed(body: Any, upstream: Upstream) -> list[Json]:
    """An upstream's list in OpenAI's shape; the other APIs have theirs in `data` or `models`, with `id` or `name`."""
    entries = (body.get("data") or body.get("models") or []) if isinstance(body, dict) else body
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    names = [(entry.get("id") or str(entry.get("name") or "").removeprefix("models/"), entry) for entry in entries]
    return [model(name, upstream.name) | entry | {"id": name, "object": "model"} for name, entry in names if name]


def model(name: str, owner: str) -> Json:
    """A model as OpenAI describes one."""
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
