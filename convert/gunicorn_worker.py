"""gunicorn's gevent worker, with less work for each request and each write.

Whoever runs gunicorn with its own worker (`--worker-class gevent`) loses some microseconds, and nothing else.
"""

from __future__ import annotations

import functools
import time
from typing import Any

from gevent import socket
from gunicorn.http import wsgi
from gunicorn.util import http_date

from convert import resolving
from convert.sockets import TOGETHER
from convert.starting import StartingWorker


class Client(socket.socket):  # type: ignore[misc]
    """A client's connection. gevent's `sendall` asks for the size of the socket's buffer before it sends; a delta fits
    into any."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Sends all of the bytes. Raises OSError."""
        sent = self.send(data, flags)
        if sent < len(data):
            super().sendall(memoryview(data)[sent:], flags)


class Answer(wsgi.Response):  # type: ignore[misc]
    """A response whose head leaves together with the first of its body: one system call, and one packet, less."""

    head = b""
    headers_sent: bool

    def default_headers(self) -> list[str]:
        """The status line, and the server's own headers; as gunicorn's, but for the date, which is that of a second."""
        connection = "upgrade" if self.upgrade else "close" if self.should_close() else "keep-alive"
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\n", f"Server: {self.version}\r\n", _date(int(time.time())),
            f"Connection: {connection}\r\n",
        ]  # fmt: skip
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines

    def send_headers(self) -> None:
        """Makes the head, which is sent by whatever comes next."""
        if not self.headers_sent:
            lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
            self.head = "".join(lines).encode("latin-1")
            self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        """Sends a piece of the body."""
        framed = b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data
        if self.head:
            if len(data) > TOGETHER:  # to copy it would take longer
                self.sock.sendall(self._taken())
            framed = self._taken() + framed
        self.sock.sendall(framed)

    def sendfile(self, respiter: Any) -> bool:
        """Files are sent as any other body."""
        return False

    def close(self) -> None:
        """Sends the end of the body, and the head if there was none. Raises OSError."""
        self.send_headers()
        if rest := self._taken() + (b"0\r\n\r\n" if self.chunked else b""):
            self.sock.sendall(rest)

    def _taken(self) -> bytes:
        head, self.head = self.head, b""
        return head


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    """The Date header of all answers of a second (since 1970)."""
    return f"Date: {http_date(second)}\r\n"


class Worker(StartingWorker):
    """For `gunicorn --worker-class convert.gunicorn_worker.Worker`."""

    def init_process(self) -> None:
        """Begins to work, in the process that was forked for it. The settings, which stay what they are, become plain
        attributes: gunicorn looks some thirty of them up for each request."""
        wsgi.Response = Answer
        resolving.install()
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        super().init_process()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serves one connection until it ends."""
        if not self.cfg.is_ssl:
            client = Client(client.family, client.type, client.proto, fileno=client.detach())
        super().handle(listener, client, addr)
