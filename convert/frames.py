"""A WebSocket on the socket that a WSGI server shows: messages in, messages out, no thread of its own.

Whoever answers owns the connection: between two answers it waits here for the next message, and while an answer is
made, `gone` takes in what arrives meanwhile. Compression (permessage-deflate) is declined: it would cost each idle
connection 300 kB and each delta more time than its conversion, and a message that inflates without end is no concern.

Source: RFC 6455; RFC 7692, section 5 (an offer may be declined). The protocol itself is wsproto's.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from convert.connections import Gone
from convert.errors import ProxyError, invalid
from convert.sockets import hung_up, readable

READ = 65536  # bytes asked for at once
WAITING = 16  # messages that may wait for their turn; OpenAI too takes so many at once
LINGER = 1.0  # seconds for the peer's goodbye
GOING_AWAY, TOO_BIG, POLICY = 1001, 1009, 1008
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_HANDSHAKE = (
    "HTTP_HOST", "HTTP_CONNECTION", "HTTP_UPGRADE", "HTTP_SEC_WEBSOCKET_KEY", "HTTP_SEC_WEBSOCKET_VERSION",
)  # fmt: skip


def accept(environ: Mapping[str, Any], limit: int) -> Connection:
    """Upgrades the request of a WSGI environment; `limit`: bytes of the messages that are held at once.

    Raises ProxyError: 426 where the server cannot do it (it shows no socket, or has one thread for all), 400 for a
    handshake that is none."""
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if sock is None or not environ.get("wsgi.multithread") or environ.get("HTTP_VERSION") == "2":
        message = "There is no WebSocket (Upgrade: websocket) here; use POST with stream: true."
        raise ProxyError("unsupported", message, status=426, code="upgrade_required")
    if not _KEY.fullmatch(environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()):
        raise invalid("Sec-WebSocket-Key", "must be 16 bytes in base64")
    wire = WSConnection(ConnectionType.SERVER)
    head = [f"{name[5:].replace('_', '-')}: {environ[name]}" for name in _HANDSHAKE if name in environ]
    try:
        wire.receive_data("\r\n".join(["GET / HTTP/1.1", *head, "", ""]).encode("latin-1"))
        list(wire.events())
        answer = wire.send(AcceptConnection())
    except (RemoteProtocolError, LocalProtocolError) as error:
        raise invalid("Upgrade", f"the WebSocket handshake is wrong: {error}") from error
    connection = Connection(sock, wire, limit)
    connection.write(answer)
    return connection


def framed(text: bytes) -> bytes:
    """A server's message as one frame, without a mask (RFC 6455, section 5.2). wsproto takes forty times as long."""
    if not text.isascii():
        text = text.decode("utf-8", "replace").encode()  # what is no UTF-8 would end the connection
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 65536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), text)


class Connection:
    """An open WebSocket, for one thread.

    full    too much has arrived, and nothing more is read: the connection ends when what waits is answered
    closed  the peer has gone, or has said goodbye
    """

    def __init__(self, sock: Any, wire: WSConnection, limit: int) -> None:
        self.sock = sock
        self.wire = wire
        self.limit = limit
        self.full = self.closed = False
        self._waiting: deque[bytes | ProxyError] = deque()
        self._pieces: list[bytes] = []  # of the message that is arriving
        self._size = 0  # bytes of it, and of the messages that wait

    def receive(self, idle: float, ping: float) -> bytes | None:
        """The next message; None when the peer has closed, or has said nothing for `idle` seconds. It is pinged every
        `ping` seconds, so that the path to it stays open. Raises ProxyError for a message that is no text, or for more
        than may be held; Gone when the peer is."""
        since = told = time.monotonic()
        while not self._waiting and not self.closed:
            now = time.monotonic()
            if now - since >= idle:
                self.close(GOING_AWAY, "idle")
                return None
            if now - told >= ping:
                self._say(Ping())
                told = now
            if readable(self.sock, min(since + idle, told + ping) - now + 0.001):
                self._take()
        if self.closed:  # and what waits is of no use to anybody
            return None
        message = self._waiting.popleft()
        if isinstance(message, ProxyError):
            raise message
        self._size -= len(message)
        return message

    def send(self, *texts: bytes) -> None:
        """Sends messages, each a text in UTF-8. Raises Gone."""
        if self.wire.state is not ConnectionState.OPEN:
            raise Gone
        self.write(b"".join(framed(text) for text in texts))

    def gone(self) -> bool:
        """Whether the peer has closed. Takes in what has arrived: pings are answered, messages wait."""
        while not self.closed and not self.full and readable(self.sock, 0):
            self._take()
        return self.closed or (self.full and hung_up(self.sock))

    def close(self, code: int, reason: str = "") -> None:
        """Says goodbye, and waits a moment for the peer's: what it still sends must not reset the connection while the
        last messages are on their way."""
        with contextlib.suppress(Gone):
            if self.wire.state is ConnectionState.OPEN:
                self._say(CloseConnection(code, reason))
        until = time.monotonic() + LINGER
        with contextlib.suppress(OSError):
            while not self.closed and (left := until - time.monotonic()) > 0 and readable(self.sock, left):
                data = self.sock.recv(READ)
                self.closed = not data or (not self.full and self._ends(data))
        self.closed = True

    def _ends(self, data: bytes) -> bool:
        """Whether bytes that came after our goodbye hold the peer's."""
        self.wire.receive_data(data)
        return any(isinstance(event, CloseConnection) for event in self.wire.events())

    def _take(self) -> None:
        """Takes in what has arrived."""
        try:
            data = self.sock.recv(READ)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self.wire.receive_data(data)
        for event in self.wire.events():
            if self.closed or self.full:
                return
            self._on(event)

    def _on(self, event: Event) -> None:
        match event:
            case TextMessage(data=text):
                self._piece(text.encode(), event.message_finished)
            case BytesMessage() if event.message_finished:
                self._add(invalid("", "a message must be text that holds a JSON object, and is binary"))
            case Ping():
                self._say(event.response())
            case CloseConnection():
                self.closed = True
                with contextlib.suppress(Gone):
                    self._say(event.response())
            case Pong() | _:
                pass

    def _piece(self, piece: bytes, last: bool) -> None:
        """A piece of a text message."""
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > self.limit:
            self._pieces, self.full = [], True
            message = f"the message, and what waits, has more than {self.limit} bytes"
            self._waiting.append(ProxyError("too_large", message, code="request_too_large"))
        elif last:
            whole, self._pieces = b"".join(self._pieces), []
            self._add(whole)

    def _add(self, message: bytes | ProxyError) -> None:
        """A message that waits for its turn, unless too many do."""
        if len(self._waiting) == WAITING:
            self.full = True
            told = f"more than {WAITING} messages wait for their answers on this connection"
            message = ProxyError("rate_limited", told, code="websocket_stream_limit_reached")
        self._waiting.append(message)

    def _say(self, event: Event) -> None:
        self.write(self._written(event))

    def _written(self, event: Event) -> bytes:
        try:
            return self.wire.send(event)
        except LocalProtocolError as error:  # a goodbye was said already
            self.closed = True
            raise Gone from error

    def write(self, data: bytes) -> None:
        """Sends bytes as they are. Raises Gone."""
        try:
            self.sock.sendall(data)
        except OSError as error:
            self.closed = True
            raise Gone from error
