from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import responses
from flask.testing import FlaskClient

from convert import sse

Make = Callable[..., FlaskClient]
SSE = "text/event-stream"
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


def test_models_in_pages_and_under_v1_too(make: Make) -> None:
    names = [f"models/m{number}" for number in range(5)]
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS=",".join(name[7:] for name in names))
    seen, token = [], ""
    while True:
        told = client.get("/v1beta/models", query_string={"pageSize": 2, "pageToken": token}).get_json()
        seen += [model["name"] for model in told["models"]]
        token = told.get("nextPageToken")
        if not token:
            break
    assert seen == names
    assert "nextPageToken" not in client.get("/v1beta/models?pageSize=100000").get_json()
    for query in ("pageSize=x", "pageToken=none"):
        error = client.get(f"/v1beta/models?{query}").get_json()["error"]
        assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    for how in ({"headers": {"x-goog-api-key": "k"}}, {"query_string": {"key": "k"}}):
        assert client.get("/v1/models", **how).get_json()["models"][0]["name"] == "models/m0"
        assert client.get("/v1/models/m1", **how).get_json()["name"] == "models/m1"


def test_a_key_in_the_query_goes_upstream_in_a_header_only(
    make: Make, upstream: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    upstream.add("POST", re.compile("https://generativelanguage.googleapis.com/.*"), json=body)
    client = make(UPSTREAM_URL="https://generativelanguage.googleapis.com", UPSTREAM_FORMAT="gemini")
    with caplog.at_level("DEBUG"):
        answer = client.post("/v1beta/models/gemini-3-pro:generateContent?key=sekret", json=ASKED, buffered=True)
    assert said(answer.get_json()) == "Hi"
    (call,) = upstream.calls
    assert call.request.headers["x-goog-api-key"] == "sekret" and "sekret" not in call.request.url
    assert call.request.url.endswith("/v1beta/models/gemini-3-pro:generateContent")
    assert "sekret" not in caplog.text


def test_a_failure_inside_of_the_array_form_is_its_last_element(make: Make, upstream: responses.RequestsMock) -> None:
    frames = b'data: {"choices":[{"index":0,"delta":{"content":"One "}}]}\n\n'
    upstream.replace(responses.POST, re.compile(r"https?://.*/chat/completions"), body=frames, content_type=SSE)
    client = make(UPSTREAM_URL="https://api.x.com")
    answer = client.post("/v1beta/models/m:streamGenerateContent", json=ASKED)
    *chunks, last = json.loads(answer.data)
    assert said(chunks[0]) == "One " and last["error"]["code"] >= 500 and last["error"]["status"] == "INTERNAL"


def test_a_count_counts_the_whole_request(make: Make) -> None:
    def counted(body: dict) -> int:  # type: ignore[type-arg]
        return int(make().post("/v1beta/models/m:countTokens", json=body).get_json()["totalTokens"])

    tools = {"tools": [{"functionDeclarations": [{"name": "f", "description": "does " * 50}]}]}
    system = {"systemInstruction": {"parts": [{"text": "be kind " * 50}]}}
    whole = counted({"generateContentRequest": {"model": "models/m", **ASKED, **tools, **system}})
    assert whole > counted({"generateContentRequest": {"model": "models/m", **ASKED, **system}}) > counted(ASKED)
