from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

Make = Callable[..., FlaskClient]
FAR = {"REMOTE_ADDR": "203.0.113.9"}
TWO = {
    "UPSTREAM_URL": "https://api.x.com",
    "UPSTREAM_DEEP_URL": "https://api.deepseek.com",
    "UPSTREAM_DEEP_API_KEY": "sk-deep",
    "UPSTREAM_DEEP_MODELS": "deepseek-*",
    "UPSTREAM_DEEP_PATH_PREFIX": "to/deep",
}


def sent(upstream: Any) -> list[tuple[str, str]]:
    """Host and key of each call that an upstream got."""
    return [
        (urlsplit(call.request.url).hostname, call.request.headers.get("Authorization", "")) for call in upstream.calls
    ]


def chat(model: str = "m") -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}]}


def test_the_model_decides_and_then_the_default(make: Make, upstream: Any) -> None:
    client = make(**TWO)
    client.post("/v1/chat/completions", json=chat("deepseek-v4"))
    client.post("/v1/chat/completions", json=chat("gpt-5"))
    assert sent(upstream) == [("api.deepseek.com", "Bearer sk-deep"), ("api.x.com", "")]


def test_the_header_stands_above_the_model(make: Make, upstream: Any) -> None:
    make(**TWO).post("/v1/chat/completions", json=chat("deepseek-v4"), headers={"Convert-Upstream": "main"})
    assert sent(upstream)[0][0] == "api.x.com"


def test_the_path_stands_above_the_header(make: Make, upstream: Any) -> None:
    headers = {"Convert-Upstream": "main"}
    assert make(**TWO).post("/to/deep/v1/chat/completions", json=chat(), headers=headers).status_code == 200
    assert sent(upstream)[0][0] == "api.deepseek.com"


def test_an_unknown_upstream_is_the_clients_mistake(make: Make, upstream: Any) -> None:
    answer = make(**TWO).post("/v1/chat/completions", json=chat(), headers={"Convert-Upstream": "nope"})
    assert answer.status_code == 400
    assert "main, deep" in answer.json["error"]["message"]
    assert sent(upstream) == []


def test_a_model_that_no_upstream_serves_is_not_found(make: Make, upstream: Any) -> None:
    answer = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS="a").post("/v1/chat/completions", json=chat("b"))
    assert answer.status_code == 404
    assert (answer.json["error"]["code"], answer.json["error"]["param"]) == ("model_not_found", "model")


def test_only_a_local_client_is_lent_the_upstreams_key(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="sk-server")
    for far in ({"environ_base": FAR}, {"headers": {"X-Forwarded-For": "198.51.100.7"}}):
        answer = client.post("/v1/chat/completions", json=chat(), **far)
        assert answer.status_code == 401
        assert "CONVERT_KEYS" in answer.json["error"]["message"]
    assert sent(upstream) == []
    client.post("/v1/chat/completions", json=chat(), headers={"Authorization": "Bearer own"})
    assert sent(upstream)[0][1] == "Bearer sk-server"


@pytest.mark.parametrize("key", [{}, {"Authorization": "Bearer dummy"}])
def test_only_a_local_client_sees_what_was_made_with_the_servers_key(make: Make, upstream: Any, key: Any) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="sk-server")
    stored = "/v1/responses/" + client.post("/v1/responses", json={"model": "m", "input": "hi"}, headers=key).json["id"]
    told = client.post("/v1/chat/completions", json={**chat(), "store": True}, headers=key).json["id"]
    conversation = "/v1/conversations/" + client.post("/v1/conversations", json={}, headers=key).json["id"]
    for method, path in [
        ("GET", stored), ("GET", f"{stored}/input_items"), ("POST", f"{stored}/cancel"), ("DELETE", stored),
        ("GET", "/v1/chat/completions"), ("GET", f"/v1/chat/completions/{told}"), ("GET", conversation),
        ("DELETE", f"/v1/chat/completions/{told}"), ("DELETE", conversation), ("POST", "/v1/conversations"),
    ]:  # fmt: skip
        answer = client.open(path, method=method, headers=key, environ_base=FAR)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "convert_keys_not_set"), (method, path)
    assert [client.get(path, headers=key).status_code for path in (stored, conversation)] == [200, 200]


def test_the_clients_own_key_goes_to_an_upstream_without_one(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://api.x.com")
    client.post("/v1/chat/completions", json=chat(), headers={"Authorization": "Bearer own"}, environ_base=FAR)
    assert sent(upstream)[0][1] == "Bearer own"


def test_a_key_of_this_server_never_goes_upstream(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", CONVERT_KEYS="k1,k2")
    client.post("/v1/chat/completions", json=chat(), headers={"x-api-key": "k2"}, environ_base=FAR)
    assert sent(upstream)[0][1] == ""


def test_with_keys_set_every_endpoint_but_health_asks_for_one(make: Make) -> None:
    client = make(CONVERT_KEYS="k1")
    for method, path in [
        ("POST", "/v1/chat/completions"), ("POST", "/v1/responses"), ("POST", "/responses"), ("POST", "/"),
        ("GET", "/v1/models"), ("GET", "/v1/models/x"), ("POST", "/convert?from=chat&to=responses"),
    ]:  # fmt: skip
        answer = client.open(path, method=method, data=b"not even JSON")
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/health").status_code == 200


def test_an_open_server_serves_anybody(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="sk-server", CONVERT_OPEN="1")
    client.post("/v1/chat/completions", json=chat(), environ_base=FAR)
    assert sent(upstream)[0][1] == "Bearer sk-server"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"messages": []}', b"\xff{}"])
def test_a_wrong_body_is_refused_before_any_upstream_is_chosen(make: Make, upstream: Any, body: bytes) -> None:
    answer = make().post("/v1/chat/completions", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert sent(upstream) == []
