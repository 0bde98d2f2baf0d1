from __future__ import annotations

from dataclasses import replace

import pytest

from convert import providers
from convert.access import Visitor
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.routing import Route, Router, Upstream


def upstream(name: str = "x", url: str = "https://api.x.com", **more: object) -> Upstream:
    known = {"format": "chat", "provider": providers.guess(url)} | more
    return Upstream(name=name, url=url, **known)  # type: ignore[arg-type]


def route(url: str, format: str = "chat", **more: object) -> Route:
    return Route(upstream(url=url, format=format, **more), FORMATS[format])


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.x.com", "https://api.x.com/v1/chat/completions"),
        ("https://api.x.com/", "https://api.x.com/v1/chat/completions"),
        ("https://api.x.com/v1", "https://api.x.com/v1/chat/completions"),
        ("https://api.x.com/v1/", "https://api.x.com/v1/chat/completions"),
        ("https://api.x.com/v1/chat/completions", "https://api.x.com/v1/chat/completions"),
        ("https://api.x.com/odd/chat/completions/", "https://api.x.com/odd/chat/completions"),
        ("https://api.x.com/v1beta/openai", "https://api.x.com/v1beta/openai/chat/completions"),
        ("https://api.x.com/gateway", "https://api.x.com/gateway/v1/chat/completions"),
        ("http://127.0.0.1:8765/v1", "http://127.0.0.1:8765/v1/chat/completions"),
        ("https://x.com/openai/v1?api-version=3", "https://x.com/openai/v1/chat/completions?api-version=3"),
        ("https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        ("https://open.bigmodel.cn/api/coding/paas/v4", "https://open.bigmodel.cn/api/coding/paas/v4/chat/completions"),
        ("https://open.bigmodel.cn", "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://api.deepseek.com/v1", "https://api.deepseek.com/v1/chat/completions"),
        ("https://api.deepseek.com/beta", "https://api.deepseek.com/beta/chat/completions"),
        ("https://api.deepseek.com", "https://api.deepseek.com/chat/completions"),
        ("echo://echo", "echo://echo/v1/chat/completions"),
    ],
)
def test_a_base_url_becomes_the_url_of_the_endpoint(base: str, url: str) -> None:
    assert route(base).url("m", True) == url


def test_the_path_is_that_of_the_wire() -> None:
    assert route("https://api.x.com", "responses").url("m", False) == "https://api.x.com/v1/responses"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.x.com", "https://api.x.com/v1/models"),
        ("https://api.x.com/v1/chat/completions", "https://api.x.com/v1/models"),
        ("https://open.bigmodel.cn", "https://open.bigmodel.cn/api/paas/v4/models"),
        ("https://api.deepseek.com/chat/completions", "https://api.deepseek.com/models"),
    ],
)
def test_the_list_of_models_is_beside_the_endpoint(base: str, url: str) -> None:
    assert route(base).models_url() == url


ROUTER = Router(
    [
        upstream("deep", models=("deepseek-*", "r1")),
        upstream("glm", models=("glm-*",)),
        upstream("any"),
        upstream("other"),
    ]
)


@pytest.mark.parametrize(
    ("model", "name"), [("deepseek-v4", "deep"), ("r1", "deep"), ("glm-5", "glm"), ("GLM-5", "any")]
)
def test_a_model_goes_to_the_first_upstream_that_serves_it(model: str, name: str) -> None:
    assert ROUTER.find(model).name == name


def test_the_upstream_marked_default_takes_the_rest() -> None:
    marked = [replace(each, default=each.name == "glm") for each in ROUTER.upstreams]
    assert Router(marked).find("gpt-5").name == "glm"
    assert Router(marked).find("r1").name == "deep"


def test_a_model_that_no_upstream_serves_is_not_found() -> None:
    with pytest.raises(ProxyError, match="'gpt-5'") as caught:
        Router(ROUTER.upstreams[:2]).find("gpt-5")
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")


def test_an_unknown_name_is_told_which_there_are() -> None:
    assert ROUTER.named("glm").name == "glm"
    with pytest.raises(ProxyError, match="deep, glm, any, other") as caught:
        ROUTER.named("nope")
    assert caught.value.status == 400


def test_a_route_has_the_wire_the_key_and_the_forced_model() -> None:
    target = upstream(format="responses", api_key="sekret", model="forced")
    found = ROUTER.route(target, Visitor("own", trusted=True))
    assert (found.wire.name, found.key, found.model) == ("responses", "sekret", "forced")
    assert ROUTER.route(upstream(), Visitor("own")).key == "own"
    with pytest.raises(ProxyError):
        ROUTER.route(target, Visitor("own"))
    assert "sekret" not in repr(found)


def test_only_names_without_wildcards_are_listed() -> None:
    assert upstream(models=("a", "b-*", "c?", "[d]", "a"), model="e").listed == ["a", "e"]
    assert upstream().listed == []
