"""Request bodies: too large ones are refused without being read, chunked ones work."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.live import wires
from tests.live.client import Live, received
from tests.live.servers import BODY_LIMIT

FORMS = pytest.mark.parametrize("form", list(wires.PATHS))


@FORMS
def test_a_body_that_is_announced_as_too_large_is_refused_before_it_comes(live: Live, form: str) -> None:
    connection, began = live.open(timeout=3), time.monotonic()
    connection.putrequest("POST", wires.path(form))
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders(b'{"model": ')
    answer = received(connection, began, form=form)
    connection.close()
    assert answer.status == 413 and answer.error["type"]
    assert str(BODY_LIMIT) in answer.error["message"]


@FORMS
def test_a_client_that_sends_all_of_a_body_that_is_too_large_still_gets_the_answer(live: Live, form: str) -> None:
    connection, began = live.open(), time.monotonic()
    connection.request("POST", wires.path(form), b'{"x": "%b"}' % (b"x" * 5 * BODY_LIMIT))
    answer = received(connection, began, form=form)
    connection.close()
    assert answer.status == 413 and answer.error["type"]


@FORMS
def test_an_endless_chunked_body_is_refused_while_it_comes(live: Live, form: str) -> None:
    head = f"POST {wires.path(form)} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"2000\r\n%b\r\n" % (b" " * 0x2000)
    got, sent = b"", 0
    with socket.create_connection(("127.0.0.1", live.server.port), 5) as sock:
        sock.sendall(head.encode())
        sock.settimeout(0.002)
        while not got and sent < 200 * BODY_LIMIT:
            try:
                got = sock.recv(65536)
            except TimeoutError:
                sock.settimeout(5)
                sock.sendall(chunk)
                sent += len(chunk)
                sock.settimeout(0.002)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert sent < 20 * BODY_LIMIT


@FORMS
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_chunked_request_body_works(live: Live, form: str, stream: bool) -> None:
    model, calls = live.script(lambda call: call.plain(wires.finished("chat")))
    body = json.dumps(wires.asked(form, model, stream)).encode()

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 9):
            yield body[at : at + 9]

    connection, began = live.open(), time.monotonic()
    headers = {"Content-Type": "application/json", "Convert-Upstream": "chat", "Transfer-Encoding": "chunked"}
    connection.request("POST", wires.path(form, model, stream), pieces(), headers, encode_chunked=True)
    answer = received(connection, began, form=form)
    assert answer.status == 200 and wires.TEXT in answer.body.decode()
    assert calls[0].model == model
    connection.close()


@FORMS
def test_a_body_that_is_cut_off_leaves_no_traceback(live: Live, form: str) -> None:
    connection = live.open()
    connection.putrequest("POST", wires.path(form))
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"model": ')
    connection.sock.shutdown(socket.SHUT_WR)
    answer = received(connection, time.monotonic(), form=form)
    connection.close()
    assert answer.status == 400 and answer.error["type"] in ("invalid_request_error", "INVALID_ARGUMENT")
    assert "cut off" in answer.error["message"]
