"""What came before a request: the chain that `previous_response_id` ends, or a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convert import sse
from convert.errors import ProxyError, invalid
from convert.state import ids, items
from convert.state.memory import Memory

if TYPE_CHECKING:
    from sqlalchemy import Connection

Json = dict[str, Any]


@dataclass(slots=True)
class History:
    """Earlier items, in order, and what they belong to."""

    items: list[Json] = field(default_factory=list)
    thread: str | None = None  # of the response before
    previous: str | None = None
    conversation: str | None = None


def not_found(what: str, identity: object, param: str | None = None) -> ProxyError:
    """The error for an id that the tenant does not have, be it unknown, another's, deleted or expired."""
    return ProxyError("not_found", f"{what} with id '{identity}' not found.", param=param)


def previous_not_found(identity: object) -> ProxyError:
    """OpenAI's error for a `previous_response_id` that does not exist: status 400, with a code of its own."""
    return ProxyError(
        "not_found", f"Previous response with id '{identity}' not found.", status=400,
        code="previous_response_not_found", param="previous_response_id",
    )  # fmt: skip


def conversation_of(asked: Json) -> str | None:
    """The id of the conversation that a request belongs to. Raises ProxyError (invalid_request)."""
    given = asked.get("conversation")
    identity = given.get("id") if isinstance(given, dict) else given
    if identity is not None and not isinstance(identity, str):
        raise invalid("conversation", "must be an id, or an object with an `id`")
    if identity is not None and asked.get("previous_response_id") is not None:
        message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Send one of them."
        raise ProxyError("invalid_request", message, code="mutually_exclusive_parameters", param="conversation")
    return identity


def load(memory: Memory, tenant: str, asked: Json) -> History:
    """The history of a request; empty for one that has none. Raises ProxyError for an id that does not exist."""
    conversation, previous = conversation_of(asked), asked.get("previous_response_id")
    if previous is not None:
        if not (isinstance(previous, str) and ids.is_stored(previous)):
            raise previous_not_found(previous)
        return memory.run(lambda connection: _chain(connection, tenant, previous, memory.since))
    if conversation is not None:
        if not ids.is_conversation(conversation):
            raise not_found("Conversation", conversation, "conversation")
        return memory.run(lambda connection: _conversation(connection, tenant, conversation, memory.since))
    return History()


def _chain(connection: Connection, tenant: str, previous: str, since: float) -> History:
    from convert.store import responses

    rows = responses.chain(connection, tenant, previous)
    if not rows or responses.get(connection, tenant, previous, since) is None:
        raise previous_not_found(previous)
    if rows[0].previous is not None:
        raise previous_not_found(rows[0].previous)
    if rows[-1].status in responses.RUNNING:
        message = f"Previous response with id '{previous}' is still {rows[-1].status.replace('_', ' ')}."
        raise ProxyError("invalid_request", message, param="previous_response_id")
    every = [item for row in rows for item in (*sse.loads(row.input), *sse.loads(row.output))]
    return History(every, thread=rows[-1].thread, previous=previous)


def _conversation(connection: Connection, tenant: str, conversation: str, since: float) -> History:
    from convert.store import conversations

    if conversations.get(connection, tenant, conversation, since) is None:
        raise not_found("Conversation", conversation, "conversation")
    every = [sse.loads(data) for data in conversations.items(connection, tenant, conversation)]
    return History(every, conversation=conversation)


def referred(memory: Memory, tenant: str, history: list[Json], new: list[Json]) -> list[Json]:
    """The new items with references resolved, in the history or in the tenant's responses. Raises ProxyError (404)."""
    wanted = items.references(new)
    if not wanted:
        return new
    known = {item["id"]: item for item in history if item.get("id")}
    owners = {owner for each in wanted if each not in known and (owner := ids.owner(each))}
    if owners:
        known |= memory.run(lambda connection: _items_of(connection, tenant, owners, memory.since))
    return items.resolved(new, known)


def _items_of(connection: Connection, tenant: str, owners: set[str], since: float) -> dict[str, Json]:
    from convert.store import responses

    rows = responses.several(connection, tenant, sorted(owners), since)
    every = [item for row in rows for item in (*sse.loads(row.input), *sse.loads(row.output))]
    return {item["id"]: item for item in every if item.get("id")}
