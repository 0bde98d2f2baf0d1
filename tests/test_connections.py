from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection

from convert.connections import POOLS, Adapter, Call, Gone
from tests.live.upstream import Call as Heard
from tests.live.upstream import Script, Upstream

Send = Callable[[Script, Call], requests.Response]


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def send(upstream: Upstream) -> Send:
    """Sends a request, which is answered by a script, while a call is made."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Adapter())

    def send(script: Script, call: Call) -> requests.Response:
        upstream.script("m", script)
        with call:
            return session.post(f"http://127.0.0.1:{upstream.port}/", json={"model": "m"}, stream=True, timeout=5)

    return send


def never() -> None:
    """A client that waits."""


def read(answer: requests.Response) -> bytes:
    """The body of an answer."""
    return b"".join(iter(lambda: answer.raw.read(2), b""))


def fine(heard: Heard) -> None:
    heard.plain(b"fine")


def test_an_answer_in_time_is_the_answer(send: Send) -> None:
    answer = send(fine, Call(never, 1, 1))
    assert answer.raw.headed
    assert read(answer) == b"fine"


def test_an_answer_whose_headers_are_late_is_deferred(send: Send) -> None:
    def late(heard: Heard) -> None:
        time.sleep(0.1)
        heard.plain(b"late", 404)

    answer = send(late, Call(never, 0.02, 5))
    assert not answer.raw.headed
    assert not answer.raw.arrive(0)
    assert answer.raw.arrive(2)
    assert (answer.raw.status, read(answer)) == (404, b"late")


def test_closing_a_deferred_answer_hangs_up(send: Send) -> None:
    gone: list[bool] = []
    answer = send(lambda heard: gone.append(heard.wait_for_hangup(2)), Call(never, 0.02, 5))
    answer.raw.close()
    until = time.monotonic() + 2
    while not gone and time.monotonic() < until:
        time.sleep(0.005)
    assert gone == [True]


def test_a_call_that_is_no_longer_wanted_ends_and_hangs_up(send: Send) -> None:
    def tick() -> None:
        raise Gone

    heard: list[Heard] = []
    with pytest.raises(Gone):
        send(lambda call: (heard.append(call), call.wait_for_hangup(2))[0], Call(tick, None, 5))
    assert heard[0].done.wait(2) and heard[0].closed_at


def test_a_call_times_out_without_headers(send: Send) -> None:
    with pytest.raises(requests.Timeout):
        send(lambda heard: (heard.wait_for_hangup(2), heard.close())[0], Call(never, 10, 0.01))


@pytest.mark.parametrize("ending", ["kept", "timeout", "gone", "broken"])
def test_a_kept_connection_serves_again_unless_a_call_over_it_failed(send: Send, ending: str) -> None:
    def tick() -> None:
        raise Gone

    read(send(fine, Call(never, None, 5)))
    first: list[Heard] = []
    if ending == "kept":
        read(send(lambda heard: (first.append(heard), fine(heard))[1], Call(never, None, 5)))
    elif ending == "broken":
        with pytest.raises(requests.ConnectionError):
            send(lambda heard: (first.append(heard), heard.close())[1], Call(never, None, 5))
    else:
        with pytest.raises(requests.Timeout if ending == "timeout" else Gone):
            silent = Call(never, None, 0.05) if ending == "timeout" else Call(tick, None, 5)
            send(lambda heard: (first.append(heard), heard.wait_for_hangup(2), heard.close())[2], silent)
        assert first[0].done.wait(2) and first[0].closed_at
    second: list[Heard] = []
    assert read(send(lambda heard: (second.append(heard), fine(heard))[1], Call(never, None, 5))) == b"fine"
    assert (second[0].connection == first[0].connection) == (ending == "kept")


def test_only_a_kept_connection_that_died_at_once_counts_as_stale(send: Send) -> None:
    first = Call(never, None, 5)
    with pytest.raises(requests.ConnectionError):
        send(Heard.close, first)
    assert not first.stale  # a new connection has not died while it was idle
    read(send(fine, Call(never, None, 5)))
    second = Call(never, None, 5)
    with pytest.raises(requests.ConnectionError):
        send(Heard.close, second)
    assert second.stale
    read(send(fine, Call(never, None, 5)))
    third = Call(never, None, 5)
    with pytest.raises(requests.ConnectionError):
        send(lambda heard: (heard.send(b"what?\r\n"), heard.close())[0], third)
    assert not third.stale


def test_outside_of_a_call_connections_are_as_usual(upstream: Upstream) -> None:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Adapter())
    upstream.script("m", fine)
    assert read(session.post(f"http://127.0.0.1:{upstream.port}/", json={"model": "m"}, stream=True)) == b"fine"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_a_header_is_one_line(upstream: Upstream, value: str) -> None:
    adapter, request = Adapter(), requests.PreparedRequest()
    request.method, request.url, request.body = "GET", f"http://127.0.0.1:{upstream.port}/", None
    request.headers = CaseInsensitiveDict({"X-Fine": value})
    with pytest.raises(ValueError, match="more than one line"):
        adapter.send(request, stream=True)


def test_through_a_proxy_connections_tick_too(upstream: Upstream) -> None:
    session = requests.Session()
    session.trust_env = False
    session.proxies = {"http": f"http://127.0.0.1:{upstream.port}"}
    session.mount("http://", Adapter())
    upstream.script("m", fine)
    with Call(never, 1, 1):
        answer = session.post("http://elsewhere.invalid/path", json={"model": "m"}, stream=True)
    assert read(answer) == b"fine"
    assert upstream.calls["m"][-1].target == "http://elsewhere.invalid/path"
    assert upstream.calls["m"][-1].headers["host"] == "elsewhere.invalid"


def test_the_connection_that_was_used_last_is_used_next_and_no_more_are_kept_than_were_asked_for() -> None:
    class Open(HTTPConnection):
        is_connected, closed = True, False

        def close(self) -> None:
            self.closed = True

    pool = POOLS["http"]("localhost", maxsize=2)
    first, second, third = (Open("localhost") for _ in range(3))
    assert pool._get_conn() is not pool._get_conn()  # two are out
    for connection in (first, second, third):
        pool._put_conn(connection)
    assert third.closed and not first.closed
    assert [pool._get_conn(), pool._get_conn()] == [second, first]
    assert pool._get_conn() not in (first, second, third)  # a new one
    pool._put_conn(first)
    pool.close()
    assert first.closed
