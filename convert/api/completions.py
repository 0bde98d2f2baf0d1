"""Stored Chat completions: list, get, update, delete, and the messages of their requests.

Source: OpenAI API reference, "Chat completions"; OpenAPI schemas ChatCompletionList, ChatCompletionMessageList.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, g, request

from convert import sse
from convert.api import bodies, pages
from convert.api.serving import let_in, presented, state
from convert.errors import ProxyError, invalid
from convert.formats import FORMATS
from convert.state.completion import check_metadata
from convert.state.history import not_found
from convert.state.memory import tenant

blueprint = Blueprint("completions", __name__)
Json = dict[str, Any]
WHAT = "Chat completion"
_METADATA = re.compile(r"metadata\[([^\]]*)\]")


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape; who asks must be let in."""
    g.format = FORMATS["chat"]
    let_in()
    if not state().memory.ready():
        raise ProxyError("not_found", "Nothing is stored on this server (CONVERT_STORE).")


@blueprint.get("/v1/chat/completions")
@blueprint.get("/chat/completions")
def listed() -> Response:
    """A page of the tenant's completions, the oldest first unless `order` is desc."""
    from convert.store import completions

    limit, metadata = pages.limit(), metadata_of_query()
    query = completions.Query(
        since=state().memory.since, limit=limit + 1, descending=pages.descending("asc"),
        model=request.args.get("model"), metadata=metadata,
        after=_row(request.args["after"], "after") if "after" in request.args else None,
    )  # fmt: skip
    owner = _tenant()
    rows = state().memory.run(lambda connection: completions.page(connection, owner, query))
    return pages.page([shown(row) for row in rows], limit)


@blueprint.get("/v1/chat/completions/<completion>")
@blueprint.get("/chat/completions/<completion>")
def get(completion: str) -> Response:
    """One completion."""
    return pages.answer(shown(_row(completion)))


@blueprint.post("/v1/chat/completions/<completion>")
@blueprint.post("/chat/completions/<completion>")
def update(completion: str) -> Response:
    """Replaces the metadata."""
    from convert.store import completions

    body = bodies.parse(bodies.read_bytes(request, state().settings.body_limit))
    if "metadata" not in body:
        raise invalid("metadata", "is required")
    check_metadata(body["metadata"])
    owner, data = _tenant(), sse.dumps(body["metadata"] or {})
    _row(completion)
    if not state().memory.run(lambda connection: completions.describe(connection, owner, completion, data)):
        raise not_found(WHAT, completion)
    return pages.answer(shown(_row(completion)))


@blueprint.delete("/v1/chat/completions/<completion>")
@blueprint.delete("/chat/completions/<completion>")
def delete(completion: str) -> Response:
    """Deletes a completion."""
    from convert.store import completions

    owner = _tenant()
    _row(completion)
    if not state().memory.run(lambda connection: completions.remove(connection, owner, completion)):
        raise not_found(WHAT, completion)
    return pages.answer({"object": "chat.completion.deleted", "id": completion, "deleted": True})


@blueprint.get("/v1/chat/completions/<completion>/messages")
@blueprint.get("/chat/completions/<completion>/messages")
def messages(completion: str) -> Response:
    """A page of the messages of the request that a completion answered."""
    asked = sse.loads(_row(completion).request)
    every = [_message(each, f"{completion}-{n}") for n, each in enumerate(asked.get("messages", []))]
    if pages.descending("asc"):
        every.reverse()
    return pages.page(pages.behind(every), pages.limit())


def _tenant() -> str:
    return tenant(state().settings, presented())


def _row(completion: str, param: str | None = None) -> Any:
    """The row of a completion. Raises ProxyError (404)."""
    from convert.store import completions

    owner, since = _tenant(), state().memory.since
    row = state().memory.run(lambda connection: completions.get(connection, owner, completion, since))
    if row is None:
        raise not_found(WHAT, completion, param)
    return row


def shown(row: Any) -> Json:
    """A stored completion as the API shows it."""
    return {**sse.loads(row.body), "id": row.id, "metadata": sse.loads(row.metadata)}


def _message(message: Json, identity: str) -> Json:
    """A message of a request as the list shows it: its text, and its parts where it was given in parts."""
    content = message.get("content")
    parts = content if isinstance(content, list) else None
    texts = [part.get("text", "") for part in parts or () if isinstance(part, dict) and part.get("type") == "text"]
    return {
        **{key: value for key, value in message.items() if value is not None},
        "id": identity, "content": "\n".join(texts) if parts else content, "refusal": message.get("refusal"),
        "content_parts": parts,
    }  # fmt: skip


def metadata_of_query() -> dict[str, str]:
    """The pairs `metadata[key]=value` of the query."""
    return {found[1]: value for key, value in request.args.items() if (found := _METADATA.fullmatch(key))}
