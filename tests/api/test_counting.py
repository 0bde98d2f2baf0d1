from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import responses
from flask.testing import FlaskClient

Make = Callable[..., FlaskClient]
MESSAGES = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
COUNTERS = [  # (format, path of its counter, its answer)
    ("messages", "/v1/messages/count_tokens", {"input_tokens": 77}),
    ("responses", "/v1/responses/input_tokens", {"object": "response.input_tokens", "input_tokens": 77}),
    ("gemini", "/v1beta/models/claude:countTokens", {"totalTokens": 77}),
]


def counted(client: FlaskClient, form: str) -> tuple[int, str | None]:
    """(number, header of an estimate) of a count in a client's format."""
    if form == "messages":
        answer = client.post("/v1/messages/count_tokens", json=MESSAGES)
    else:
        answer = client.post("/v1beta/models/claude:countTokens", json=CONTENTS)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    return body.get("input_tokens", body.get("totalTokens")), answer.headers.get("Convert-Estimate")


@pytest.mark.parametrize("client", ["messages", "gemini"])
@pytest.mark.parametrize(("wire", "path", "answer"), COUNTERS)
def test_the_upstream_counts_where_it_can(make: Make, client: str, wire: str, path: str, answer: object) -> None:
    base = "https://api.x.com/v1beta" if wire == "gemini" else "https://api.x.com"
    with responses.RequestsMock() as mock:
        mock.post(f"https://api.x.com{path}", json=answer)
        assert counted(make(UPSTREAM_URL=base, UPSTREAM_FORMAT=wire), client) == (77, None)
        sent = json.loads(mock.calls[0].request.body)
    assert "Hello" in str(sent) and "max_tokens" not in sent and "stream" not in sent


@pytest.mark.parametrize("client", ["messages", "gemini"])
def test_an_upstream_whose_counter_is_missing_is_estimated(make: Make, client: str) -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://api.x.com/v1/messages/count_tokens", status=404, json={})
        number, estimate = counted(make(UPSTREAM_URL="https://api.x.com", UPSTREAM_FORMAT="messages"), client)
    assert estimate == "tokens" and 0 < number < 20


@pytest.mark.parametrize(("status", "body"), [(429, {"error": {"message": "slow"}}), (200, {"odd": 1}), (200, [])])
def test_other_failures_are_told(make: Make, status: int, body: object) -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://api.x.com/v1/messages/count_tokens", status=status, json=body)
        client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_FORMAT="messages")
        answer = client.post("/v1/messages/count_tokens", json=MESSAGES)
    assert answer.status_code == (429 if status == 429 else 502) and answer.get_json()["type"] == "error"


# --- POST /v1/responses/input_tokens -----------------------------------------------------------------


def test_a_history_is_counted_too(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url)
    asked = {"model": "m", "input": "one two three"}
    alone = client.post("/v1/responses/input_tokens", json=asked)
    assert alone.get_json() == {"object": "response.input_tokens", "input_tokens": alone.json["input_tokens"]}
    assert alone.headers["Convert-Estimate"] == "tokens" and 0 < alone.json["input_tokens"] < 20
    previous = client.post("/v1/responses", json={"model": "m", "input": "word " * 100}).json["id"]
    behind = client.post("/v1/responses/input_tokens", json=asked | {"previous_response_id": previous})
    assert behind.json["input_tokens"] > alone.json["input_tokens"] + 150  # the words, and their echo
    only = client.post("/v1/responses/input_tokens", json={"previous_response_id": previous})
    assert behind.json["input_tokens"] > only.json["input_tokens"] > 150


@pytest.mark.parametrize(("wire", "path", "answer"), COUNTERS)
def test_a_history_is_counted_by_the_upstream(make: Make, wire: str, path: str, answer: object) -> None:
    client = make(UPSTREAM_CHAT_URL="echo://demonstration", UPSTREAM_CHAT_DEFAULT="1", UPSTREAM_URL=(
        "https://api.x.com/v1beta" if wire == "gemini" else "https://api.x.com"), UPSTREAM_FORMAT=wire)  # fmt: skip
    previous = client.post("/v1/responses", json={"model": "claude", "input": "Hello"}).json["id"]
    asked = {"model": "claude", "input": "again", "previous_response_id": previous, "store": True, "stream": True}
    with responses.RequestsMock() as mock:
        mock.post(f"https://api.x.com{path}", json=answer)
        counted = client.post("/v1/responses/input_tokens", json=asked, headers={"Convert-Upstream": "main"})
        sent = json.loads(mock.calls[0].request.body)
    assert counted.get_json() == {"object": "response.input_tokens", "input_tokens": 77}
    assert "Convert-Estimate" not in counted.headers and "again" in str(sent) and "stream" not in sent
    if wire == "responses":  # it knows its own responses, and nothing of ours
        assert sent == {"model": "claude", "input": "again", "previous_response_id": previous}
    else:
        assert "Hello" in str(sent)


def test_a_history_that_nobody_can_count(make: Make) -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://api.x.com/v1/responses/input_tokens", status=404, json={})
        client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_FORMAT="responses")
        asked = {"model": "m", "input": "x", "previous_response_id": "resp_1"}
        answer = client.post("/v1/responses/input_tokens", json=asked)
        assert (answer.status_code, answer.json["error"]["param"]) == (400, "previous_response_id")
        assert client.post("/v1/responses/input_tokens", json={"input": "x"}).json["input_tokens"] > 0


@pytest.mark.parametrize(("asked", "param"), [
    ({"model": "m"}, "input"), ({"input": 3}, "input"), ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": "x", "previous_response_id": "resp_none"}, "previous_response_id"),
    ({"input": "x", "conversation": "conv_none"}, "conversation"),
    ({"input": "x", "conversation": "c", "previous_response_id": "p"}, "conversation"),
    ({"input": "x", "tools": 3}, "tools"), ({"input": "x", "prompt": {"id": "p"}}, "prompt"),
])  # fmt: skip
def test_what_cannot_be_counted(make: Make, asked: object, param: str) -> None:
    answer = make().post("/v1/responses/input_tokens", json=asked)
    assert answer.json["error"]["param"] == param, answer.text
    assert answer.status_code == (404 if param == "conversation" and "previous" not in str(asked) else 400)
