"""Connections that do not block while an upstream is silent before its headers.

A plain wait for headers would hide that the client has hung up, and would leave the client of a stream without
a sign of life. So the wait is cut into ticks: each one asks the call whether it is still wanted; and a
call for a stream that gets no headers for a while is given the response as it is, to wait for them itself.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from requests import Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from convert.incoming import Incoming
from convert.sockets import TICK, TOGETHER, readable, send

_current = threading.local()


class Gone(Exception):  # noqa: N818 - it is no error
    """The client has hung up; nobody waits for the answer."""


class Call:
    """One upstream call while it is being made, in this thread.

    tick     raises Gone when the answer is no longer wanted
    defer    seconds without headers after which the response is given without them; None: never
    idle     seconds without headers after which the call times out
    since    when it began, by time.monotonic()
    stale    whether a failure would be that of a kept connection which had died in the meantime: it has served
             before, no byte of the answer has come, and the upstream has had no time to work on the request
    """

    def __init__(self, tick: Callable[[], None], defer: float | None, idle: float) -> None:
        self.tick = tick
        self.defer = defer
        self.idle = idle
        self.stale = False
        self.since = time.monotonic()

    def __enter__(self) -> Call:
        _current.call = self
        return self

    def __exit__(self, *exception: object) -> None:
        _current.call = None


class _Ticking:
    """Mixed into urllib3's connections."""

    sock: Any
    timeout: Any
    host: str
    port: int
    default_port: int
    _tunnel_host: str | None
    _tunnel_port: int | None
    connect: Callable[[], None]
    served = 0

    @property
    def is_connected(self) -> bool:
        """Whether the connection, when it is idle, can still be used; urllib3 asks before each use."""
        return self.sock is not None and not readable(self.sock, 0)

    def request(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> None:
        """Sends a request. Raises OSError, and ValueError for a header that is more than one line."""
        if self.sock is None:
            self.connect()
        head = _head(method, url, self._asked(url), headers or {})
        self.sock.settimeout(self.timeout)
        if body is None or len(body) < TOGETHER:
            send(self.sock, head + (body or b""))
        else:
            self.sock.sendall(head)
            self.sock.sendall(body)

    def getresponse(self) -> Incoming:
        """The response; that of a stream, perhaps, before its head has come."""
        call: Call = getattr(_current, "call", None) or Call(lambda: None, None, self.timeout or math.inf)
        incoming = Incoming(self)
        call.stale = self.served > 0
        self.served += 1
        try:
            while not incoming.arrive(min(TICK, call.idle, call.defer or TICK)):
                call.tick()
                waited = time.monotonic() - call.since
                if waited >= call.idle:
                    raise TimeoutError("no answer from the upstream")
                if call.defer is not None and waited >= call.defer:
                    break
        finally:
            call.stale = call.stale and not incoming.begun and time.monotonic() - call.since < TICK
        return incoming

    def _asked(self, url: str) -> str:
        """Whose resource is asked for: in a URL for a proxy it is spelt out."""
        if not url.startswith("/"):
            return urlsplit(url).netloc
        tunnel = self._tunnel_host
        name, port = (tunnel, self._tunnel_port) if tunnel else (self.host, self.port)
        host = f"[{name}]" if ":" in name and name[0] != "[" else name
        return host if port in (self.default_port, None) else f"{host}:{port}"


def _head(method: str, url: str, netloc: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request (RFC 9112, section 3). Raises ValueError where a value would make another line."""
    lines = [f"{method} {url} HTTP/1.1", f"Host: {netloc}", *map("%s: %s".__mod__, headers.items())]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header has more than one line")
    return f"{head}\r\n\r\n".encode("latin-1")


class _Connection(_Ticking, HTTPConnection):  # type: ignore[misc]
    pass


class _SecureConnection(_Ticking, HTTPSConnection):  # type: ignore[misc]
    pass


class _Idle:
    """The connections of a pool that are not in use, the last one to come back first. urllib3's usual kind
    (queue.LifoQueue) has locks for those who wait for one; nobody does here, and what a list does is done at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.connections: list[Any] = []

    def put(self, connection: Any, block: bool = False) -> None:
        """Keeps a connection. Raises queue.Full."""
        if len(self.connections) >= self.size:
            raise queue.Full
        self.connections.append(connection)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """A connection. Raises queue.Empty."""
        try:
            return self.connections.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        """How many there are."""
        return len(self.connections)


class _Keeping:
    """Mixed into urllib3's pools: a call over a connection that is open already is spared what urlopen does for all
    the others, which takes as long as the call itself."""

    QueueCls = _Idle
    proxy: Any
    _get_conn: Callable[[], Any]
    _put_conn: Callable[[Any], None]

    def urlopen(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """Makes a call, once. Raises urllib3's HTTPError, and Gone."""
        connection = self._get_conn()
        if connection.sock is None or self.proxy is not None:
            self._put_conn(connection)
            return super().urlopen(method, url, body, headers, **options)  # type: ignore[misc]
        connection.timeout = options["timeout"].read_timeout
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered all the same
                connection.request(method, url, body, headers)
            response = connection.getresponse()
        except BaseException as error:
            connection.close()
            self._put_conn(connection)
            if isinstance(error, TimeoutError):
                raise ReadTimeoutError(self, url, "no answer in time") from error  # type: ignore[arg-type]
            if isinstance(error, OSError):
                raise ProtocolError("the connection broke off", error) from error
            raise
        response._connection, response._pool = connection, self
        return response


class _Pool(_Keeping, HTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection  # type: ignore[assignment]


class _SecurePool(_Keeping, HTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _SecureConnection  # type: ignore[assignment]


POOLS = {"http": _Pool, "https": _SecurePool}


class Adapter(HTTPAdapter):
    """A requests transport adapter over such connections, less what nobody here asks of it: half of the time of a call
    went into finding the same pool again, and into cookies."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.pools: dict[tuple[str, Any], Any] = {}
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The connections through a proxy of the environment."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of the request's origin."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        origin = request.url[: request.url.find("/", len("https://"))], verify
        pool = self.pools.get(origin)
        if pool is None or pool.pool is None:  # closed, because there are many others
            pool = self.pools[origin] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        """What stands in the request line."""
        return super().request_url(request, proxies) if proxies else str(request.path_url)

    def build_response(self, req: Any, resp: Any) -> Response:
        """What convert asks of a response."""
        return _Response(req, resp)


class _Response(Response):
    """A response without what nobody here asks of one, a jar for its cookies above all."""

    _content: Any = False
    _content_consumed = False
    history: Any = ()

    def __init__(self, request: Any, raw: Any) -> None:
        self.raw, self.request, self.url = raw, request, request.url
        self.status_code, self.headers = raw.status, raw.headers
