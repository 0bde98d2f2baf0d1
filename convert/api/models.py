"""The list of models: the configured names, else what the upstreams list, in the shape of the API that asks.

Source: OpenAI and Anthropic API references, "List models"; Gemini API reference, "models.list".
Codex asks `/v1/models?client_version=...` and takes any list; Claude Code asks with `limit`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue

from convert.access import admit
from convert.api.serving import presented, route_to, state
from convert.errors import ProxyError, invalid
from convert.formats import FORMATS
from convert.settings import Upstream

Json = dict[str, Any]
blueprint = Blueprint("models", __name__)
PAGE = 20  # of Anthropic's list, when no limit is asked for
EPOCH = "1970-01-01T00:00:00Z"  # of a model whose age is not known, as Anthropic's reference has it
METHODS = ["generateContent", "countTokens"]


@blueprint.before_request
def choose_format() -> None:
    """Errors are told in the shape of the API that asks: Google's by its path, Anthropic's by its headers."""
    if "v1beta" in request.path.split("/"):
        g.format = FORMATS["gemini"]
    else:
        g.format = FORMATS["messages" if is_anthropic() else "chat"]


def is_anthropic() -> bool:
    """Whether a client of Anthropic's API asks."""
    return "anthropic-version" in request.headers or "x-api-key" in request.headers


@blueprint.get("/v1/models")
@blueprint.get("/models")
def index() -> ResponseReturnValue:
    """All models."""
    found = models()
    return jsonify(_page(found) if is_anthropic() else {"object": "list", "data": found})


@blueprint.get("/v1/models/<path:name>")
@blueprint.get("/models/<path:name>")
def show(name: str) -> ResponseReturnValue:
    """One model."""
    model = _named(name)
    return jsonify(_as_anthropic(model) if is_anthropic() else model)


@blueprint.get("/v1beta/models")
def index_for_gemini() -> ResponseReturnValue:
    """All models, for a client of Google's API."""
    return jsonify({"models": [_as_gemini(model) for model in models()]})


@blueprint.get("/v1beta/models/<path:name>")
def show_for_gemini(name: str) -> ResponseReturnValue:
    """One model, for a client of Google's API."""
    return jsonify(_as_gemini(_named(name)))


def _named(name: str) -> Json:
    for model in models():
        if model["id"] == name:
            return model
    raise ProxyError("not_found", f"The model '{name}' does not exist.", code="model_not_found", param="model")


def _page(found: list[Json]) -> Json:
    """A page of Anthropic's list: `limit`, `after_id`, `before_id`. Raises ProxyError for a limit that is none."""
    limit = request.args.get("limit", str(PAGE))
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise invalid("limit", "must be a number from 1 to 1000")
    names = [model["id"] for model in found]
    after, before = request.args.get("after_id"), request.args.get("before_id")
    start = names.index(after) + 1 if after in names else 0
    stop = names.index(before) if before in names else len(names)
    if before in names:
        start = max(start, stop - int(limit))
    page = found[start:stop][: int(limit)]
    return {
        "data": [_as_anthropic(model) for model in page], "has_more": start + len(page) < stop,
        "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
    }  # fmt: skip


def _as_anthropic(model: Json) -> Json:
    return {"type": "model", "id": model["id"], "display_name": model["id"], "created_at": EPOCH}


def _as_gemini(model: Json) -> Json:
    name = model["id"]
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": METHODS}


def models() -> list[Json]:
    """The models of the upstream that the request names, or of all, in OpenAI's shape; each name once.
    Raises ProxyError."""
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
        body = state().relay.get(route.at("/models"), route.headers(None, {}, stream=False))
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
