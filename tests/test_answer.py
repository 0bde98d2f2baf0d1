from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator

import pytest

from convert.answer import Answer
from convert.connections import Gone
from convert.errors import ProxyError
from convert.relay import Relay
from convert.settings import Settings
from convert.settings import Upstream as Configured
from tests.live.upstream import Call, Script, Upstream

SETTINGS = Settings((Configured("main", "http://localhost"),), keep_alive=0.03, idle_timeout=0.3)
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def ask(upstream: Upstream) -> Iterator[Ask]:
    """Asks an upstream that answers by a script."""
    relay = Relay(SETTINGS)
    made: list[Answer] = []

    def ask(script: Script, stream: bool = False, gone: Callable[[], bool] = lambda: False) -> Answer:
        upstream.script("m", script)
        made.append(relay.post(f"http://127.0.0.1:{upstream.port}/", b'{"model": "m"}', {}, stream, gone))
        return made[-1]

    yield ask
    for answer in made:
        answer.close()


@pytest.mark.parametrize("body", [b"body", b""])
def test_a_finished_body_on_a_kept_connection_does_not_wait_for_more(ask: Ask, body: bytes) -> None:
    began = time.monotonic()
    assert ask(lambda call: call.plain(body)).read() == body
    assert time.monotonic() - began < 0.2


def test_each_chunk_comes_before_the_next_is_sent(ask: Ask) -> None:
    def script(call: Call) -> None:
        call.begin()
        for _ in range(3):
            call.chunk(f"<{time.monotonic()}>".encode())
            time.sleep(0.02)
        call.finish()

    delays = [time.monotonic() - float(piece[1:-1]) for piece in ask(script).pieces() if piece]
    assert len(delays) == 3
    assert sorted(delays)[1] < 0.015


def test_what_came_in_many_packets_is_few_pieces(ask: Ask) -> None:
    def script(call: Call) -> None:
        call.stream(*[b"x" * 1000] * 20)

    answer = ask(script)
    time.sleep(0.05)
    sizes = [len(piece) for piece in answer.pieces() if piece]
    assert sum(sizes) == 20_000 and len(sizes) <= 3


def test_silence_is_told_with_empty_pieces_and_ends_in_a_timeout(ask: Ask) -> None:
    def script(call: Call) -> None:
        call.begin()
        call.chunk(b"one")
        call.wait_for_hangup(2)
        call.close()

    got: list[bytes] = []
    with pytest.raises(ProxyError) as caught:
        for piece in ask(script).pieces():
            got.append(piece)
    assert caught.value.kind == "timeout"
    assert got[0] == b"one" and set(got[1:]) == {b""} and 3 <= len(got) <= 11


def test_pieces_between_which_there_is_no_silence_can_have_signs_too(ask: Ask) -> None:
    def script(call: Call) -> None:
        call.stream(*[b": comment\n\n"] * 20, pause=0.01)

    assert b"" not in list(ask(script).pieces())
    assert 2 <= list(ask(script).pieces(steady=True)).count(b"") <= 12


def test_what_came_before_an_error_is_given_before_it(ask: Ask) -> None:
    def script(call: Call) -> None:
        call.begin()
        call.chunk(b"one")
        call.send(b"zz\r\nnonsense")
        call.close()

    answer = ask(script)
    time.sleep(0.05)
    pieces = answer.pieces()
    assert next(pieces) == b"one"
    with pytest.raises(ProxyError) as caught:
        next(pieces)
    assert caught.value.kind == "upstream"


def test_a_client_that_is_gone_ends_the_reading(ask: Ask) -> None:
    answer = ask(lambda call: (call.begin(), call.wait_for_hangup(2), call.close())[0], gone=lambda: True)
    with pytest.raises(Gone):
        list(answer.pieces())


def test_compressed_bodies_are_decoded_to_their_end(ask: Ask) -> None:
    body = b"".join(b"%d " % number for number in range(200_000))

    def script(call: Call) -> None:
        call.plain(gzip.compress(body), Content_Encoding="gzip")

    assert ask(script).read() == body


def test_a_body_over_the_limit_is_given_up(ask: Ask) -> None:
    with pytest.raises(ProxyError, match="more than 1000 bytes"):
        ask(lambda call: call.plain(b"x" * 5000)).read(1000)


def test_late_headers_are_awaited_with_signs(ask: Ask) -> None:
    def script(call: Call) -> None:
        time.sleep(0.15)
        call.plain(b"late", 404)

    answer = ask(script, stream=True)
    assert answer.deferred and answer.status == 200
    assert len(list(answer.arrive())) >= 2
    assert (answer.status, answer.read()) == (404, b"late")


@pytest.mark.parametrize("nonsense", [b"", b"SSH-2.0\r\n\r\n"])
def test_late_headers_that_are_none_are_an_upstream_error(ask: Ask, nonsense: bytes) -> None:
    def script(call: Call) -> None:
        time.sleep(0.1)
        call.send(nonsense)
        call.close()

    with pytest.raises(ProxyError) as caught:
        list(ask(script, stream=True).arrive())
    assert caught.value.kind == "upstream"


@pytest.mark.parametrize("finished", [True, False])
def test_a_connection_is_reused_only_when_its_body_was_finished(ask: Ask, upstream: Upstream, finished: bool) -> None:
    def script(call: Call) -> None:
        call.stream(b"data: [DONE]\n\n")

    first = ask(script)
    assert next(first.pieces()).startswith(b"data")
    if finished:
        first.finish()
    first.close()
    ask(script).read()
    numbers = [call.connection for call in upstream.calls["m"]][-2:]
    assert (numbers[0] == numbers[1]) or not finished


def test_an_unfinished_answer_is_hung_up_on_when_it_is_closed(ask: Ask, upstream: Upstream) -> None:
    answer = ask(lambda call: (call.begin(), call.chunk(b"x"), call.wait_for_hangup(2), call.close())[0])
    next(answer.pieces())
    answer.finish()
    answer.close()
    call = upstream.calls["m"][-1]
    assert call.done.wait(1) and call.closed_at
