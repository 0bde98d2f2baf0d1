from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import Make

TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}}


def ask(client: FlaskClient, given: Any, **further: Any) -> Any:
    return client.post("/v1/responses", json={"model": "m", "input": given, **further})


@pytest.mark.parametrize("format", ["chat", "messages", "gemini"])
def test_the_upstream_is_sent_the_whole_conversation(make: Make, upstream: Any, database_url: str, format: str) -> None:
    answers: dict[str, tuple[str, Any]] = {
        "chat": ("https://up.test/v1/chat/completions", None),
        "messages": ("https://up.test/v1/messages", {
            "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "Hello"}], "usage": {"input_tokens": 1, "output_tokens": 1},
        }),
        "gemini": ("https://up.test/v1beta/models/m:generateContent", {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
        }),
    }  # fmt: skip
    url, body = answers[format]
    if body:
        upstream.post(url, json=body)
    base = "https://up.test/v1beta" if format == "gemini" else "https://up.test"
    client = make(UPSTREAM_URL=base, UPSTREAM_FORMAT=format, DATABASE_URL=database_url)
    first = ask(client, "one", instructions="Be brief.").get_json()
    second = ask(client, "two", previous_response_id=first["id"]).get_json()
    ask(client, "three", previous_response_id=second["id"])
    told = upstream.calls[-1].request.body.decode()
    places = [told.index(f'"{word}"') for word in ("one", "two", "three")]
    assert places == sorted(places) and told.count('"Hello"') == 2
    assert "Be brief." not in told  # instructions are for one response


def test_a_branch_has_its_own_history(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://up.test")
    root = ask(client, "root").get_json()["id"]
    for word in ("left", "right"):
        ask(client, word, previous_response_id=root)
    sent = json.loads(upstream.calls[-1].request.body)["messages"]
    assert [message["content"] for message in sent] == ["root", "Hello", "right"]


def test_an_item_is_referred_to(make: Make, upstream: Any) -> None:
    client = make()
    made = ask(client, 'call add {"a": 1}', tools=[TOOL]).get_json()
    call = made["output"][0]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "1"}
    reference = {"type": "item_reference", "id": call["id"]}
    assert ask(client, [{"role": "user", "content": "add"}, reference, output], tools=[TOOL]).status_code == 200
    unknown = {"type": "item_reference", "id": call["id"][:-1] + "9"}
    refused = ask(client, [unknown])
    assert refused.status_code == 404 and call["id"][:-1] in refused.get_json()["error"]["message"]


def test_an_output_without_its_call(make: Make) -> None:
    client = make()
    first = ask(client, "Hi").get_json()["id"]
    output = {"type": "function_call_output", "call_id": "call_x", "output": "1"}
    refused = ask(client, [output], previous_response_id=first)
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (400, "input[0].call_id")


@pytest.mark.parametrize("identity", ["resp_x", "../../x", "", "a" * 5000, "resp_" + "0" * 48])
def test_a_response_that_does_not_exist_is_never_ignored(make: Make, identity: str) -> None:
    refused = ask(make(), "Hi", previous_response_id=identity)
    error = refused.get_json()["error"]
    assert (refused.status_code, error["code"]) == (400, "previous_response_not_found")


def test_a_deleted_link_breaks_the_chain(make: Make) -> None:
    client = make()
    first = ask(client, "one").get_json()["id"]
    second = ask(client, "two", previous_response_id=first).get_json()["id"]
    client.delete(f"/v1/responses/{first}")
    refused = ask(client, "three", previous_response_id=second)
    assert first in refused.get_json()["error"]["message"] and refused.status_code == 400


@pytest.mark.parametrize("conversation", ["conv_x", {"id": "conv_x"}])
def test_a_conversation_that_does_not_exist(make: Make, conversation: Any) -> None:
    assert ask(make(), "Hi", conversation=conversation).status_code == 404


def test_a_conversation_must_be_an_id(make: Make) -> None:
    refused = ask(make(), "Hi", conversation={"id": 3})
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (400, "conversation")
