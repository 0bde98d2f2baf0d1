from __future__ import annotations

from pathlib import Path

import pytest
import requests
import responses

from convert.errors import ProxyError
from convert.relay import Relay
from convert.settings import Settings, Upstream
from convert.version import VERSION

SETTINGS = Settings((Upstream("main", "https://api.x.com"),))
URL = "https://api.x.com/v1/chat/completions"


def test_a_request_is_sent_as_it_was_written_and_names_the_proxy() -> None:
    with responses.RequestsMock() as mock:
        mock.post(URL, body=b"fine")
        Relay(SETTINGS).post(URL, b'{"a":  1}', {}, stream=False)
        sent = mock.calls[0].request
    assert sent.body == b'{"a":  1}'
    assert sent.headers["User-Agent"] == f"convert/{VERSION}"
    assert (sent.headers["Accept-Encoding"], sent.headers["Content-Type"]) == ("identity", "application/json")


def test_a_key_never_comes_from_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.x.com login a password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with responses.RequestsMock() as mock:
        mock.post(URL)
        Relay(SETTINGS).post(URL, b"{}", {"Authorization": "Bearer own"}, stream=False)
        assert mock.calls[0].request.headers["Authorization"] == "Bearer own"


def test_cookies_are_not_kept() -> None:
    relay = Relay(SETTINGS)
    with responses.RequestsMock() as mock:
        mock.post(URL, headers={"Set-Cookie": "a=b; Path=/"})
        for _ in range(2):
            relay.post(URL, b"{}", {}, stream=False)
        assert "Cookie" not in mock.calls[1].request.headers


def test_redirects_are_not_followed() -> None:
    with responses.RequestsMock() as mock:
        mock.post(URL, status=307, headers={"Location": "https://elsewhere.com/"})
        assert Relay(SETTINGS).post(URL, b"{}", {}, stream=False).status == 307
        assert len(mock.calls) == 1


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (requests.ConnectTimeout(), "timeout"),
        (requests.ReadTimeout(), "timeout"),
        (requests.ConnectionError("secret"), "upstream"),
        (requests.exceptions.SSLError("secret"), "upstream"),
        (requests.exceptions.InvalidURL("secret"), "upstream"),
    ],
)
def test_no_answer_is_an_error_without_inner_words(raised: Exception, kind: str) -> None:
    with responses.RequestsMock() as mock, pytest.raises(ProxyError) as caught:
        mock.post(URL, body=raised)
        Relay(SETTINGS).post(URL, b"{}", {}, stream=False)
    assert caught.value.kind == kind
    assert "secret" not in caught.value.message


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(ProxyError):
        Relay(SETTINGS).post("http://upstream.invalid/", b"{}", {}, stream=False)
    assert Relay(SETTINGS).session.proxies["http"] == "http://127.0.0.1:9"


def test_a_small_object_is_fetched() -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://api.x.com/v1/models", json={"data": []})
        assert Relay(SETTINGS).get("https://api.x.com/v1/models", {}) == {"data": []}


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b"[]")])
def test_anything_else_than_an_object_is_an_error(status: int, body: bytes) -> None:
    with responses.RequestsMock() as mock, pytest.raises(ProxyError) as caught:
        mock.get("https://api.x.com/v1/models", body=body, status=status)
        Relay(SETTINGS).get("https://api.x.com/v1/models", {})
    assert caught.value.kind == "upstream"
