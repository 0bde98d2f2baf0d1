"""Conversations and their items.

Source: OpenAI API reference, "Conversations"; OpenAPI schemas ConversationResource, ConversationItemList.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, g, request

from convert import sse
from convert.api import bodies, owned, pages
from convert.api.serving import let_in, presented, state
from convert.api.stored import check_include
from convert.errors import ProxyError, invalid
from convert.exchange import read
from convert.formats import FORMATS
from convert.state import ids, items
from convert.state.completion import check_metadata
from convert.state.history import not_found
from convert.state.memory import tenant

blueprint = Blueprint("conversations", __name__)
Json = dict[str, Any]
AT_ONCE = 20  # items that may be added at once
ROOT, ONE, ALL = "/v1/conversations", "/v1/conversations/<conversation>", "/v1/conversations/<conversation>/items"


@blueprint.before_request
def choose_format() -> Response | None:
    """Errors of this API are told in its shape; who asks must be let in. Where the upstream keeps conversations of its
    own, it is asked about all that are not stored here."""
    g.format = FORMATS["responses"]
    let_in()
    named = (request.view_args or {}).get("conversation")
    over = owned.route(g.format)
    if over is None or (named is not None and _row(named) is not None):
        return None
    return owned.relayed(over, request.path.removeprefix("/v1"))


@blueprint.post(ROOT)
def create() -> Response:
    """Creates a conversation, perhaps with items."""
    from convert.store import conversations

    body = _body()
    check_metadata(body.get("metadata"))
    _ready()
    made = conversations.Conversation(ids.new("conv"), time.time(), sse.dumps(body.get("metadata") or {}))
    entries = _entries(body["items"]) if body.get("items") is not None else []
    owner = _tenant()

    def write(connection: Any) -> None:
        conversations.create(connection, owner, made)
        conversations.append(connection, owner, made.id, [(each["id"], sse.dumps(each)) for each in entries])

    state().memory.run(write)
    return pages.answer(shown(made))


@blueprint.get(ONE)
def get(conversation: str) -> Response:
    """One conversation."""
    return pages.answer(shown(_find(conversation)))


@blueprint.post(ONE)
def update(conversation: str) -> Response:
    """Replaces the metadata."""
    from convert.store import conversations

    body = _body()
    if "metadata" not in body:
        raise invalid("metadata", "is required")
    check_metadata(body["metadata"])
    _find(conversation)
    owner, data = _tenant(), sse.dumps(body["metadata"] or {})
    state().memory.run(lambda connection: conversations.describe(connection, owner, conversation, data))
    return pages.answer(shown(_find(conversation)))


@blueprint.delete(ONE)
def delete(conversation: str) -> Response:
    """Deletes a conversation with its items."""
    from convert.store import conversations

    _find(conversation)
    owner = _tenant()
    state().memory.run(lambda connection: conversations.remove(connection, owner, conversation))
    return pages.answer({"id": conversation, "object": "conversation.deleted", "deleted": True})


@blueprint.post(ALL)
def create_items(conversation: str) -> Response:
    """Adds items at the end."""
    from convert.store import conversations

    check_include()
    body = _body()
    if "items" not in body:
        raise invalid("items", "is required")
    entries, owner = _entries(body["items"]), _tenant()
    _find(conversation)
    rows = [(each["id"], sse.dumps(each)) for each in entries]
    if not state().memory.run(lambda connection: conversations.append(connection, owner, conversation, rows)):
        raise not_found("Conversation", conversation)
    return pages.page(entries, len(entries))


@blueprint.get(ALL)
def list_items(conversation: str) -> Response:
    """A page of the items, the latest first unless `order` is asc."""
    from convert.store import conversations

    check_include()
    most, descending, after = pages.limit(), pages.descending("desc"), request.args.get("after")
    _find(conversation)
    owner = _tenant()

    def find(connection: Any) -> list[bytes] | None:
        place = conversations.position(connection, owner, conversation, after) if after is not None else None
        if after is not None and place is None:
            return None
        return conversations.page(connection, owner, conversation, place, most + 1, descending)

    found = state().memory.run(find)
    if found is None:
        raise not_found("Item", after, "after")
    return pages.page([sse.loads(data) for data in found], most)


@blueprint.get(f"{ALL}/<item>")
def get_item(conversation: str, item: str) -> Response:
    """One item."""
    from convert.store import conversations

    check_include()
    _find(conversation)
    owner = _tenant()
    data = state().memory.run(lambda connection: conversations.item(connection, owner, conversation, item))
    if data is None:
        raise not_found("Item", item)
    return pages.answer(sse.loads(data))


@blueprint.delete(f"{ALL}/<item>")
def delete_item(conversation: str, item: str) -> Response:
    """Deletes an item; the answer is the conversation."""
    from convert.store import conversations

    found, owner = _find(conversation), _tenant()
    if not state().memory.run(lambda connection: conversations.remove_item(connection, owner, conversation, item)):
        raise not_found("Item", item)
    return pages.answer(shown(found))


def shown(conversation: Any) -> Json:
    """A conversation as the API shows it."""
    return {
        "id": conversation.id, "object": "conversation", "created_at": int(conversation.created),
        "metadata": sse.loads(conversation.metadata),
    }  # fmt: skip


def _tenant() -> str:
    return tenant(state().settings, presented())


def _body() -> Json:
    """The request's body; none at all is an empty one. Raises ProxyError."""
    data = bodies.read_bytes(request, state().settings.body_limit)
    return bodies.parse(data) if data else {}


def _ready() -> None:
    if not state().memory.ready():
        raise ProxyError("not_found", "Nothing is stored on this server (CONVERT_STORE).")


def _find(conversation: str) -> Any:
    """The tenant's conversation. Raises ProxyError (404)."""
    found = _row(conversation)
    if found is None:
        raise not_found("Conversation", conversation)
    return found


def _row(conversation: str) -> Any:
    """The row of the tenant's conversation; None where there is none."""
    if not ids.is_conversation(conversation) or not state().memory.ready():
        return None
    from convert.store import conversations

    owner, since = _tenant(), state().memory.since
    return state().memory.run(lambda connection: conversations.get(connection, owner, conversation, since))


def _entries(given: Any) -> list[Json]:
    """The items of a request, whole and with ids of their own. Raises ProxyError for what is no item."""
    if not isinstance(given, list):
        raise invalid("items", "must be a list of items")
    if len(given) > AT_ONCE:
        raise invalid("items", f"has more than {AT_ONCE} items")
    try:
        entries = items.listed(given, ids.new("resp"))
        read(FORMATS["responses"], {"model": "m", "input": entries or "nothing"})
    except ProxyError as error:  # items are read as an `input`, which is not what the client called them
        error.message = error.message.replace("input[", "items[", 1)
        error.param = error.param.replace("input[", "items[", 1) if error.param else None
        raise
    if items.references(entries):
        raise invalid("items", "cannot hold references to other items")
    return entries
