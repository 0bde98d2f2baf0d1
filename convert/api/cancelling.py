"""Cancels background responses. Source: OpenAI API reference, "Cancel a response"."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g

from convert import sse
from convert.api import pages, stored
from convert.api.serving import let_in, state
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.state import follow

blueprint = Blueprint("cancelling", __name__)


@blueprint.before_request
def choose_format() -> None:
    """Errors of this API are told in its shape; who asks must be let in."""
    g.format = FORMATS["responses"]
    let_in()


@blueprint.post("/v1/responses/<response>/cancel")
@blueprint.post("/responses/<response>/cancel")
def cancel(response: str) -> Response:
    """Cancels a response that is made in the background; one that has ended is shown as it is. Whoever makes it
    notices within a second."""
    return stored.answered(response, "/cancel", _cancelled)


def _cancelled(row: Any) -> Response:
    from convert.store import responses

    body = sse.loads(row.body)
    if not body.get("background"):
        raise ProxyError("invalid_request", "Cannot cancel a synchronous response.", param="response_id")
    data = sse.dumps({**body, "status": "cancelled"})
    state().memory.run(lambda connection: responses.cancel(connection, row.tenant, row.id, data))
    return pages.answer(follow.shown(stored.find(row.id) or row))
