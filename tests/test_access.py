from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import EnvironHeaders, Headers

from convert.access import FORWARDED, Access, Visitor, credentials, is_local, matches
from convert.errors import ProxyError

SET = Access(keys=("one", "two"))
UNSET = Access()


def admit(
    access: Access, headers: dict[str, str] | None = None, peer: str | None = "203.0.113.9", **query: str
) -> Visitor:
    return access.admit(Headers(headers or {}), query, peer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer two"},
        {"Authorization": "bearer  two "},
        {"x-api-key": "two"},
        {"X-Goog-Api-Key": "two"},
        {"Authorization": "Bearer wrong", "x-api-key": "one"},
    ],
)
def test_a_key_is_taken_where_each_api_puts_it(headers: dict[str, str]) -> None:
    assert admit(SET, headers) == Visitor(token="", trusted=True)


def test_a_key_in_the_query_is_taken() -> None:
    assert admit(SET, key="one").trusted


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic one"}, {"Authorization": "Bearer on"},
                {"Authorization": "Bearer one,two"}, {"x-api-key": "onE"}, {"x-api-key": "öne"}]
)  # fmt: skip
def test_without_one_of_the_keys_nobody_is_let_in_not_even_from_this_machine(headers: dict[str, str]) -> None:
    with pytest.raises(ProxyError) as caught:
        admit(SET, headers, "127.0.0.1")
    assert (caught.value.status, caught.value.kind) == (401, "authentication")


def test_keys_stand_above_an_open_server() -> None:
    with pytest.raises(ProxyError):
        admit(Access(keys=("one",), open=True))


def test_every_key_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", spy)
    assert matches("one", ("one", "two", "three"))
    assert compared == [(b"one", b"one"), (b"two", b"one"), (b"three", b"one")]


def test_a_clients_own_token_goes_upstream_only_when_no_keys_are_set() -> None:
    assert admit(UNSET, {"Authorization": "Bearer own"}).key_for("") == "own"
    assert admit(SET, {"Authorization": "Bearer one"}).key_for("") == ""
    assert admit(SET, {"Authorization": "Bearer one"}).key_for("configured") == "configured"


def test_the_servers_key_is_lent_to_this_machine_only() -> None:
    assert admit(UNSET, {"Authorization": "Bearer own"}, "127.0.0.1").key_for("configured") == "configured"
    with pytest.raises(ProxyError, match=r"CONVERT_KEYS.*CONVERT_OPEN=1") as caught:
        admit(UNSET, {"Authorization": "Bearer own"}).key_for("configured")
    assert caught.value.status == 401


def test_an_open_server_lends_its_key_to_anybody() -> None:
    assert admit(Access(open=True), {"X-Forwarded-For": "198.51.100.7"}).key_for("configured") == "configured"


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


def test_no_key_is_in_a_repr() -> None:
    assert "sekret" not in repr(Visitor("sekret")) + repr(Access(keys=("sekret",)))
