from __future__ import annotations

from dataclasses import replace

import pytest

from convert import providers
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.routing import Route, Router
from convert.settings import Settings, Upstream


def upstream(name: str = "x", url: str = "https://api.x.com", **more: object) -> Upstream:
    return Upstream(name, url, provider=providers.guess(url), **more)  # type: ignore[arg-type]


def route(url: str, format: str = "chat") -> Route:
    return Route(upstream(url=url, format=format))


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
    "base", ["/v1beta", "/v1beta/models/other:generateContent", "/v1beta/models/o:streamGenerateContent"]
)
@pytest.mark.parametrize(
    ("query", "stream", "path"),
    [
        ("", False, "m:generateContent"),
        ("", True, "m:streamGenerateContent?alt=sse"),
        ("?a=1", False, "m:generateContent?a=1"),
        ("?a=1", True, "m:streamGenerateContent?alt=sse&a=1"),
    ],
)
def test_a_wire_may_have_its_model_in_the_path_and_a_query_behind_it(base, query, stream, path):
    there = route(f"https://api.x.com{base}{query}", "gemini")
    assert there.url("m", stream) == f"https://api.x.com/v1beta/models/{path}"
    assert there.at("/models") == f"https://api.x.com/v1beta/models{query}"


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
    assert route(base).at("/models") == url


UPSTREAMS = (
    upstream("deep", models=("deepseek-*", "r1"), path_prefix="/a"),
    upstream("glm", models=("glm-*",), path_prefix="/a/b"),
    upstream("any"),
    upstream("other"),
)
ROUTER = Router(Settings(UPSTREAMS))


@pytest.mark.parametrize(
    ("model", "name"), [("deepseek-v4", "deep"), ("r1", "deep"), ("glm-5", "glm"), ("GLM-5", "any")]
)
def test_a_model_goes_to_the_first_upstream_that_serves_it(model: str, name: str) -> None:
    assert ROUTER.choose(model, None).name == name


def test_the_header_stands_above_the_model() -> None:
    assert ROUTER.choose("r1", "glm").name == "glm"


def test_the_upstream_marked_default_takes_the_rest() -> None:
    router = Router(Settings(tuple(replace(each, default=each.name == "glm") for each in UPSTREAMS)))
    assert router.choose("gpt-5", None).name == "glm"
    assert router.choose("r1", None).name == "deep"


def test_a_model_that_no_upstream_serves_is_not_found() -> None:
    with pytest.raises(ProxyError, match="'gpt-5'") as caught:
        Router(Settings(UPSTREAMS[:2])).choose("gpt-5", None)
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(ProxyError, match="deep, glm, any, other") as caught:
        ROUTER.choose("m", "nope")
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("path", "name", "rest"),
    [
        ("/a/v1/responses", "deep", "/v1/responses"),
        ("/a/b/v1/responses", "glm", "/v1/responses"),
        ("/a", "deep", "/"),
        ("/a/", "deep", "/"),
        ("/ab/v1/responses", None, "/ab/v1/responses"),
        ("/", None, "/"),
    ],
)
def test_the_longest_prefix_of_whole_segments_wins(path: str, name: str | None, rest: str) -> None:
    owner, left = ROUTER.by_prefix(path)
    assert (owner.name if owner else None, left) == (name, rest)


def test_a_route_hides_its_key() -> None:
    found = Route(upstream(format="responses", api_key="sekret-1"), "sekret-2")
    assert (found.wire.name, found.key) == ("responses", "sekret-2")
    assert "sekret" not in repr(found)


def test_a_client_of_the_upstreams_own_format_may_say_more() -> None:
    form = replace(FORMATS["chat"], headers={"a-version": "1"}, client_headers=("a-version", "a-beta"))
    to = Route(upstream(), "sk-1")
    given = {"a-version": "2", "a-beta": "b", "other": "c"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMATS, "chat", form)
        own, other = (to.headers(client, given, False) for client in (form, FORMATS["responses"]))
    assert (own["a-version"], own["a-beta"], own["Authorization"]) == ("2", "b", "Bearer sk-1")
    assert other["a-version"] == "1" and "a-beta" not in other and "other" not in own
