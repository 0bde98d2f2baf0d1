from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/chat/completions", "/x/v1/chat/completions", "/x/chat/completions"]
)
def test_the_endpoint_at_its_paths(make: Callable[..., FlaskClient], upstream: Any, path: str) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_PATH_PREFIX="/x")
    assert client.post(path, json=BODY).json["object"] == "chat.completion"


def test_the_embedded_upstream_answers(make: Callable[..., FlaskClient]) -> None:
    answer = make().post("/v1/chat/completions", json=BODY)
    assert answer.status_code == 200
    assert answer.json["choices"][0]["message"]["content"] == "hello there"


def test_a_fault_has_the_shape_of_the_api(make: Callable[..., FlaskClient]) -> None:
    wrong = {"model": "m", "messages": [{"role": "user", "content": 5}]}
    answer = make(UPSTREAM_URL="https://x.com", UPSTREAM_FORMAT="responses").post("/v1/chat/completions", json=wrong)
    assert answer.status_code == 400
    assert answer.json["error"]["param"].startswith("messages[0]")
    assert make().post("/v1/chat/completions", json=wrong).status_code == 400
