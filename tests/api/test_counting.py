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
