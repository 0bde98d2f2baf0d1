from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
import responses
from flask import Flask, abort
from flask.testing import FlaskClient

Make = Callable[..., FlaskClient]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/v1", "/v1/", "/v1/embeddings", "/v1/responses/resp_1/more", "/v1/responses/../models",
        "/v1//responses", "/%2e%2e/etc/passwd", "/../../etc/passwd", "/x/../v1/responses",
        "/static/x", "/y/v1/responses", "/v1/responses%00", "/v1/chat/completions/more/still",
        "/http://api.x.com/v1/chat/completions",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_any_other_path_is_not_found_and_not_relayed(make: Make, upstream: Any, path: str, method: str) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="k", UPSTREAM_PATH_PREFIX="x")
    raw = {"PATH_INFO": unquote(path)}  # the test client would tidy the path up
    answer = client.open(method=method, json={"model": "m", "input": "hi"}, environ_overrides=raw)
    assert answer.status_code == 404
    assert set(answer.json["error"]) >= {"message", "type", "param", "code"}
    assert len(upstream.calls) == 0


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/chat/completions", {"GET", "POST"}),
        ("DELETE", "/v1/responses", {"POST"}),
        ("OPTIONS", "/v1/chat/completions", {"POST"}),
        ("POST", "/v1/models", {"GET", "HEAD"}),
        ("PUT", "/health", {"GET", "HEAD"}),
    ],
)
def test_any_other_method_is_not_allowed(make: Make, method: str, path: str, allowed: set[str]) -> None:
    answer = make().open(path, method=method)
    assert answer.status_code == 405
    assert allowed <= set(answer.headers["Allow"].split(", "))
    assert answer.json["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_bug_gives_a_plain_message_and_a_traceback_in_the_log(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of something inner")

    monkeypatch.setattr("convert.api.serving.prepare", broken)
    body = {"model": "m", "input": "hi", "messages": [{"role": "user", "content": "hi"}]}
    with caplog.at_level(logging.ERROR):
        answer = make().post(path, json=body)
    assert answer.status_code == 500
    assert "inner" not in answer.text and "Traceback" not in answer.text
    assert "of something inner" in caplog.text


def test_an_upstreams_retry_after_reaches_the_client_once(make: Make) -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://x.com/v1/chat/completions", status=429, headers={"Retry-After": "7", "x-ratelimit-a": "1"})
        answer = make(UPSTREAM_URL="https://x.com").post("/v1/responses", json={"model": "m", "input": "hi"})
    assert answer.status_code == 429
    assert answer.headers.getlist("Retry-After") == ["7"]
    assert answer.headers["x-ratelimit-a"] == "1"


def test_the_web_frameworks_errors_keep_their_status(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.add_url_rule("/broken", view_func=lambda: abort(409, "not now"))
    answer = app.test_client().get("/broken")
    assert (answer.status_code, answer.json["error"]["message"]) == (409, "not now")
