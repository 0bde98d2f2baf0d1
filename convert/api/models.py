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
GOOGLES_PAGE, GOOGLES_MOST = 50, 1000  # of Google's, and the most that it gives whatever is asked for
EPOCH = "1970-01-01T00:00:00Z"  # of a model whose age is not known, as Anthropic's reference has it
METHODS = ["generateContent", "countTokens"]


@blueprint.before_request
def choose_format() -> None:
    """Errors are told in the shape of the API that asks: Google's by its path, Anthropic's by its headers."""
    if "v1beta" in request.path.split("/") or is_google():
        g.format = FORMATS["gemini"]
    else:
        g.format = FORMATS["messages" if is_anthropic() else "chat"]


def is_anthropic() -> bool:
    """Whether a client of Anthropic's API asks."""
    return "anthropic-version" in request.headers or "x-api-key" in request.headers


def is_google() -> bool:
    """Whether a client of Google's API asks, by the way that it gives its key."""
    return "x-goog-api-key" in request.headers or ("key" in request.args and not is_anthropic())


@blueprint.get("/v1/models")
@blueprint.get("/models")
def index() -> ResponseReturnValue:
    """All models."""
    if g.format is FORMATS["gemini"]:
        return index_for_gemini()
    found = models()
    return jsonify(_page(found) if is_anthropic() else {"object": "list", "data": found})


@blueprint.get("/v1/models/<path:name>")
@blueprint.get("/models/<path:name>")
def show(name: str) -> ResponseReturnValue:
    """One model."""
    if g.format is FORMATS["gemini"]:
        return show_for_gemini(name)
    model = _named(name)
    return jsonify(_as_anthropic(model) if is_anthropic() else model)


@blueprint.get("/v1beta/models")
def index_for_gemini() -> ResponseReturnValue:
    """All models, for a client of Google's API, in pages: `pageSize`, `pageToken` (the last model before the page).
    Raises ProxyError."""
    found = models()
    size = min(_number("pageSize", GOOGLES_PAGE) or GOOGLES_PAGE, GOOGLES_MOST)
    start = _place(found, "pageToken", request.args.get("pageToken")) + 1
    page = found[start : start + size]
    further = {"nextPageToken": page[-1]["id"]} if start + size < len(found) else {}
    return jsonify({"models": [_as_gemini(model) for model in page], **further})


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
    limit = _number("limit", PAGE)
    if not 1 <= limit <= 1000:
        raise invalid("limit", "must be a number from 1 to 1000")
    before = request.args.get("before_id")
    start = _place(found, "after_id", request.args.get("after_id")) + 1
    stop = _place(found, "before_id", before) if before else len(found)
    rest = found[start:stop]
    page = rest[-limit:] if before else rest[:limit]
    return {
        "data": [_as_anthropic(model) for model in page], "has_more": len(page) < len(rest),
        "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
    }  # fmt: skip


def _number(name: str, default: int) -> int:
    """A number of the query. Raises ProxyError where it is none."""
    value = request.args.get(name, str(default))
    if not value.isdecimal() or len(value) > 9:
        raise invalid(name, "must be a number")
    return int(value)


def _place(found: list[Json], name: str, model: str | None) -> int:
    """Where the model that a parameter of the query names stands in the list; -1 where it names none. Raises
    ProxyError for one that is not there: to begin again from the first would never end."""
    if not model:
        return -1
    names = [each["id"] for each in found]
    if model not in names:
        raise invalid(name, "there is no such model")
    return names.index(model)


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
