"""Stored responses: retrieve, delete, and the items of their input.

Source: OpenAI API reference, "Responses": get, delete, list input items. An id that is not stored here is the
upstream's where that keeps its own responses, else it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request

from convert import sse
from convert.api import owned, pages
from convert.api.serving import hangup_of_client, let_in, presented, state
from convert.errors import ProxyError, invalid
from convert.formats import FORMATS
from convert.state import follow, ids
from convert.state.history import not_found
from convert.state.memory import tenant

blueprint = Blueprint("stored", __name__)
Json = dict[str, Any]
Answer = Callable[[Any], Response]
# What `include` may ask for (OpenAPI schema IncludeEnum). What there is of it, is stored with the items.
INCLUDES = frozenset({
    "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
    "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
    "reasoning.encrypted_content", "message.output_text.logprobs",
})  # fmt: skip


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape; who asks must be let in."""
    g.format = FORMATS["responses"]
    let_in()


@blueprint.get("/v1/responses/<response>")
@blueprint.get("/responses/<response>")
def get(response: str) -> Response:
    """A response as it is now."""
    return answered(response, "", _shown)


@blueprint.delete("/v1/responses/<response>")
@blueprint.delete("/responses/<response>")
def delete(response: str) -> Response:
    """Deletes a response."""
    return answered(response, "", _deleted)


@blueprint.get("/v1/responses/<response>/input_items")
@blueprint.get("/responses/<response>/input_items")
def input_items(response: str) -> Response:
    """A page of the items that a response was made from, those of the responses before it included; the latest first
    unless `order` is asc."""
    return answered(response, "/input_items", _listed)


def answered(response: str, rest: str, answer: Answer) -> Response:
    """What `answer` makes of the row of a response of the tenant's; the upstream's answer (to the path with `rest`)
    where the upstream keeps its own. Raises ProxyError (404) for an id that does not exist."""
    row = find(response)
    if row is not None:
        return answer(row)
    if (over := owned.route(g.format)) is not None:
        return owned.relayed(over, f"/responses/{response}{rest}")
    raise not_found("Response", response)


def find(response: str) -> Any:
    """The row of a response of the current tenant; None where there is none. Raises ProxyError (overloaded)."""
    here = state()
    if not ids.is_stored(response) or not here.memory.ready():
        return None
    from convert.store import responses

    owner, since = tenant(here.settings, presented()), here.memory.since
    return here.memory.run(lambda connection: responses.get(connection, owner, response, since))


def _shown(row: Any) -> Response:
    check_include()
    if not switch("stream"):
        return pages.answer(follow.shown(row))
    switch("include_obfuscation")  # there is none here
    frames = follow.follow(state().memory, row.tenant, row.id, starting_after(), hangup_of_client())
    return pages.stream(frames)


def starting_after() -> int:
    """The sequence number behind which a stream is wanted; -1 for all of it. Raises ProxyError."""
    given = request.args.get("starting_after")
    if given is None:
        return -1
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise invalid("starting_after", "must be a number of 0 or more")
    return int(given)


def _listed(row: Any) -> Response:
    check_include()
    return pages.of(_items(row))


def _deleted(row: Any) -> Response:
    from convert.store import responses

    if not state().memory.run(lambda connection: responses.remove(connection, row.tenant, row.id)):
        raise not_found("Response", row.id)
    return pages.answer({"id": row.id, "object": "response", "deleted": True})


def _items(row: Any) -> list[Json]:
    """The items that a response was made from, in order: those of its chain, then its own."""
    from convert.store import responses

    rows = state().memory.run(lambda connection: responses.chain(connection, row.tenant, row.id))
    before = [item for each in rows[:-1] for item in (*sse.loads(each.input), *sse.loads(each.output))]
    return [*before, *sse.loads(row.input)]


def check_include() -> None:
    """Raises ProxyError for a word in the query's `include` that means nothing."""
    given = request.args.getlist("include") + request.args.getlist("include[]")
    for number, word in enumerate(given):
        if word not in INCLUDES:
            raise invalid(f"include[{number}]", f"'{word[:100]}' is not one of {', '.join(sorted(INCLUDES))}")


def switch(name: str) -> bool:
    """A switch of the query. Raises ProxyError for what is neither true nor false."""
    value = request.args.get(name, "false")
    if value not in ("true", "false"):
        raise ProxyError("invalid_request", f"{name}: must be true or false", param=name)
    return value == "true"
