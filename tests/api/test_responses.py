from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

Make = Callable[..., FlaskClient]
BODY = {"model": "m", "input": "hello there"}


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/", "/x/v1/responses", "/x/responses", "/x/", "/x"])
def test_the_endpoint_at_its_paths(make: Make, upstream: Any, path: str) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_PATH_PREFIX="/x")
    assert client.post(path, json=BODY).json["object"] == "response"


def test_a_base_url_that_ends_in_a_slash_does_no_harm(make: Make) -> None:
    answer = make().post(json=BODY, environ_overrides={"PATH_INFO": "//v1/responses"})
    assert answer.json["object"] == "response"


def test_the_embedded_upstream_answers(make: Make) -> None:
    answer = make().post("/v1/responses", json=BODY)
    assert answer.status_code == 200
    assert answer.json["output"][-1]["content"][0]["text"] == "hello there"


def test_the_embedded_upstream_streams(make: Make) -> None:
    answer = make().post("/v1/responses", json=BODY | {"stream": True})
    assert answer.content_type.startswith("text/event-stream")
    assert "event: response.completed" in answer.text


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/x/v1/responses"])
def test_a_websocket_is_refused_where_the_server_cannot_so_that_codex_posts(make: Make, path: str) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_PATH_PREFIX="/x")
    answer = client.get(path, headers={"Connection": "Upgrade", "Upgrade": "WebSocket"})
    assert answer.status_code == 426
    assert "Upgrade" in answer.json["error"]["message"]


def test_a_get_without_an_upgrade_is_not_allowed(make: Make) -> None:
    answer = make().get("/v1/responses")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json["error"]["code"] == "method_not_allowed"
