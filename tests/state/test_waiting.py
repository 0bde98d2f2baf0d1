from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from convert.settings import load
from convert.state.memory import Memory
from convert.state.waiting import Waiting
from tests.conftest import Make

USER = {"role": "user", "content": "What is the weather?"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
THOUGHT = {"type": "thinking", "thinking": "I should look.", "signature": "c2lnbmVk"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [THOUGHT, CALL],
    "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
EVENTS = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {**THOUGHT, "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "I should look."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2lnbmVk"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": CALL},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]


def client(make: Make, url: str) -> FlaskClient:
    return make(UPSTREAM_URL="http://up.test", UPSTREAM_FORMAT="messages", DATABASE_URL=url)


def ask(client: FlaskClient, key: str, **further: Any) -> Any:
    body = {"model": "m", "reasoning_effort": "high", "tools": [TOOL], "messages": [USER], **further}
    return client.post("/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"})


def returned() -> list[Any]:
    call = {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "toolu_1", "content": "Sunny"}
    return [USER, {"role": "assistant", "content": None, "tool_calls": [call]}, result]


def sent_back(upstream: Any) -> Any:
    import json

    return json.loads(upstream.calls[-1].request.body)["messages"][1]["content"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_client_keeps_the_signed_thinking_of_a_messages_upstream(
    make: Make, upstream: Any, database_url: str, streamed: bool
) -> None:
    if streamed:
        sse = "".join(f"event: {each['type']}\ndata: {__import__('json').dumps(each)}\n\n" for each in EVENTS)
        upstream.add(upstream.POST, "http://up.test/v1/messages", body=sse, content_type="text/event-stream")
    else:
        upstream.add(upstream.POST, "http://up.test/v1/messages", json=ANSWER)
    first = ask(client(make, database_url), "one", stream=streamed)
    assert first.status_code == 200 and "c2lnbmVk" not in first.get_data(as_text=True)
    ask(client(make, database_url), "one", messages=returned())  # another process would see it too
    assert sent_back(upstream) == [THOUGHT, CALL]


def test_it_waits_for_its_own_tenant_only(make: Make, upstream: Any, database_url: str) -> None:
    upstream.add(upstream.POST, "http://up.test/v1/messages", json=ANSWER)
    ask(client(make, database_url), "one").get_data()
    ask(client(make, database_url), "two", messages=returned())
    assert sent_back(upstream) == [CALL]


def test_without_a_database_the_conversation_goes_on(make: Make, upstream: Any) -> None:
    upstream.add(upstream.POST, "http://up.test/v1/messages", json=ANSWER)
    down = client(make, "postgresql://nobody@127.0.0.1:1/none")
    assert ask(down, "one").status_code == 200
    assert ask(down, "one", messages=returned()).status_code == 200


def test_a_database_that_fails_later_costs_the_state_only() -> None:
    waiting = Waiting(Memory(load(None, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})), "tenant")
    waiting.keep({"call": {}})
    assert waiting.recall(["call"]) == {}
