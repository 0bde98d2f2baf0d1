"""How many requests one process takes on: what it cannot do in time, it says at once.

A request over the limit is answered with 503 and Retry-After, in the client's own shape, while those before it go on.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

from convert.errors import ProxyError

BEAT = 0.25  # seconds between two looks at how late the process is
RETRY_AFTER = "1"  # seconds


class Admission:
    """The requests that are in progress, and whether there may be more."""

    def __init__(self, limit: int, lag_limit: float) -> None:
        self.limit = limit
        self.lag_limit = lag_limit
        self.present: set[object] = set()

    def enter(self) -> Callable[[], None]:
        """Lets a request in; gives what is to be called when it is over. Raises ProxyError (overloaded)."""
        if len(self.present) >= self.limit:
            raise _refusal(f"it is answering {self.limit} requests already")
        if self.pulse.lag() > self.lag_limit and self.present:  # a machine that slept is late as well, and not busy
            raise _refusal("it does not keep up with those that it has")
        token = object()
        self.present.add(token)  # adding and discarding are atomic
        return functools.partial(self.present.discard, token)

    @functools.cached_property
    def pulse(self) -> Pulse:
        """Measured in the process that answers, and not in one that forks others."""
        return Pulse()


class Pulse:
    """How late this process is: a thread (under gevent a greenlet) sleeps, and sees how much longer that took.

    One late beat is a machine that stood still; a process that cannot keep up is late twice in a row.
    """

    def __init__(self) -> None:
        self.before = self.late = 0.0  # seconds by which the last two beats were late
        self.due = time.monotonic() + BEAT
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def _beat(self) -> None:
        while True:
            time.sleep(max(0.0, self.due - time.monotonic()))
            now = time.monotonic()
            self.before, self.late, self.due = self.late, now - self.due, now + BEAT

    def lag(self) -> float:
        """Seconds by which each of two beats in a row was late; the second may be the one that is still due."""
        return min(self.late, max(self.before, time.monotonic() - self.due))


def _refusal(reason: str) -> ProxyError:
    message = f"This server is overloaded: {reason}. Try again in a moment."
    return ProxyError("overloaded", message, code="server_overloaded", retry_after=RETRY_AFTER)
