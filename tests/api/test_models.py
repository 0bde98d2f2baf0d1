from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from convert.api.models import listed
from convert.errors import ProxyError
from convert.relay import Relay
from convert.settings import Upstream

Make = Callable[..., FlaskClient]
Calls = list[tuple[str, str]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The calls for an upstream's list, which is answered here; that of https://down.com fails."""
    noted: Calls = []

    def get(self: Relay, url: str, headers: dict[str, str]) -> Any:
        noted.append((url, headers.get("Authorization", "")))
        if "down.com" in url:
            raise ProxyError("upstream", "down")
        return {"object": "list", "data": [{"id": "a/b", "object": "model", "created": 7, "owned_by": "x", "more": 1}]}

    monkeypatch.setattr(Relay, "get", get)
    return noted


def ids(client: FlaskClient, path: str = "/v1/models", **more: Any) -> list[str]:
    answer = client.get(path, **more)
    assert answer.status_code == 200
    assert answer.json["object"] == "list"
    return [model["id"] for model in answer.json["data"]]


def test_configured_models_are_listed_without_a_call(make: Make, calls: Calls) -> None:
    client = make(
        UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS="a, b-*", UPSTREAM_PATH_PREFIX="x", UPSTREAM_Y_URL="https://y.com",
        UPSTREAM_Y_MODEL="forced",
    )  # fmt: skip
    for path in ("/v1/models", "/models", "/v1/models?client_version=0.169.0"):
        assert ids(client, path) == ["a", "forced"]
    assert ids(client, "/x/v1/models") == ["a"]
    assert ids(client, headers={"Convert-Upstream": "y"}) == ["forced"]
    assert client.get("/v1/models/forced").json == {"id": "forced", "object": "model", "created": 0, "owned_by": "y"}
    assert calls == []


def test_else_the_list_is_the_upstreams(make: Make, calls: Calls) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="sk-1")
    assert client.get("/v1/models").json["data"] == [
        {"id": "a/b", "object": "model", "created": 7, "owned_by": "x", "more": 1}
    ]
    assert client.get("/v1/models/a/b").json["id"] == "a/b"
    assert calls == [("https://api.x.com/v1/models", "Bearer sk-1")] * 2


def test_the_upstreams_list_is_held_against_the_globs(make: Make, calls: Calls) -> None:
    assert ids(make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS="a/*")) == ["a/b"]
    assert ids(make(UPSTREAM_URL="https://api.x.com", UPSTREAM_MODELS="b/*")) == []


def test_an_upstream_that_is_down_does_not_hide_the_others(make: Make, calls: Calls) -> None:
    down = {"UPSTREAM_DOWN_URL": "https://down.com"}
    assert ids(make(UPSTREAM_URL="https://api.x.com", **down)) == ["a/b"]
    assert make(**down).get("/v1/models").status_code == 502


def test_an_unknown_model_is_not_found(make: Make, calls: Calls) -> None:
    answer = make(UPSTREAM_URL="https://api.x.com").get("/v1/models/none")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "model_not_found")


def test_the_list_takes_the_upstreams_key_only_for_who_may_have_it(make: Make, calls: Calls) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="sk-1")
    assert client.get("/v1/models", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 401
    assert calls == []


def test_the_embedded_upstream_has_a_model(make: Make) -> None:
    assert ids(make()) == ["echo-demonstration"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"data": [{"id": "claude", "type": "model", "display_name": "C"}]}, ["claude"]),
        ({"models": [{"name": "models/gemini-3"}, {"name": "qwen:7b"}]}, ["gemini-3", "qwen:7b"]),
        ({"data": [{}, "x", None, {"id": ""}]}, []),
        ({"data": "x"}, []),
        ({}, []),
    ],
)
def test_the_lists_of_other_apis(body: Any, names: list[str]) -> None:
    upstream = Upstream("u", "https://x.com")
    found = listed(body, upstream)
    assert [model["id"] for model in found] == names
    assert all(model["object"] == "model" and model["owned_by"] == "u" and model["created"] == 0 for model in found)
