"""An upstream's answer as it arrives: whatever is there, at once, and a sign for each interval of silence.

A read that waits for data would hide that the client has hung up, and that it is time for a keep-alive. So each one
waits for a tick at most.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import requests
from urllib3.exceptions import HTTPError

from convert.connections import Gone
from convert.errors import ProxyError
from convert.incoming import Incoming, Whole
from convert.settings import Settings
from convert.sockets import TICK

BODY_LIMIT = 256 * 1024 * 1024
LINGER = 0.05  # seconds for the end of a body to come after its last event, so that the connection can be reused
Hangup = Callable[[], bool]  # whether the client has hung up


class Answer:
    """Status and headers, and the body as it arrives. Close it in the end. `since`: when the call began, by
    time.monotonic()."""

    def __init__(self, response: requests.Response, settings: Settings, gone: Hangup, since: float = 0.0) -> None:
        self.response = response
        self.raw: Any = response.raw  # an Incoming, or urllib3's where there is no socket
        self.body: Incoming | Whole = self.raw if isinstance(self.raw, Incoming) else Whole(self.raw)
        self.since = since
        self.settings = settings
        self.gone = gone
        self.complaint: bytes | None = None  # the body of an error, once it was read

    @property
    def status(self) -> int:
        """HTTP status; 200 while the headers are still to come."""
        return int(self.raw.status)

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers, in any spelling."""
        return cast(Mapping[str, str], self.raw.headers)

    @property
    def streams(self) -> bool:
        """Whether the body is an event stream."""
        return self.headers.get("Content-Type", "").lower().startswith("text/event-stream")

    @property
    def deferred(self) -> bool:
        """Whether the headers are still to come."""
        return isinstance(self.raw, Incoming) and not self.raw.headed

    def arrive(self) -> Iterator[bytes]:
        """Waits for deferred headers: an empty piece for each interval of silence, until they are there.
        Raises ProxyError (timeout, upstream) and Gone."""
        if not self.deferred:
            return
        yield b""
        try:
            yield from self._silence(self.raw.arrive, self.since)
        except (HTTPError, OSError) as error:
            raise ProxyError("upstream", "the upstream broke the connection off before it answered") from error

    def pieces(self, steady: bool = False) -> Iterator[bytes]:
        """The body as it arrives, all that is there at once. An empty piece stands for each interval of silence;
        `steady`: for each interval at all, for readers that make nothing of some pieces (comments).
        Raises ProxyError (timeout, upstream) and Gone."""
        step = min(TICK, self.settings.keep_alive, self.settings.idle_timeout)
        read = self.body.read
        heard = looked = told = time.monotonic()
        try:
            while (piece := read(step)) != b"":
                if piece:
                    yield piece
                    heard = time.monotonic()  # while the client takes its time, the upstream is not silent
                now = time.monotonic()
                if now - heard >= self.settings.idle_timeout:
                    raise ProxyError("timeout", f"the upstream was silent for {self.settings.idle_timeout:g} seconds")
                if piece is None or now - looked >= TICK:  # a client that waits for the whole is not written to
                    looked = now
                    self._still_wanted()
                if piece and not steady:
                    told = now
                elif now - told >= self.settings.keep_alive:
                    told = now
                    yield b""
        except (HTTPError, OSError) as error:
            raise ProxyError("upstream", "the upstream broke its answer off") from error

    def _still_wanted(self) -> None:
        if self.gone():
            raise Gone

    def _silence(self, ready: Callable[[float], bool], since: float) -> Iterator[bytes]:
        """Waits until `ready`; an empty piece for each keep-alive interval. Raises ProxyError (timeout), Gone."""
        told = time.monotonic()
        step = min(TICK, self.settings.keep_alive, self.settings.idle_timeout)
        while not ready(step):
            self._still_wanted()
            now = time.monotonic()
            if now - since >= self.settings.idle_timeout:
                raise ProxyError("timeout", f"the upstream was silent for {self.settings.idle_timeout:g} seconds")
            if now - told >= self.settings.keep_alive:
                told = now
                yield b""

    def read(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole body. Raises ProxyError over the limit, and as `pieces`."""
        return b"".join(self.parts(limit))

    def parts(self, limit: int = BODY_LIMIT) -> Iterator[bytes]:
        """As `pieces`, for a body that will be held as a whole. Raises ProxyError over the limit."""
        size = 0
        for piece in self.pieces():
            size += len(piece)
            if size > limit:
                raise ProxyError("upstream", f"the upstream's answer has more than {limit} bytes")
            yield piece

    def finish(self) -> None:
        """After the last event: reads what should be just the end of the body, and frees the connection for reuse."""
        for _ in self.rest():
            pass

    def rest(self) -> Iterator[bytes]:
        """What still comes after the last event, within a moment: most often nothing."""
        until = time.monotonic() + LINGER
        with contextlib.suppress(HTTPError, OSError):
            while (left := until - time.monotonic()) > 0:
                piece = self.body.read(left)
                if piece == b"":
                    return
                if piece:
                    yield piece

    def close(self) -> None:
        """Closes the connection, unless the body was read to its end."""
        self.response.close()
