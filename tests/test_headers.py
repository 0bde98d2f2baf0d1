from __future__ import annotations

import pytest

from convert import headers


def test_the_client_headers_that_pass_are_those_with_a_meaning_upstream() -> None:
    client = {"openai-organization": "o", "x-api-key": "k", "cookie": "c", "host": "h", "traceparent": "t"}
    passed = headers.sent(client, {"Authorization": "Bearer k2"}, stream=False)
    kept = {"openai-organization": "o", "traceparent": "t"}
    assert passed == kept | {"Accept": "application/json", "Authorization": "Bearer k2"}
    assert headers.sent({}, {}, stream=True) == {"Accept": "text/event-stream"}


def test_the_upstream_headers_that_pass_are_hints_limits_and_ids() -> None:
    upstream = {"Retry-After": "1", "X-RateLimit-Reset": "2", "Request-Id": "r", "Set-Cookie": "c", "Server": "s"}
    assert headers.returned(upstream) == {"Retry-After": "1", "X-RateLimit-Reset": "2", "Request-Id": "r"}


def test_headers_are_found_under_any_spelling() -> None:
    given = headers.Given([("Content-Type", "text/plain"), ("X-API-Key", "k")])
    assert given["x-api-key"] == given["X-Api-Key"] == given.get("X-API-KEY") == "k"
    assert "Content-type" in given and "Accept" not in given and given.get("Accept") is None
    assert list(given) == ["content-type", "x-api-key"]


def test_the_headers_of_a_request_are_those_of_its_environment() -> None:
    environ = {
        "HTTP_X_API_KEY": "k", "HTTP_HOST": "h", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "", "PATH_INFO": "/",
        "wsgi.input": None,
    }  # fmt: skip
    given = headers.Given.in_environment(environ)
    assert dict(given) == {"x-api-key": "k", "host": "h", "content-type": "text/plain"}


def test_the_headers_of_a_call_are_found_under_any_spelling() -> None:
    sent = headers.Sent({"Authorization": "Bearer k", "x-request-id": "r"})
    assert sent["authorization"] == sent["Authorization"] == "Bearer k" and sent["X-Request-Id"] == "r"
    assert list(sent) == ["Authorization", "x-request-id"]
    with pytest.raises(KeyError):
        sent["Accept"]
