from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def test_model_discovery_of_claude_code_and_the_sdks_way_through_the_pages(make: Make) -> None:
    names = [f"m{number}" for number in range(7)]
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS=",".join(names))
    headers = {"Authorization": "Bearer k", "anthropic-version": "2026-10-21"}

    def page(query: str) -> Any:
        answer = client.get(f"/v1/models?{query}", headers=headers)
        assert answer.status_code == 200
        return answer.get_json()

    whole = page("limit=1000")
    assert ([each["id"] for each in whole["data"]], whole["has_more"]) == (names, False)
    seen, told = [], page("limit=3")
    while True:
        seen += [each["id"] for each in told["data"]]
        if not told["has_more"]:
            break
        told = page(f"limit=3&after_id={told['last_id']}")
    assert seen == names
    told = page("limit=3&before_id=m6")
    assert ([each["id"] for each in told["data"]], told["has_more"], told["first_id"]) == (names[3:6], True, "m3")
    told = page("limit=3&before_id=m3")
    assert ([each["id"] for each in told["data"]], told["has_more"]) == (names[:3], False)
    assert client.get("/v1/models?after_id=none", headers=headers).status_code == 400
    assert client.get("/v1/models?limit=0", headers=headers).get_json()["type"] == "error"


def test_a_burst_of_counts_is_answered(make: Make) -> None:
    """As Claude Code's /context makes it: some twenty-five at once."""
    client = make()
    asked = {"model": "m", "messages": ASKED["messages"], "tools": [{"name": "f", "input_schema": {"type": "object"}}]}

    def counted(number: int) -> tuple[int, int]:
        answer = client.application.test_client().post("/v1/messages/count_tokens?beta=true", json=asked)
        return answer.status_code, answer.get_json()["input_tokens"]

    with ThreadPoolExecutor(25) as pool:
        results = set(pool.map(counted, range(25)))
    assert len(results) == 1 and results.pop()[0] == 200


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


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.anthropic.com", BETAS),
        ("https://openrouter.ai/api", BETAS),
        ("https://api.minimax.io/anthropic", None),
        ("https://api.deepseek.com/anthropic", "files-api-2025-04-14"),
    ],
)
def test_betas_go_whole_to_anthropic_and_to_other_vendors_as_far_as_they_know_them(
    make: Make, upstream: Any, url: str, sent: str | None
) -> None:
    upstream.add("POST", re.compile(f"{url}/.*"), json=ANSWER)
    client = make(UPSTREAM_URL=url, UPSTREAM_FORMAT="messages", UPSTREAM_API_KEY="k")
    betas = BETAS if sent == BETAS else f"{BETAS},files-api-2025-04-14"
    answer = client.post("/v1/messages?beta=true", json=ASKED, headers={"anthropic-beta": betas})
    assert answer.status_code == 200 and answer.get_json() == ANSWER
    (call,) = upstream.calls
    assert call.request.headers.get("anthropic-beta") == sent
    assert call.request.url.endswith("/v1/messages") and call.request.headers["anthropic-version"] == "2023-06-01"


def test_what_claude_code_sends_reaches_another_vendor_without_what_is_anthropics_alone(
    make: Make, upstream: Any
) -> None:
    """A system message among the others, a billing header, a tool that was found, thinking, in one request."""
    upstream.add("POST", "https://api.minimax.io/anthropic/v1/messages", json=ANSWER)
    client = make(UPSTREAM_URL="https://api.minimax.io/anthropic", UPSTREAM_FORMAT="messages", UPSTREAM_API_KEY="k")
    result = {
        "type": "tool_result", "tool_use_id": "toolu_1",
        "content": [{"type": "tool_reference", "tool_name": "Web"}, {"type": "text", "text": "Tool loaded."}],
    }  # fmt: skip
    asked = {
        "model": "MiniMax-M3", "max_tokens": 32000, "stream": False, "metadata": {"user_id": "u"},
        "thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cch=1;"},
            {"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}},
        ],
        "tools": [{"name": "Web", "input_schema": {"type": "object"}, "defer_loading": True}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {}},
            ]},
            {"role": "user", "content": [result]},
        ],
    }  # fmt: skip
    answer = client.post("/v1/messages?beta=true", json=asked)
    assert answer.status_code == 200 and answer.get_json() == ANSWER
    sent = json.loads(upstream.calls[0].request.body)
    assert sent["system"] == asked["system"][1:]
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][0]["content"][1]["text"] == "<system>\nBe brief.\n</system>"
    assert sent["messages"][1] == asked["messages"][2]
    assert [block["type"] for block in sent["messages"][2]["content"][0]["content"]] == ["text", "text"]
    assert "Web" in sent["messages"][2]["content"][0]["content"][0]["text"]
    assert sent["thinking"] == asked["thinking"] and sent["metadata"] == {"user_id": "u"}
