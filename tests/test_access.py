from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import EnvironHeaders

from convert.access import FORWARDED, admit, credentials, is_local, matches, upstream_key
from convert.errors import ProxyError
from convert.settings import Settings, Upstream

OURS = Upstream("x", "https://x.com", api_key="configured")
THEIRS = Upstream("x", "https://x.com")
UNSET, SET, OPEN = Settings((OURS,)), Settings((OURS,), keys=("one", "two")), Settings((OURS,), open=True)
HERE, FAR = "127.0.0.1", "203.0.113.9"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer two"}, {}),
        ({"Authorization": "bearer  two "}, {}),
        ({"x-api-key": "two"}, {}),
        ({"x-goog-api-key": "two"}, {}),
        ({"Authorization": "Bearer wrong", "x-api-key": "one"}, {}),
        ({}, {"key": "one"}),
    ],
)
def test_a_key_is_taken_where_each_api_puts_it(headers: dict[str, str], query: dict[str, str]) -> None:
    admit(SET, credentials(headers, query))


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic one"}, {"Authorization": "Bearer on"},
                {"Authorization": "Bearer one,two"}, {"x-api-key": "onE"}, {"x-api-key": "\xf6ne"}]
)  # fmt: skip
@pytest.mark.parametrize("opened", [False, True])
def test_without_one_of_the_keys_nobody_is_let_in(headers: dict[str, str], opened: bool) -> None:
    settings = Settings((OURS,), keys=("one", "two"), open=opened)
    with pytest.raises(ProxyError) as caught:
        admit(settings, credentials(headers, {}))
    assert (caught.value.status, caught.value.kind) == (401, "authentication")


def test_every_key_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", spy)
    assert matches("one", ("one", "two", "three"))
    assert compared == [(b"one", b"one"), (b"two", b"one"), (b"three", b"one")]


@pytest.mark.parametrize(
    ("settings", "upstream", "peer", "key"),
    [
        (UNSET, OURS, HERE, "configured"),
        (UNSET, THEIRS, HERE, "own"),
        (UNSET, THEIRS, FAR, "own"),
        (OPEN, OURS, FAR, "configured"),
        (OPEN, THEIRS, FAR, "own"),
        (SET, OURS, FAR, "configured"),
        (SET, THEIRS, FAR, ""),
        (SET, THEIRS, HERE, ""),
        (UNSET, Upstream("echo", "echo://x"), FAR, ""),
    ],
)
def test_whose_key_goes_upstream(settings: Settings, upstream: Upstream, peer: str, key: str) -> None:
    assert upstream_key(settings, upstream, ["own", "second"], peer, {"Host": "localhost"}) == key


def test_without_any_key_none_is_sent() -> None:
    assert upstream_key(UNSET, THEIRS, [], FAR, {}) == ""


@pytest.mark.parametrize(("peer", "headers"), [(FAR, {}), (HERE, {"X-Forwarded-For": "198.51.100.7"})])
def test_the_servers_key_is_not_lent_to_others(peer: str, headers: dict[str, str]) -> None:
    with pytest.raises(ProxyError, match=r"CONVERT_KEYS.*CONVERT_OPEN=1") as caught:
        upstream_key(UNSET, OURS, ["own"], peer, headers)
    assert caught.value.status == 401


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "host", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000", "0.0.0.0:5000", "mybox:5000", "a.localhost"]
)
def test_what_counts_as_this_machine(peer: str, host: str) -> None:
    assert is_local({"Host": host}, peer)


@pytest.mark.parametrize("peer", ["", None, "10.0.0.3", "::ffff:10.0.0.3", "fe80::1", "unix:", "127.0.0.1.example.com"])
def test_another_peer_is_not_this_machine(peer: str | None) -> None:
    assert not is_local({"Host": "localhost"}, peer)


@pytest.mark.parametrize(
    "header", [*sorted(FORWARDED), "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Anything", "Forwarded", "VIA"]
)
def test_a_forwarding_header_shows_a_proxy_in_between(header: str) -> None:
    assert not is_local({"Host": "localhost", header: ""}, "127.0.0.1")


def test_headers_may_come_from_the_environ() -> None:
    environ: dict[str, Any] = {"HTTP_HOST": "localhost", "HTTP_X_FORWARDED_FOR": "198.51.100.7"}
    assert not is_local(EnvironHeaders(environ), "127.0.0.1")
    assert is_local(EnvironHeaders({"HTTP_HOST": "localhost"}), "127.0.0.1")


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://localhost.example.com", "http://[", ""])
def test_a_web_page_of_another_origin_is_not_a_local_program(origin: str) -> None:
    assert not is_local({"Host": "localhost", "Origin": origin}, "127.0.0.1")
    assert is_local({"Host": "localhost", "Origin": "http://localhost:3000"}, "127.0.0.1")


@pytest.mark.parametrize("host", ["rebound.example.com", "203.0.113.5:80", "[", "[2001:db8::1]", ""])
def test_a_foreign_name_for_this_machine_is_not_trusted(host: str) -> None:
    assert not is_local({"Host": host}, "127.0.0.1")


def test_credentials_that_no_header_can_hold_are_none() -> None:
    assert credentials({"Authorization": "Bearer a\tb", "x-api-key": "k\xe9y"}, {"key": "a b"}) == []
