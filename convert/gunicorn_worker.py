"""gunicorn's gevent worker, less a system call for each write.

gevent's `sendall` asks for the size of the socket's buffer before it sends; a delta fits into any. Whoever runs
gunicorn with its own worker (`--worker-class gevent`) loses some microseconds for each delta, and nothing else.
"""

from __future__ import annotations

from typing import Any

from gevent import socket
from gunicorn.workers.ggevent import GeventWorker

from convert.sockets import send


class Client(socket.socket):  # type: ignore[misc]
    """A client's connection."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Sends all of the bytes. Raises OSError."""
        if flags:
            super().sendall(data, flags)
        else:
            send(super(), data)


class Worker(GeventWorker):  # type: ignore[misc]
    """For `gunicorn --worker-class convert.gunicorn_worker.Worker`."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serves one connection until it ends."""
        if not self.cfg.is_ssl:
            client = Client(client.family, client.type, client.proto, fileno=client.detach())
        super().handle(listener, client, addr)
