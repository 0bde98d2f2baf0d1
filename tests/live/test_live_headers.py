"""Which headers pass, and that keys are neither passed on nor printed."""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.live import wires
from tests.live.client import Live, received
from tests.live.servers import UPSTREAM_KEY
from tests.live.upstream import Call

PAIRS = pytest.mark.parametrize(("form", "wire"), wires.PAIRS)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
CLIENT_KEY = "sk-client-55e1b0aa"
KEYS = {"messages": ("x-api-key", UPSTREAM_KEY), "gemini": ("x-goog-api-key", UPSTREAM_KEY)}
PASSED = {"OpenAI-Organization": "org-1", "X-Request-Id": "mine", "traceparent": "00-ab-cd-01"}
KEPT_BACK = {
    "Authorization": f"Bearer {CLIENT_KEY}", "x-api-key": CLIENT_KEY, "x-goog-api-key": CLIENT_KEY,
    "Cookie": "session=1", "Proxy-Authorization": "Basic eDp5", "TE": "trailers", "Accept-Encoding": "gzip, br",
    "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "Via": "1.1 a", "Keep-Alive": "timeout=5",
    "Expect-CT": "x", "Convert-Strict": "0", "Origin": "http://localhost", "Referer": "http://localhost/",
}  # fmt: skip
RETURNED = {
    "x-request-id": "theirs", "x-ratelimit-remaining-requests": "41", "anthropic-ratelimit-tokens-limit": "9",
    "retry-after": "3", "openai-processing-ms": "12",
}  # fmt: skip
NOT_RETURNED = {
    "set-cookie": "a=b", "server": "secretd/1.0", "www-authenticate": "Basic", "keep-alive": "timeout=7",
    "strict-transport-security": "max-age=1", "access-control-allow-origin": "*", "alt-svc": "h3", "trailer": "x",
}  # fmt: skip


@PAIRS
@STREAM
def test_headers_with_a_meaning_pass_and_the_others_do_not(live: Live, form: str, wire: str, stream: bool) -> None:
    def script(call: Call) -> None:
        sent = {**RETURNED, **NOT_RETURNED}
        call.stream(*wires.frames(wire), **sent) if stream else call.plain(wires.finished(wire), **sent)

    model, calls = live.script(script)
    answer = live.ask(form, wire, model, stream, headers={**PASSED, **KEPT_BACK})
    assert answer.status == 200
    got = calls[0].headers
    assert {name: got.get(name.lower()) for name in PASSED} == PASSED
    name, value = KEYS.get(wire, ("authorization", f"Bearer {UPSTREAM_KEY}"))
    assert got[name] == value
    assert got["accept-encoding"] == "identity"
    for kept in set(KEPT_BACK) - {"Accept-Encoding"}:
        assert kept.lower() not in got or kept.lower() == name, kept
    assert CLIENT_KEY not in str(got)
    assert {name: answer.headers.get(name) for name in RETURNED} == RETURNED
    for name, value in NOT_RETURNED.items():
        assert answer.headers.get(name) != value, name
    assert answer.headers["convert-upstream"] == wire


@STREAM
def test_the_clients_key_goes_to_an_upstream_that_has_none(live: Live, stream: bool) -> None:
    model, calls = live.script(lambda call: call.plain(wires.finished("chat")))
    live.ask("responses", "keyless", model, stream, headers={"x-api-key": CLIENT_KEY})
    assert calls[0].headers["authorization"] == f"Bearer {CLIENT_KEY}"


def test_a_model_of_the_settings_is_asked_for_in_the_same_format(live: Live) -> None:
    calls = live.upstream.script("another", lambda call: call.plain(wires.finished("chat")))
    assert live.ask("chat", "renamed", "any").status == 200
    assert calls[-1].body["model"] == "another"


@STREAM
def test_no_key_is_in_what_the_server_prints(live: Live, stream: bool) -> None:
    good, _ = live.script(lambda call: call.plain(wires.finished("chat")))
    bad, _ = live.script(Call.reset)
    refused, _ = live.script(lambda call: call.plain(b"No luck", 401))
    for wire in ("chat", "keyless", "refusing", "nowhere"):
        for model in (good, bad, refused):
            for headers in ({"Authorization": f"Bearer {CLIENT_KEY}"}, {"x-api-key": CLIENT_KEY}):
                live.ask("responses", wire, model, stream, headers=headers)
    for path in ("/v1/responses", "/v1/chat/completions", "/v1/models", "/nothing"):
        for method in ("GET", "POST"):
            connection = live.open()
            body = json.dumps(wires.asked("responses", good, stream))
            connection.request(method, f"{path}?a=1&key={CLIENT_KEY}&b=2", body, {"Convert-Upstream": "keyless"})
            received(connection, time.monotonic())
            connection.close()
    _malformed(live)
    printed = live.server.output()
    assert "upstream=keyless" in printed
    assert '"POST /v1/responses?a=1&key=***&b=2 HTTP/1.1" 200' in printed
    assert [line for line in printed.splitlines() if CLIENT_KEY in line or UPSTREAM_KEY in line] == []


def _malformed(live: Live) -> None:
    """Requests that the server itself refuses."""
    for head in (
        f"POST /v1/responses?key={CLIENT_KEY} HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        f"POST /v1/responses?key={CLIENT_KEY} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        f"GET /v1/models?key={CLIENT_KEY} HTTP/9.9\r\n\r\n",
        f"GET /v1/mod els?key={CLIENT_KEY} HTTP/1.1\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nAuthorization Bearer {CLIENT_KEY}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", live.server.port), 2) as sock:
            sock.sendall(head.encode())
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass


