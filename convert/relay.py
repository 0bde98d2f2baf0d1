"""The upstream call: requests, one session a process, bytes as they arrive.

Source: MDN and RFC 9110 for which headers are hop-by-hop; the pass lists name what clients act on
(shared observations: retry hints, rate limits, request ids).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, ReadTimeoutError

from convert import sse
from convert.connections import Adapter, Call, Deferred, Gone
from convert.echo import EchoAdapter
from convert.errors import ProxyError
from convert.settings import Settings
from convert.sockets import TICK, readable
from convert.version import VERSION

READ = 65536  # bytes asked for at once
COALESCE = 262144  # bytes that are gathered into one piece at most
ERROR_LIMIT = 1024 * 1024
BODY_LIMIT = 256 * 1024 * 1024
POOL = 1024  # connections kept for reuse, for each upstream host
SENT = (
    "openai-organization", "openai-project", "openai-beta", "idempotency-key", "traceparent", "tracestate",
    "x-request-id", "x-client-request-id", "session-id", "session_id", "thread-id", "conversation_id", "originator",
    "http-referer", "x-title", "x-session-id",
)  # fmt: skip
RETURNED = (
    "retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "request-id", "openai-processing-ms",
    "openai-version", "openai-model", "openai-organization",
)  # fmt: skip
RETURNED_PREFIXES = ("x-ratelimit-", "ratelimit-", "anthropic-ratelimit-")
Hangup = Callable[[], bool]  # whether the client has hung up


class Relay:
    """Makes upstream calls with the settings' timeouts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.session = session = requests.Session()
        environment = session.merge_environment_settings("https://example.com", {}, None, None, None)
        session.trust_env = False  # else each call reads ~/.netrc and the environment again
        session.proxies = requests.utils.getproxies()  # type: ignore[attr-defined]
        session.verify = environment["verify"]
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers = CaseInsensitiveDict(
            {"User-Agent": f"convert/{VERSION}", "Accept-Encoding": "identity", "Content-Type": "application/json"}
        )
        session.mount("https://", Adapter(pool_connections=64, pool_maxsize=POOL))
        session.mount("http://", Adapter(pool_connections=64, pool_maxsize=POOL))
        session.mount("echo://", EchoAdapter())

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], stream: bool, gone: Hangup = lambda: False
    ) -> Answer:
        """Sends a request; its answer, of whatever status, with the body still to come.

        `gone` tells whether the client has hung up; then Gone is raised. Raises ProxyError when there is no
        answer. A pooled connection that turns out dead before a byte came is replaced once."""
        with Call(_ticker(gone), self.settings.keep_alive if stream else None, self.settings.idle_timeout) as call:
            try:
                answer = self._send("POST", url, headers, body)
            except ProxyError as error:
                if error.kind != "upstream" or not call.reused:
                    raise
                answer = self._send("POST", url, headers, body)
        return Answer(answer, self.settings, gone)

    def get(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """A small JSON object from the upstream. Raises ProxyError for anything else."""
        answer = Answer(self._send("GET", url, headers, None), self.settings, lambda: False)
        try:
            body = answer.read(ERROR_LIMIT * 16)
            if answer.status >= 400:
                raise ProxyError("upstream", f"the upstream answered with status {answer.status}")
            return sse.parse(body)
        finally:
            answer.close()

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        request = self.session.prepare_request(requests.Request(method, url, headers=dict(headers), data=body))
        timeout = (self.settings.connect_timeout, self.settings.idle_timeout)
        proxies = requests.utils.select_proxy(url, self.session.proxies)
        used = {} if proxies is None or requests.utils.should_bypass_proxies(url, None) else self.session.proxies
        try:
            return self.session.send(
                request, stream=True, timeout=timeout, allow_redirects=False, proxies=used, verify=self.session.verify
            )
        except requests.Timeout as error:
            raise ProxyError("timeout", "the upstream did not answer in time") from error
        except requests.RequestException as error:
            raise ProxyError("upstream", "the upstream cannot be reached, or broke the connection off") from error


def sent_headers(client: Mapping[str, str], credentials: Mapping[str, str], stream: bool) -> dict[str, str]:
    """The headers for the upstream: the few of the client's that carry a meaning there, and the key."""
    passed = {name: client[name] for name in SENT if name in client}
    accept = "text/event-stream" if stream else "application/json"
    return {**passed, "Accept": accept, **credentials}


def returned_headers(upstream: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers that the client is given: request ids, rate limits, hints when to retry."""
    return {
        name: value
        for name, value in upstream.items()
        if name.lower() in RETURNED or name.lower().startswith(RETURNED_PREFIXES)
    }


def _ticker(gone: Hangup) -> Callable[[], None]:
    def tick() -> None:
        if gone():
            raise Gone

    return tick


class Answer:
    """An upstream's answer: status and headers, and the body as it arrives. Close it in the end."""

    def __init__(self, response: requests.Response, settings: Settings, gone: Hangup) -> None:
        self.response = response
        self.raw: urllib3.HTTPResponse = response.raw
        self.settings = settings
        self.gone = gone

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
        """Waits for deferred headers: an empty piece for each interval of silence, until they are there."""
        raw = self.raw
        if not isinstance(raw, Deferred):
            return
        yield b""
        try:
            yield from self._silence(raw.ready, raw.since)
            self.raw = raw.resolve()
        except (HTTPError, OSError, requests.RequestException) as error:
            raise ProxyError("upstream", "the upstream broke the connection off before it answered") from error

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives, all that is there at once. An empty piece stands for each interval of silence.
        Raises ProxyError (timeout, upstream) and Gone."""
        sock = _socket(self.raw)
        try:
            while True:
                if sock is not None and not self._buffered(sock):
                    yield from self._silence(lambda seconds: readable(sock, seconds), time.monotonic())
                piece = self.raw.read1(READ, decode_content=True)
                if not piece:
                    return
                if sock is not None:
                    piece = self._gathered(piece, sock)
                yield piece
        except ReadTimeoutError as error:
            raise ProxyError("timeout", "the upstream fell silent in the middle of its answer") from error
        except (HTTPError, OSError) as error:
            raise ProxyError("upstream", "the upstream broke its answer off") from error

    def _silence(self, ready: Callable[[float], bool], since: float) -> Iterator[bytes]:
        """Waits until `ready`; an empty piece for each keep-alive interval. Raises ProxyError (timeout), Gone."""
        told = time.monotonic()
        step = min(TICK, self.settings.keep_alive, self.settings.idle_timeout)
        while not ready(step):
            if self.gone():
                raise Gone
            now = time.monotonic()
            if now - since >= self.settings.idle_timeout:
                raise ProxyError("timeout", f"the upstream was silent for {self.settings.idle_timeout:g} seconds")
            if now - told >= self.settings.keep_alive:
                told = now
                yield b""

    def _gathered(self, piece: bytes, sock: Any) -> bytes:
        """A piece with what else has arrived by now."""
        gathered, size = [piece], len(piece)
        while size < COALESCE and self._buffered(sock):
            more = self.raw.read1(READ, decode_content=True)
            if not more:
                break
            gathered.append(more)
            size += len(more)
        return b"".join(gathered)

    def _buffered(self, sock: Any) -> bool:
        """Whether bytes are at hand without waiting. A socket timeout in the middle of a read would spoil the
        reader, so the look is taken without blocking."""
        reader = self.raw._fp.fp  # type: ignore[union-attr]
        if reader is None:
            return False
        before = sock.gettimeout()
        sock.settimeout(0)
        try:
            return bool(reader.peek(1))
        except OSError:  # TLS: no whole record yet
            return False
        finally:
            sock.settimeout(before)

    def read(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole body. Raises ProxyError over the limit, and as `pieces`."""
        gathered, size = [], 0
        for piece in self.pieces():
            gathered.append(piece)
            size += len(piece)
            if size > limit:
                raise ProxyError("upstream", f"the upstream's answer has more than {limit} bytes")
        return b"".join(gathered)

    def close(self) -> None:
        """Frees the connection: for reuse when the body was read to its end, else it is closed. What has arrived
        by now is read: behind a terminal event there is often just the end of the body."""
        sock = _socket(self.raw)
        with contextlib.suppress(HTTPError, OSError):
            while sock is not None and self._buffered(sock) and self.raw.read1(READ):
                pass
        if isinstance(self.response.raw, Deferred) and self.raw is not self.response.raw:
            self.raw.close()
        self.response.close()


def _socket(raw: Any) -> Any:
    """The socket below a response; None where there is none (the built-in upstream, test doubles)."""
    reader = getattr(getattr(raw, "_fp", None), "fp", None)
    return getattr(getattr(reader, "raw", None), "_sock", None)
