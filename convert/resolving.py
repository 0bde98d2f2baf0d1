"""The addresses of hosts, under gevent."""

from __future__ import annotations

import _socket
import socket
from typing import Any

import gevent
from gevent.resolver import thread


class Resolver(thread.Resolver):  # type: ignore[misc]
    """gevent's usual resolver, which asks the system in another thread. What is an address already, as that of many a
    local server, needs nobody to be asked, and no thread: half of the time that it takes to connect."""

    def getaddrinfo(self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """As socket.getaddrinfo. Raises socket.gaierror."""
        try:
            return _socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            return super().getaddrinfo(host, port, family, type, proto, flags)


def install() -> None:
    """Makes it gevent's resolver, unless another one was chosen (GEVENT_RESOLVER)."""
    if gevent.config.resolver is thread.Resolver:
        gevent.config.resolver = Resolver
