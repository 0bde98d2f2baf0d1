"""Waiting for sockets without blocking for long: the same code under threads and under gevent."""

from __future__ import annotations

import select
import socket
import ssl
from typing import Any

TOGETHER = 65536  # bytes of a body that leaves in one piece with its head
TICK = 1.0  # seconds; how often a silent wait looks at the client


def send(sock: Any, data: bytes) -> None:
    """As sock.sendall, for bytes that most often leave at once: gevent's sendall is twice as dear. Raises OSError."""
    sent = sock.send(data)
    if sent < len(data):
        sock.sendall(memoryview(data)[sent:])


def readable(sock: Any, seconds: float) -> bool:
    """Whether there is something to read (data, or the end) within a time."""
    if getattr(sock, "pending", None):  # TLS sockets cannot peek
        return bool(sock.pending()) or _polled(sock, seconds)
    try:
        return _peeked(sock, seconds) is not None
    except OSError:
        return True


def hung_up(sock: Any) -> bool:
    """Whether the peer of a socket has closed it. What it has sent meanwhile stays unread."""
    if sock.fileno() < 0:  # it was closed here
        return False
    try:
        return _peeked(sock, 0) == b""
    except (ValueError, ssl.SSLError):  # TLS sockets cannot peek
        return False
    except OSError:
        return True


def _peeked(sock: Any, seconds: float) -> bytes | None:
    """The next byte, which stays unread; b"" at the end, None where nothing comes in time. Raises OSError, and
    ValueError for a TLS socket. (A poll is much dearer, under gevent.)"""
    before = sock.gettimeout()
    sock.settimeout(seconds)
    try:
        return sock.recv(1, socket.MSG_PEEK)  # type: ignore[no-any-return]
    except (TimeoutError, BlockingIOError):
        return None
    finally:
        sock.settimeout(before)


def _polled(sock: Any, seconds: float) -> bool:
    poll = select.poll()  # looked up at each call: gevent replaces it
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(max(0, int(seconds * 1000))))
