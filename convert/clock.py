"""Reads that end after a while when nothing comes.

Under threads each socket has a timeout. Under gevent that is a timer for each read, a fifth of what a read costs; there
one clock for all looks twice a tick for those who have waited for about as long, and ends their waits. There a read
that has brought little is followed by a wait, and not by a read that finds nothing and has to be made again.
"""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

from convert.sockets import TICK

LITTLE = 1024  # bytes; behind more than that, there is most often more


class Deadline:
    """Reads of a socket that take so many seconds at most."""

    def __init__(self, sock: Any, seconds: float) -> None:
        sock.settimeout(seconds)
        self.read = sock.recv


class Clock:
    """Waits for sockets under gevent, none of which is much longer than a tick."""

    def __init__(self, gevent: Any) -> None:
        self.current = gevent.getcurrent
        self.hub = gevent.get_hub()
        self.waiting: dict[Any, float] = {}  # since when, by greenlet
        self.timer = self.hub.loop.timer(TICK / 2, TICK / 2, ref=False)
        self.timer.start(self.tick)

    def tick(self) -> None:
        """Ends the waits of some three quarters of a tick and more, so that none is much longer than one, and those
        of a stream that says something twice a tick are left alone. Runs in the hub, as timers do."""
        latest = time.monotonic() - 0.75 * TICK
        for waiter, since in list(self.waiting.items()):
            if since <= latest and self.waiting.get(waiter) == since:
                waiter.throw(TimeoutError("nothing came"))

    def read(self, sock: Any, size: int, something: Any) -> bytes:
        """As sock.recv, of a socket without a timeout; first waits for `something` (a watcher of the loop), unless that
        is None. Raises TimeoutError after about a tick."""
        waiter = self.current()
        self.waiting[waiter] = time.monotonic()
        try:
            if something is not None:
                self.hub.wait(something)
            return sock.recv(size)  # type: ignore[no-any-return]
        finally:
            del self.waiting[waiter]


class Ticking:
    """Reads of a socket that the clock ends."""

    def __init__(self, sock: Any, clock: Clock) -> None:
        sock.settimeout(None)
        self.sock = sock
        self.clock = clock
        self.something = clock.hub.loop.io(sock.fileno(), 1)  # happens when there is something to read
        self.pending = getattr(sock, "pending", int)  # how much a TLS socket has read already
        self.empty = not self.pending()

    def read(self, size: int) -> bytes:
        """As sock.recv. Raises TimeoutError after about a tick."""
        data = self.clock.read(self.sock, size, self.something if self.empty else None)
        self.empty = len(data) < LITTLE and not self.pending()
        return data


@functools.cache
def shared() -> Clock | None:
    """The clock of this process; None without gevent. To be asked for in the worker, not before it forks."""
    gevent = sys.modules.get("gevent")
    monkey = sys.modules.get("gevent.monkey")
    return Clock(gevent) if monkey is not None and monkey.is_module_patched("socket") else None


def reads(sock: Any, seconds: float) -> Deadline | Ticking:
    """What reads a socket and raises TimeoutError after so many seconds, or thereabouts where it is a tick."""
    clock = shared() if seconds == TICK else None
    return Deadline(sock, seconds) if clock is None else Ticking(sock, clock)
