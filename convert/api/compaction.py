"""POST /v1/responses/compact: by the upstream where it is a Responses API that can, else with a summary by its model.

Source: OpenAI API reference, "Compact a response"; OpenAPI schemas CompactResponseMethodPublicBody, CompactResource.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Response, g, request

from convert import sse
from convert.access import admit
from convert.api import bodies
from convert.api.counting import MISSING
from convert.api.serving import (
    Plan,
    answered,
    failed,
    hangup_of_client,
    headers_of_client,
    holds_state,
    plan,
    presented,
    state,
)
from convert.errors import ProxyError
from convert.exchange import read
from convert.formats.contract import Format
from convert.formats.responses.response import read_usage, write_usage
from convert.headers import returned
from convert.hub import Usage
from convert.state import ids, items, summaries, transcript
from convert.state.memory import tenant

Json = dict[str, Any]
FIELDS = ("model", "input", "previous_response_id", "instructions", "prompt_cache_key", "prompt_cache_retention")


def compact(client: Format) -> Response:
    """The answer to a request for a compacted conversation. Raises ProxyError."""
    here = state()
    admit(here.settings, presented())
    asked = bodies.parse(bodies.read_bytes(request, here.settings.body_limit))
    given = {key: asked[key] for key in FIELDS if asked.get(key) is not None}
    planned = plan(client, {**given, "store": False})
    if holds_state(client, planned.route, given["model"]):
        relayed = _by_upstream(planned, asked)
        if relayed is not None:
            return relayed
        if "previous_response_id" in given:
            raise ProxyError("unsupported", "the upstream does not compact", param="previous_response_id")
    with planned.places:
        read(client, planned.exchange.asked)  # its faults are told here, not as those of the request for a summary
    raw = planned.turn.expanded if planned.turn is not None else given
    clear = items.listed(planned.exchange.asked.get("input"), ids.new("resp"))
    wanted = plan(client, summaries.asked(given["model"], clear, given.get("instructions")))
    response = answered(wanted, hangup_of_client())
    if response.status_code >= 300:  # an upstream's own error, passed on
        return response
    made = sse.parse(response.get_data())
    before = items.listed(raw.get("input"), ids.new("resp"))
    whose = tenant(here.settings, presented())
    body = {
        "id": ids.new("resp"), "object": "response.compaction", "created_at": int(time.time()),
        "output": summaries.compacted(here.memory, whose, before, _summary(made)),
        "usage": write_usage(read_usage(made.get("usage")) or Usage()),
    }  # fmt: skip
    return Response(sse.dumps(body), mimetype="application/json", headers={"Convert-Upstream": g.upstream})


def _summary(made: Json) -> str:
    """The text of a response that is complete. Raises ProxyError (upstream) for any other."""
    messages = [item for item in made.get("output") or [] if item.get("type") == "message"]
    text = "".join(transcript.text_of(item.get("content")) for item in messages).strip()
    if made.get("status") != "completed" or not text:
        raise ProxyError("upstream", "the upstream did not finish the summary that compaction needs")
    return text


def _by_upstream(planned: Plan, asked: Json) -> Response | None:
    """The upstream's own compaction, passed on; None where it has none. Raises ProxyError."""
    exchange, route = planned.exchange, planned.route
    body = {**asked, "model": route.upstream.model or asked["model"]}
    if "input" in asked:
        body["input"] = exchange.asked["input"]
    headers = route.headers(exchange.client, headers_of_client(), stream=False)
    answer = state().relay.post(route.at("/responses/compact"), sse.dumps(body), headers, False, hangup_of_client())
    told = {"Convert-Upstream": g.upstream, **returned(answer.headers)}
    try:
        if answer.status in MISSING:
            return None
        if answer.status >= 300:
            return failed(exchange, answer, told)
        return Response(answer.read(), mimetype="application/json", headers=told)
    finally:
        answer.close()
