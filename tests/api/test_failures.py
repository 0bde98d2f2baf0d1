from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from convert.answer import Answer
from convert.api import failures
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.relay import Relay
from convert.settings import Settings, Upstream

CHAT = FORMATS["chat"]
SETTINGS = Settings((Upstream("main", "https://x.com"),))


def answered(status: int, body: Any = b"", **headers: str) -> Answer:
    with responses.RequestsMock() as mock:
        mock.post("https://x.com/", body=body, status=status, headers=headers)
        return Relay(SETTINGS).post("https://x.com/", b"{}", {}, stream=False)


def exchange() -> Exchange:
    return Exchange(CHAT, CHAT, {}, CHAT.flavor())


def test_the_upstreams_words_and_status_are_kept() -> None:
    body = json.dumps({"error": {"message": "No luck", "code": "model_not_found"}}).encode()
    error = failures.error_of(exchange(), answered(404, body))
    assert (error.kind, error.status, error.message) == ("not_found", 404, "No luck")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_the_upstreams_fault(status: int) -> None:
    error = failures.error_of(exchange(), answered(status))
    assert (error.kind, error.status) == ("upstream", 502)
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, "7"),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "Wed, 21 Oct 2026 07:28:00 GMT"),
        ({"retry-after-ms": "1500"}, "1.5"),
        ({"retry-after-ms": "soon"}, None),
        ({}, None),
    ],
)
def test_the_hint_when_to_try_again_is_kept(headers: dict[str, str], expected: str | None) -> None:
    assert failures.error_of(exchange(), answered(429, **headers)).retry_after == expected


def test_a_body_that_is_no_json_is_text() -> None:
    assert failures.parsed(b"No luck") == "No luck"
    assert failures.parsed(b"\xff") == "\ufffd"
    assert failures.parsed(b"[" * 100_000).startswith("[[")


def test_an_endless_body_is_left_out() -> None:
    assert failures.body_of(answered(500, b"x" * 2 * failures.LIMIT)) == b""
