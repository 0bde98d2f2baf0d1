"""An upstream's answer as it arrives: whatever is there, at once, and a sign for each interval of silence.

urllib3 and http.client block until they have what they want; a wait of that kind would hide that the client has hung
up, and that it is time for a keep-alive. So a read is only begun when there is something to read.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from typing import Any

import requests
import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from convert.connections import Deferred, Gone
from convert.errors import ProxyError
from convert.settings import Settings
from convert.sockets import TICK, readable

READ = 65536  # bytes asked for at once
COALESCE = 262144  # bytes that are gathered into one piece at most
BODY_LIMIT = 256 * 1024 * 1024
LINGER = 0.05  # seconds for the end of a body to come after its last event, so that the connection can be reused
Hangup = Callable[[], bool]  # whether the client has hung up


class Answer:
    """Status and headers, and the body as it arrives. Close it in the end."""

    def __init__(self, response: requests.Response, settings: Settings, gone: Hangup) -> None:
        self.response = response
        self.raw: urllib3.HTTPResponse = response.raw
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
        return self.raw.headers

    @property
    def streams(self) -> bool:
        """Whether the body is an event stream."""
        return self.headers.get("Content-Type", "").lower().startswith("text/event-stream")

    @property
    def deferred(self) -> bool:
        """Whether the headers are still to come."""
        return isinstance(self.raw, Deferred)

    def arrive(self) -> Iterator[bytes]:
        """Waits for deferred headers: an empty piece for each interval of silence, until they are there.
        Raises ProxyError (timeout, upstream) and Gone."""
        raw = self.raw
        if not isinstance(raw, Deferred):
            return
        yield b""
        try:
            yield from self._silence(raw.ready, raw.since)
            self.raw = raw.resolve()
        except (HTTPError, HTTPException, OSError) as error:
            raise ProxyError("upstream", "the upstream broke the connection off before it answered") from error

    def pieces(self, steady: bool = False) -> Iterator[bytes]:
        """The body as it arrives, all that is there at once. An empty piece stands for each interval of silence;
        `steady`: for each interval at all, for readers that make nothing of some pieces (comments).
        Raises ProxyError (timeout, upstream) and Gone."""
        sock = _socket(self.raw)
        looked = told = time.monotonic()
        try:
            while True:
                if sock is not None and not self._ready(sock):
                    for sign in self._silence(lambda seconds: readable(sock, seconds), time.monotonic()):
                        told = time.monotonic()
                        yield sign
                piece = self.raw.read1(READ, decode_content=True)
                if not piece:
                    return
                yield from self._gathered(piece, sock)
                now = time.monotonic()
                if now - looked >= TICK:  # a client that waits for the whole is not written to meanwhile
                    looked = now
                    self._still_wanted()
                if steady and now - told >= self.settings.keep_alive:
                    told = now
                    yield b""
        except ReadTimeoutError as error:
            raise ProxyError("timeout", "the upstream fell silent in the middle of its answer") from error
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

    def _gathered(self, piece: bytes, sock: Any) -> Iterator[bytes]:
        """A piece with what else has arrived by now; an error that comes after it is raised after it."""
        gathered, size, fault = [piece], len(piece), None
        try:
            while sock is not None and size < COALESCE and self._ready(sock):
                more = self.raw.read1(READ, decode_content=True)
                if not more:
                    break
                gathered.append(more)
                size += len(more)
        except (HTTPError, OSError) as error:
            fault = error
        yield b"".join(gathered)
        if fault:
            raise fault

    def _ready(self, sock: Any) -> bool:
        """Whether a read gives something without waiting: data, or the end."""
        reader: Any = self.raw._fp
        if reader.isclosed() or self.raw.length_remaining == 0 or _undelivered(self.raw):
            return True
        data = _peek(reader.fp, sock)
        if reader.chunked and not reader.chunk_left:  # a size comes first, after the line end of the chunk before
            data = data[2 if reader.chunk_left == 0 else 0 :].partition(b"\n")[2]
        return bool(data)

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
        sock, until = _socket(self.raw), time.monotonic() + LINGER
        if sock is None:
            return
        with contextlib.suppress(HTTPError, OSError):
            sock.settimeout(LINGER)  # if this spoils the reader, the connection is closed, and not reused
            while (left := until - time.monotonic()) > 0:
                if not (self._ready(sock) or readable(sock, left)) or not self.raw.read1(READ):
                    return

    def close(self) -> None:
        """Closes the connection, unless the body was read to its end."""
        if isinstance(self.response.raw, Deferred) and self.raw is not self.response.raw:
            self.raw.close()
        self.response.close()


def _undelivered(raw: Any) -> bool:
    """Whether decompressed bytes wait in urllib3."""
    return len(raw._decoded_buffer) > 0 or bool(raw._decoder and raw._decoder.has_unconsumed_tail)


def _peek(reader: Any, sock: Any) -> bytes:
    """What is at hand. A socket timeout in the middle of a read would spoil the reader, so the look is taken
    without blocking."""
    before = sock.gettimeout()
    sock.settimeout(0)
    try:
        return bytes(reader.peek(1))
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # no whole record yet
        return b""
    finally:
        sock.settimeout(before)


def _socket(raw: Any) -> Any:
    """The socket below a response; None where there is none (the built-in upstream, test doubles)."""
    reader = getattr(getattr(raw, "_fp", None), "fp", None)
    return getattr(getattr(reader, "raw", None), "_sock", None)
