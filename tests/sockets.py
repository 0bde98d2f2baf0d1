"""A WebSocket client on one end of a pair of sockets, with the app on the other: no server in between."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import websocket
from flask import Flask

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
Json = dict[str, Any]
TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")


class Socket:
    """A client that sends JSON and reads events."""

    def __init__(self, wire: websocket.WebSocket) -> None:
        self.wire = wire

    def send(self, message: Any) -> None:
        self.wire.send(message if isinstance(message, str) else json.dumps(message))

    def event(self) -> Json:
        """The next event."""
        return dict(json.loads(self.wire.recv()))

    def events(self) -> list[Json]:
        """The events up to the one that ends a response."""
        found = [self.event()]
        while found[-1]["type"] not in TERMINAL:
            found.append(self.event())
        return [event for event in found if event["type"] != "keepalive"]

    def ask(self, **asked: Any) -> list[Json]:
        """The events that answer a request."""
        self.send({"type": "response.create", "model": "m", **asked})
        return self.events()

    def finished(self, **asked: Any) -> Json:
        """The response that answers a request."""
        events = self.ask(**asked)
        assert events[-1]["type"] == "response.completed", events[-1]
        return dict(events[-1]["response"])

    def refused(self, **asked: Any) -> Json:
        """The error that answers a request, and nothing before it."""
        events = self.ask(**asked)
        assert [event["type"] for event in events] == ["error"], events
        return events[0]

    def closed(self) -> int | None:
        """The code with which the server closes, and nothing before it."""
        opcode, data = self.wire.recv_data()
        assert opcode == websocket.ABNF.OPCODE_CLOSE, data
        return int.from_bytes(data[:2], "big") if data else None


@contextlib.contextmanager
def connected(app: Flask, path: str = "/v1/responses", **headers: str) -> Iterator[Socket]:
    """A client whose upgrade the app has accepted."""
    ours, theirs = socket.socketpair()
    environ = {"werkzeug.socket": theirs, "wsgi.multithread": True}

    def serve() -> None:
        with contextlib.suppress(ConnectionAbortedError):
            app.test_client().get(path, headers=UPGRADE | headers, environ_overrides=environ)

    thread = threading.Thread(target=serve)
    thread.start()
    ours.settimeout(10)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += ours.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    wire = websocket.WebSocket()
    wire.sock, wire.connected = ours, True
    try:
        yield Socket(wire)
    finally:
        ours.close()
        thread.join(5)
        assert not thread.is_alive(), "the server has not noticed that its client is gone"
        theirs.close()
