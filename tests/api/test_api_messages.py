from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from convert import sse

Make = Callable[..., FlaskClient]
ASKED = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello there"}]}


@pytest.mark.parametrize("path", ["/v1/messages", "/messages", "/v1/messages?beta=true"])
def test_a_message_of_an_upstream_that_speaks_another_api(make: Make, path: str) -> None:
    body = make().post(path, json=ASKED).get_json()
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert [(block["type"], block["text"]) for block in body["content"]] == [("text", "Hello there")]
    assert body["usage"]["input_tokens"] > 0


def test_a_stream_has_a_name_on_every_event(make: Make) -> None:
    data = make().post("/v1/messages", json={**ASKED, "stream": True}).data
    names = [line[7:].decode() for line in data.splitlines() if line.startswith(b"event: ")]
    kinds = [chunk["type"] for chunk in sse.chunks([data])]
    assert names == kinds
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and "content_block_delta" in kinds


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**ASKED, "messages": []}, "messages"),
        ({"model": "m", "messages": ASKED["messages"]}, "max_tokens"),
        ({**ASKED, "messages": [{"role": "robot", "content": "a"}]}, "messages[0].role"),
        ({**ASKED, "thread": {"type": "create"}}, "thread"),
    ],
)
def test_a_mistake_is_told_in_anthropics_shape(make: Make, body: Any, words: str) -> None:
    answer = make().post("/v1/messages", json=body)
    told = answer.get_json()
    assert answer.status_code == 400 and told["type"] == "error"
    assert told["error"]["type"] == "invalid_request_error" and words in told["error"]["message"]


def test_a_thread_is_refused_in_the_way_that_makes_the_sdk_send_everything(make: Make) -> None:
    error = make().post("/v1/messages", json={**ASKED, "thread": {"type": "create"}}).get_json()["error"]
    assert error["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


def test_an_unknown_key_is_told_in_anthropics_shape(make: Make) -> None:
    answer = make(CONVERT_KEYS="k").post("/v1/messages", json=ASKED)
    assert answer.status_code == 401 and answer.get_json()["error"]["type"] == "authentication_error"
    assert make(CONVERT_KEYS="k").post("/v1/messages", json=ASKED, headers={"x-api-key": "k"}).status_code == 200


def test_tokens_are_counted_by_estimate_where_the_upstream_has_no_counter(make: Make) -> None:
    asked = {"model": "m", "messages": ASKED["messages"]}
    answer = make().post("/v1/messages/count_tokens?beta=true", json=asked)
    assert answer.status_code == 200 and answer.headers["Convert-Estimate"] == "tokens"
    assert 1 < answer.get_json()["input_tokens"] < 20


def test_models_in_anthropics_shape(make: Make) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS="a,b,c")
    headers = {"anthropic-version": "2023-06-01"}
    first = client.get("/v1/models?limit=2", headers=headers).get_json()
    assert [model["id"] for model in first["data"]] == ["a", "b"] and first["has_more"] is True
    assert first["data"][0]["type"] == "model" and first["last_id"] == "b"
    rest = client.get("/v1/models?limit=2&after_id=b", headers=headers).get_json()
    assert [model["id"] for model in rest["data"]] == ["c"] and rest["has_more"] is False
    assert client.get("/v1/models?before_id=c", headers=headers).get_json()["last_id"] == "b"
    assert client.get("/v1/models/b", headers={"x-api-key": "k"}).get_json()["display_name"] == "b"
    assert client.get("/v1/models?limit=none", headers=headers).get_json()["error"]["type"] == "invalid_request_error"
    assert client.get("/v1/models").get_json()["object"] == "list"


ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
BETAS = "claude-code-20250219,effort-2025-11-24,oauth-2025-04-20"


@pytest.mark.parametrize(
    ("complaint", "kept"),
    [
        ("Unexpected value(s) `effort-2025-11-24`, `oauth-2025-04-20` for the `anthropic-beta` header.", BETAS[:20]),
        ("invalid beta flag", None),
    ],
)
def test_betas_that_an_upstream_refuses_are_left_out(make: Make, upstream: Any, complaint: str, kept: Any) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": complaint}}
    upstream.add("POST", "https://claude.test/v1/messages", json=error, status=400)
    upstream.add("POST", "https://claude.test/v1/messages", json=ANSWER)
    client = make(UPSTREAM_URL="https://claude.test", UPSTREAM_FORMAT="messages")
    answer = client.post("/v1/messages?beta=true", json=ASKED, headers={"anthropic-beta": BETAS})
    assert answer.status_code == 200 and answer.get_json() == ANSWER
    assert [call.request.headers.get("anthropic-beta") for call in upstream.calls] == [BETAS, kept]


def test_another_complaint_is_passed_on_at_once(make: Make, upstream: Any) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: required"}}
    upstream.add("POST", "https://claude.test/v1/messages", json=error, status=400)
    client = make(UPSTREAM_URL="https://claude.test", UPSTREAM_FORMAT="messages")
    answer = client.post("/v1/messages", json=ASKED, headers={"anthropic-beta": BETAS})
    assert (answer.status_code, answer.get_json(), len(upstream.calls)) == (400, error, 1)
