from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from convert import sse

Make = Callable[..., FlaskClient]
ASKED = {"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]}


def said(body: dict) -> str:  # type: ignore[type-arg]
    parts = body["candidates"][0]["content"]["parts"]
    return "".join(part["text"] for part in parts)


@pytest.mark.parametrize("path", ["/v1beta/models/m", "/v1/models/m", "/v1beta/models/org/m"])
def test_an_answer_of_an_upstream_that_speaks_another_api(make: Make, path: str) -> None:
    answer = make().post(f"{path}:generateContent", json=ASKED)
    body = answer.get_json()
    assert answer.status_code == 200 and said(body) == "Hello there"
    assert body["candidates"][0]["finishReason"] == "STOP" and body["usageMetadata"]["promptTokenCount"] > 0


def test_a_stream_is_data_and_nothing_else(make: Make) -> None:
    answer = make().post("/v1beta/models/m:streamGenerateContent?alt=sse", json=ASKED)
    lines = [line for line in answer.data.splitlines() if line]
    assert all(line.startswith(b"data: {") for line in lines) and answer.mimetype == "text/event-stream"
    chunks = list(sse.chunks([answer.data]))
    assert "".join(map(said, chunks)) == "Hello there"
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_stream_without_alt_is_a_json_array(make: Make) -> None:
    answer = make().post("/v1beta/models/m:streamGenerateContent", json=ASKED)
    assert answer.mimetype == "application/json"
    assert "".join(map(said, json.loads(answer.data))) == "Hello there"


def test_a_mistake_is_told_in_googles_shape(make: Make) -> None:
    wrong = {"contents": [{"parts": [{"text": 7}]}]}
    for body, words in (({"contents": []}, "contents"), (wrong, "contents[0].parts[0]")):
        answer = make().post("/v1beta/models/m:generateContent", json=body)
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
        assert words in error["message"]
    assert make().post("/v1beta/models/m:embedContent", json=ASKED).status_code == 405


@pytest.mark.parametrize("how", [{"headers": {"x-goog-api-key": "k"}}, {"query_string": {"key": "k"}}])
def test_keys_as_googles_clients_send_them(make: Make, how: dict) -> None:  # type: ignore[type-arg]
    client, path = make(CONVERT_KEYS="k"), "/v1beta/models/m:generateContent"
    assert client.post(path, json=ASKED).get_json()["error"]["status"] == "UNAUTHENTICATED"
    assert client.post(path, json=ASKED, **how).status_code == 200


@pytest.mark.parametrize("body", [ASKED, {"generateContentRequest": {"model": "models/m", **ASKED}}])
def test_tokens_are_counted_by_estimate_where_the_upstream_has_no_counter(make: Make, body: dict) -> None:  # type: ignore[type-arg]
    answer = make().post("/v1beta/models/m:countTokens", json=body)
    assert answer.headers["Convert-Estimate"] == "tokens" and 1 < answer.get_json()["totalTokens"] < 20


def test_models_in_googles_shape(make: Make) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS="a,b")
    assert [model["name"] for model in client.get("/v1beta/models").get_json()["models"]] == ["models/a", "models/b"]
    assert client.get("/v1beta/models/b").get_json()["displayName"] == "b"
    assert client.get("/v1beta/models/c").get_json()["error"]["status"] == "NOT_FOUND"
