"""Connections that do not block while an upstream is silent before its headers.

A plain wait for headers would hide that the client has hung up, and would leave the client of a stream without
a sign of life. So the wait is cut into ticks: each one asks the call whether it is still wanted; and a
call for a stream that gets no headers for a while is given a `Deferred` answer, which fetches them later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from requests import Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from convert.sockets import TICK, begun, readable

_current = threading.local()


class Gone(Exception):  # noqa: N818 - it is no error
    """The client has hung up; nobody waits for the answer."""


class Call:
    """One upstream call while it is being made, in this thread.

    tick     raises Gone when the answer is no longer wanted
    defer    seconds without headers after which a Deferred is given; None: never
    idle     seconds without headers after which the call times out
    stale    whether a failure would be that of a kept connection which had died in the meantime: it has served
             before, no byte of the answer has come, and the upstream has had no time to work on the request
    """

    def __init__(self, tick: Callable[[], None], defer: float | None, idle: float) -> None:
        self.tick = tick
        self.defer = defer
        self.idle = idle
        self.stale = False

    def __enter__(self) -> Call:
        _current.call = self
        return self

    def __exit__(self, *exception: object) -> None:
        _current.call = None


class Deferred(HTTPResponse):
    """Stands for an answer whose headers have not come yet."""

    def __init__(self, connection: Any, since: float) -> None:
        super().__init__(body=b"", status=200, headers={"Content-Type": "text/event-stream"}, preload_content=False)
        self.connection_of_call = connection
        self.since = since  # time.monotonic() when the wait began

    def ready(self, seconds: float) -> bool:
        """Whether the headers begin to arrive within a time."""
        return readable(self.connection_of_call.sock, seconds)

    def resolve(self) -> HTTPResponse:
        """The real answer. Raises what urllib3 raises for a broken one."""
        return self.connection_of_call.answer()  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends the call; the connection is not used again."""
        self.connection_of_call.close()
        super().close()


class _Ticking:
    """Mixed into urllib3's connections."""

    sock: Any
    served = 0

    @property
    def is_connected(self) -> bool:
        """Whether the connection, when it is idle, can still be used; urllib3 asks before each use."""
        return self.sock is not None and not readable(self.sock, 0)

    def getresponse(self) -> HTTPResponse:
        """The answer, or a Deferred."""
        call: Call | None = getattr(_current, "call", None)
        if call is None:
            return self.answer()
        call.stale = self.served > 0
        since = time.monotonic()
        while not readable(self.sock, min(TICK, call.idle, call.defer or TICK)):
            call.tick()
            waited = time.monotonic() - since
            call.stale = call.stale and waited < TICK
            if waited >= call.idle:
                raise TimeoutError("no answer from the upstream")
            if call.defer is not None and waited >= call.defer:
                return Deferred(self, since)
        call.stale = call.stale and not begun(self.sock)
        return self.answer()

    def answer(self) -> HTTPResponse:
        """The answer, read with urllib3's own method."""
        response: HTTPResponse = super().getresponse()  # type: ignore[misc]
        self.served += 1
        return response


class _Connection(_Ticking, HTTPConnection):  # type: ignore[misc]
    pass


class _SecureConnection(_Ticking, HTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Adapter(HTTPAdapter):
    """A requests transport adapter over such connections, less what nobody here asks of it: half of the time of a call
    went into finding the same pool again, and into cookies."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.pools: dict[tuple[str, Any], Any] = {}
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

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
        """What convert asks of a response: the status, and urllib3's own."""
        response = Response()
        response.raw, response.request, response.url = resp, req, req.url
        response.status_code = resp.status
        return response
