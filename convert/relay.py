"""The upstream call: requests, one session a process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

from convert import sse
from convert.answer import Answer, Hangup
from convert.connections import Adapter, Call, Gone
from convert.echo import EchoAdapter
from convert.errors import ProxyError
from convert.headers import Sent
from convert.settings import Settings
from convert.version import VERSION

ERROR_LIMIT = 1024 * 1024
POOL = 1024  # connections kept for reuse, for each upstream host


class Relay:
    """Makes upstream calls with the settings' timeouts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.session = session = requests.Session()
        environment = session.merge_environment_settings("https://example.com", {}, None, None, None)
        session.trust_env = False  # else each call reads ~/.netrc and the environment again
        session.proxies = requests.utils.getproxies()  # type: ignore[attr-defined]
        self.verify = True if environment["verify"] is None else environment["verify"]
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.timeout: Any = urllib3.Timeout(connect=settings.connect_timeout, read=settings.idle_timeout)
        self.headers = {
            "User-Agent": f"convert/{VERSION}", "Accept-Encoding": "identity", "Content-Type": "application/json"
        }  # fmt: skip
        session.mount("https://", Adapter(pool_connections=64, pool_maxsize=POOL))
        session.mount("http://", Adapter(pool_connections=64, pool_maxsize=POOL))
        session.mount("echo://", EchoAdapter())

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], stream: bool, gone: Hangup = lambda: False
    ) -> Answer:
        """Sends a request; its answer, of whatever status, with the body still to come.

        `gone` tells whether the client has hung up; then Gone is raised. Raises ProxyError when there is no
        answer. A pooled connection that turns out to have died while it was idle is replaced once."""
        with Call(_ticker(gone), self.settings.keep_alive if stream else None, self.settings.idle_timeout) as call:
            try:
                answer = self._send("POST", url, headers, body)
            except ProxyError as error:
                if error.kind != "upstream" or not call.stale:
                    raise
                answer = self._send("POST", url, headers, body)
        return Answer(answer, self.settings, gone, call.since)

    def call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], gone: Hangup) -> Answer:
        """Sends a request of another method; as `post` without a stream."""
        with Call(_ticker(gone), None, self.settings.idle_timeout):
            return Answer(self._send(method, url, headers, body), self.settings, gone)

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
        try:
            request = _prepared(method, url, {**self.headers, **headers}, body)
            adapter = self.session.get_adapter(request.url or url)
            proxies = self._proxies(url)
            response = adapter.send(request, stream=True, timeout=self.timeout, proxies=proxies, verify=self.verify)
        except requests.Timeout as error:
            raise ProxyError("timeout", "the upstream did not answer in time") from error
        except requests.RequestException as error:
            raise ProxyError("upstream", "the upstream cannot be reached, or broke the connection off") from error
        response.request = requests.PreparedRequest()  # without the body: that may be large, and the answer long
        response.request.headers = request.headers
        return response

    def _proxies(self, url: str) -> Mapping[str, str]:
        """The environment's proxies, where the URL is to be reached through one."""
        known = self.session.proxies
        if not known or requests.utils.select_proxy(url, known) is None:
            return {}
        return {} if requests.utils.should_bypass_proxies(url, None) else known


def _prepared(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    """What Session.prepare_request makes, of values that need no preparation; it would take a third of the call."""
    request = requests.PreparedRequest()
    request.method, request.url, request.body = method, _escaped(url), body
    length = {} if body is None else {"Content-Length": str(len(body))}
    request.headers = Sent({**headers, **length})  # type: ignore[assignment]
    return request


@functools.lru_cache(maxsize=1024)
def _escaped(url: str) -> str:
    """A URL as it is sent. Raises RequestException for one that is none."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


def _ticker(gone: Hangup) -> Callable[[], None]:
    def tick() -> None:
        if gone():
            raise Gone

    return tick
