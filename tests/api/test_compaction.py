from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient
from openai import OpenAI
from werkzeug.serving import make_server

from tests.conftest import COMPLETION
from tests.laws.schemas import KIT, violations

Make = Callable[..., FlaskClient]
Json = dict[str, Any]
URL = "https://api.x.com/v1"
ITEMS: list[Json] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "What is in a.txt?"},
    {"type": "function_call", "call_id": "1", "name": "cat", "arguments": '{"file": "a.txt"}'},
    {"type": "function_call_output", "call_id": "1", "output": "42"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It says 42."}]},
]


@pytest.fixture
def upstream() -> Iterator[responses.RequestsMock]:
    """A Chat upstream that says "Hello" to everything."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"{URL}/chat/completions", json=COMPLETION)
        yield mock


def compact(client: FlaskClient, **asked: Any) -> Json:
    answer = client.post("/v1/responses/compact", json={"model": "m", **asked})
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def sent(mock: responses.RequestsMock, number: int = -1) -> Json:
    return dict(json.loads(mock.calls[number].request.body))


def test_a_conversation_is_compacted_and_carried_on(
    make: Make, upstream: responses.RequestsMock, database_url: str
) -> None:
    client = make(UPSTREAM_URL=URL, DATABASE_URL=database_url)
    body = compact(client, input=ITEMS, instructions="You are X.")
    # that user messages stay is documented, though the SDK's type for an output has no place for them
    wrong = violations("responses.compact", body) if KIT else []
    assert [each for each in wrong if not each.startswith("sdk output")] == []
    assert body["object"] == "response.compaction" and body["usage"]["total_tokens"] == 3
    assert [item.get("role", item["type"]) for item in body["output"]] == ["developer", "user", "compaction"]
    assert "It says" not in str(body["output"])
    asked = sent(upstream)
    assert "tools" not in asked and "cat" in str(asked["messages"]) and "You are X." in str(asked["messages"])
    answer = client.post("/v1/responses", json={"model": "m", "input": [*body["output"], ITEMS[1]]})
    assert answer.status_code == 200 and "Convert-Lost" not in answer.headers
    said = sent(upstream)["messages"]
    assert [message["role"] for message in said] == ["system", "user", "user", "user"]
    assert said[2]["content"].endswith("\n\nHello")
    follow = client.post("/v1/responses", json={"model": "m", "input": "?", "previous_response_id": answer.json["id"]})
    assert follow.status_code == 200 and sent(upstream)["messages"][:4] == said


@pytest.mark.parametrize("form", ["chat", "messages", "gemini", "responses"])
def test_the_items_mean_the_same_to_every_upstream(make: Make, form: str) -> None:
    items = compact(make(), input=ITEMS)["output"]
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for path in ("chat/completions", "messages", "responses", "models/m:generateContent"):
            mock.post(f"{URL}/{path}", status=500, json={"error": {"message": "enough"}})
        client = make(UPSTREAM_URL=URL, UPSTREAM_FORMAT=form)
        client.post("/v1/responses", json={"model": "m", "max_output_tokens": 99, "input": [*items, ITEMS[1]]})
        body = mock.calls[0].request.body
    assert b"It says 42." in body and b"compaction" not in body


def test_what_was_compacted_before_goes_into_the_next_summary(make: Make, upstream: responses.RequestsMock) -> None:
    client = make(UPSTREAM_URL=URL)
    first = compact(client, input=ITEMS)["output"]
    second = compact(client, input=[*first, {"role": "user", "content": "And b.txt?"}])["output"]
    assert [item["type"] for item in second] == ["message", "message", "message", "compaction"]
    assert "[user]\nEverything before" in str(sent(upstream)["messages"][-1]["content"])


def test_a_chain_of_responses_is_compacted(make: Make, upstream: responses.RequestsMock, database_url: str) -> None:
    client = make(UPSTREAM_URL=URL, DATABASE_URL=database_url)
    previous = client.post("/v1/responses", json={"model": "m", "input": "First words"}).json["id"]
    items = compact(client, previous_response_id=previous, input="More words")["output"]
    assert [item["content"][0]["text"] for item in items[:-1]] == ["First words", "More words"]
    assert "[assistant]\nHello" in sent(upstream)["messages"][-1]["content"]


@pytest.mark.parametrize(("asked", "param"), [
    ({"model": None, "input": "x"}, "model"), ({"model": "", "input": "x"}, "model"), ({}, "input"),
    ({"input": 3}, "input"), ({"input": []}, "input"), ({"input": ["x"]}, "input[0]"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input[0].encrypted_content"),
    ({"input": [{"type": "reasoning", "summary": []}]}, "input"), ({"input": "x", "instructions": 3}, "instructions"),
    ({"previous_response_id": "resp_none"}, "previous_response_id"),
    ({"previous_response_id": "../../etc"}, "previous_response_id"),
])  # fmt: skip
def test_bad_input(make: Make, upstream: responses.RequestsMock, asked: Json, param: str) -> None:
    answer = make(UPSTREAM_URL=URL).post("/v1/responses/compact", json={"model": "m", **asked})
    assert (answer.status_code, answer.json["error"]["param"]) == (400, param)
    assert not upstream.calls


def test_faults_behind_a_history_are_told_where_they_are(make: Make) -> None:
    client = make()
    previous = client.post("/v1/responses", json={"model": "m", "input": "x"}).json["id"]
    for item, param in (({"role": "user"}, "content"), ({"type": "compaction"}, "encrypted_content")):
        for path in ("/v1/responses", "/v1/responses/compact", "/v1/responses/input_tokens"):
            asked = {"model": "m", "previous_response_id": previous, "input": ["y", item][1:]}
            assert client.post(path, json=asked).json["error"]["param"] == f"input[0].{param}", path


def test_a_key_is_asked_for(make: Make) -> None:
    assert make(CONVERT_KEYS="k").post("/v1/responses/compact", json={"model": "m", "input": "x"}).status_code == 401


@pytest.mark.parametrize(("status", "reason"), [(429, None), (200, "length"), (200, "empty")])
def test_an_upstream_that_makes_no_summary(make: Make, status: int, reason: str | None) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "" if reason == "empty" else "x"}}
    body = COMPLETION | {"choices": [choice | {"finish_reason": "stop" if reason == "empty" else reason}]}
    with responses.RequestsMock() as mock:
        mock.post(f"{URL}/chat/completions", status=status, json=body if reason else {"error": {"message": "slow"}})
        answer = make(UPSTREAM_URL=URL).post("/v1/responses/compact", json={"model": "m", "input": "x"})
    assert answer.status_code == (429 if status == 429 else 502)


# --- an upstream that is a Responses API -------------------------------------------------------------


def test_the_upstream_compacts_where_it_can(make: Make) -> None:
    made = {"id": "resp_1", "object": "response.compaction", "created_at": 1, "output": [], "usage": {}}
    asked = {"model": "m", "input": ITEMS, "previous_response_id": "resp_0", "future": 1}
    with responses.RequestsMock() as mock:
        mock.post(f"{URL}/responses/compact", json=made, headers={"x-request-id": "r"})
        client = make(UPSTREAM_URL=URL, UPSTREAM_FORMAT="responses")
        answer = client.post("/v1/responses/compact", json=asked)
        assert sent(mock) == asked
        foreign = [{"type": "compaction", "encrypted_content": "OpenAI's"}]
        client.post("/v1/responses/compact", json={"model": "m", "input": foreign})
        assert sent(mock)["input"] == foreign
    assert answer.json == made and answer.headers["x-request-id"] == "r"


def test_an_upstream_without_compaction_makes_the_summary(make: Make) -> None:
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
        {"type": "output_text", "text": "In short", "annotations": []}]}]  # fmt: skip
    made = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": output}
    with responses.RequestsMock() as mock:
        mock.post(f"{URL}/responses/compact", status=404, json={})
        mock.post(f"{URL}/responses", json=made)
        client = make(UPSTREAM_URL=URL, UPSTREAM_FORMAT="responses")
        assert compact(client, input=ITEMS)["output"][-1]["type"] == "compaction"
        answer = client.post("/v1/responses/compact", json={"model": "m", "previous_response_id": "resp_0"})
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "previous_response_id")


def test_the_upstreams_error_is_passed_on(make: Make) -> None:
    error = {"error": {"message": "No", "type": "invalid_request_error", "code": "x", "param": "model"}}
    with responses.RequestsMock() as mock:
        mock.post(f"{URL}/responses/compact", status=400, json=error)
        client = make(UPSTREAM_URL=URL, UPSTREAM_FORMAT="responses")
        answer = client.post("/v1/responses/compact", json={"model": "m", "input": "x"})
    assert (answer.status_code, answer.json) == (400, error)


# --- what clients do --------------------------------------------------------------------------------


def test_codex_compacts_with_an_ordinary_request(make: Make, upstream: responses.RequestsMock) -> None:
    text = "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a summary."
    content = [{"type": "input_text", "text": text}]
    checkpoint = {"type": "message", "role": "user", "id": "msg_1", "content": content}
    asked = {
        "model": "m", "input": [*ITEMS, checkpoint], "tool_choice": "auto", "parallel_tool_calls": False,
        "reasoning": {"summary": "auto"}, "store": False, "stream": True, "prompt_cache_key": "thread",
        "include": ["reasoning.encrypted_content"], "client_metadata": {"x": "y"},
    }  # fmt: skip
    answer = make(UPSTREAM_URL=URL).post("/v1/responses", json=asked)
    assert answer.status_code == 200 and "response.completed" in answer.text and "Hello" in answer.text
    body = sent(upstream)
    assert "tools" not in body and body["messages"][-1]["content"].startswith("You are performing")
    assert [message["role"] for message in body["messages"]] == [
        "system", "user", "assistant", "tool", "assistant", "user"
    ]  # fmt: skip


def test_the_openai_sdk(make_app: Callable[..., Flask]) -> None:
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        sdk = OpenAI(api_key="x", base_url=f"http://127.0.0.1:{server.port}/v1")
        compacted = sdk.responses.compact(model="m", input="Hello there")
        assert compacted.output[-1].type == "compaction" and compacted.usage.total_tokens > 0
        items: list[Any] = [item.model_dump(warnings=False) for item in compacted.output]
        again = sdk.responses.create(model="m", input=[*items, {"role": "user", "content": "go on"}])
        assert again.output_text == "go on"
        counted = sdk.responses.input_tokens.count(model="m", input="Hello there", previous_response_id=again.id)
        assert counted.object == "response.input_tokens" and counted.input_tokens > 30
    finally:
        server.shutdown()
