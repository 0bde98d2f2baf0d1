from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from convert.formats import FORMATS

Make = Callable[..., FlaskClient]
ASKED = {"model": "m", "input": "hi", "instructions": "Be brief.", "truncation": "auto"}
COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}  # fmt: skip
CHUNKS = b"".join(
    b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": delta, "finish_reason": reason}]}).encode() + b"\n\n"
    for delta, reason in [({"role": "assistant", "content": "Hel"}, None), ({"content": "lo"}, None), ({}, "stop")]
) + b"data: [DONE]\n\n"  # fmt: skip


def post(client: FlaskClient, query: str, body: Any, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/convert?{query}", data=data, content_type="application/json", headers=headers)


def test_a_request_and_what_it_loses(make: Make) -> None:
    answer = post(make(), "from=responses&to=chat&kind=request", ASKED)
    assert answer.status_code == 200
    assert [message["role"] for message in answer.json["body"]["messages"]] == ["system", "user"]
    assert "truncation" in [loss["path"] for loss in answer.json["losses"]]
    assert all(set(loss) == {"path", "how", "what"} for loss in answer.json["losses"])


def test_kind_is_request_when_not_said(make: Make) -> None:
    client = make()
    assert (
        post(client, "from=responses&to=chat", ASKED).json
        == post(client, "from=responses&to=chat&kind=request", ASKED).json
    )


def test_the_same_format_is_left_as_it_is(make: Make) -> None:
    client = make()
    assert post(client, "from=responses&to=responses", ASKED).json == {"body": ASKED, "losses": []}
    assert post(client, "from=chat&to=chat&kind=response", COMPLETION).json["body"] == COMPLETION
    assert post(client, "from=chat&to=chat&kind=stream", CHUNKS).json["body"] == CHUNKS.decode()


def test_a_forced_model(make: Make) -> None:
    assert post(make(), "from=responses&to=chat&model=other", ASKED).json["body"]["model"] == "other"


def test_an_answer(make: Make) -> None:
    answer = post(make(), "from=chat&to=responses&kind=response", COMPLETION)
    assert answer.status_code == 200
    assert answer.json["body"]["object"] == "response"
    assert answer.json["body"]["output"][0]["content"][0]["text"] == "Hello"


def test_a_stream(make: Make) -> None:
    text = post(make(), "from=chat&to=responses&kind=stream", CHUNKS).json["body"]
    assert text.count("event: response.output_text.delta") == 2
    assert "event: response.completed" in text


def test_a_stream_that_is_cut_off_does_not_count_as_complete(make: Make) -> None:
    text = post(make(), "from=chat&to=responses&kind=stream", CHUNKS[: len(CHUNKS) // 3]).json["body"]
    assert "response.completed" not in text
    assert "response.failed" in text


def test_strict_refuses_with_the_losses(make: Make) -> None:
    for answer in (
        post(make(), "from=responses&to=chat", ASKED, **{"Convert-Strict": "1"}),
        post(make(CONVERT_STRICT="1"), "from=responses&to=chat", ASKED),
    ):
        assert answer.status_code == 422
        assert "truncation" in answer.json["error"]["message"]
    assert post(make(CONVERT_STRICT="1"), "from=chat&to=responses&kind=response", COMPLETION).status_code == 200


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "from"), ("from=chat", "to"), ("from=chat&to=soap", "to"), ("from=soap&to=chat", "from"),
        ("from=chat&to=chat&kind=guess", "kind"), ("from=chat&to=responses&provider=nobody", "provider"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_told(make: Make, query: str, param: str) -> None:
    answer = post(make(), query, {"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert (answer.status_code, answer.json["error"]["param"]) == (400, param)


@pytest.mark.parametrize("kind", ["request", "response"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_wrong_body_is_the_clients_mistake(make: Make, kind: str, body: bytes) -> None:
    answer = post(make(), f"from=chat&to=responses&kind={kind}", body)
    assert answer.status_code == 400
    assert answer.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", [{}, {"choices": 5}, {"choices": [{"message": "x"}]}, {"choices": [None]}])
def test_an_answer_of_the_wrong_shape_gives_an_error_and_no_traceback(make: Make, body: Any) -> None:
    answer = post(make(), "from=chat&to=responses&kind=response", body)
    assert answer.status_code == 400


def test_all_formats_are_known(make: Make) -> None:
    for name in FORMATS:
        assert post(make(), f"from={name}&to={name}&kind=response", {}).json["body"] == {}


def test_it_needs_no_key_unless_keys_are_set(make: Make) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="k")
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.post("/convert?from=chat&to=chat&kind=response", json={}, environ_base=far).status_code == 200
