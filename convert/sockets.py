"""Waiting for sockets without blocking for long: the same code under threads and under gevent."""

from __future__ import annotations

import select
import socket
import ssl
from typing import Any

TICK = 1.0  # seconds; how often a silent wait looks at the client


def readable(sock: Any, seconds: float) -> bool:
    """Whether there is something to read (data, or the end) within a time."""
    if getattr(sock, "pending", None) and sock.pending():  # decrypted, but not read yet
        return True
    poll = select.poll()  # looked up at each call: gevent replaces it
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(max(0, int(seconds * 1000))))


def begun(sock: Any) -> bool:
    """Whether what there is to read is data, and not the end. False where that cannot be told."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except (ValueError, OSError):  # TLS sockets cannot peek
        return False


def hung_up(sock: Any) -> bool:
    """Whether the peer of a socket has closed it. What it has sent meanwhile stays unread."""
    try:
        return readable(sock, 0) and sock.recv(1, socket.MSG_PEEK) == b""
    except (ValueError, ssl.SSLError):  # TLS sockets cannot peek
        return False
    except OSError:
        return True
