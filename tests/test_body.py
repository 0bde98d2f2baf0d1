from __future__ import annotations

import io
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from convert.body import Body, Ending, Framing, Whole, body_of, dechunked, sized, socket_of

CHUNKED = b"5\r\nhello\r\n1;name=value\r\n \r\n000c\r\nworld\r\n0\r\n\r\n\r\n0\r\nTrailer: x\r\n\r\n"
TEXT = b"hello world\r\n0\r\n\r\n"


def undone(framing: Framing, pieces: list[bytes]) -> tuple[list[bytes], Ending | None]:
    """What a framing gives for each piece, and how it ended."""
    given = [next(framing)]
    for piece in pieces:
        try:
            given.append(framing.send(piece))
        except StopIteration as end:
            return [*given, end.value.content], end.value
    return given, None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


@given(st.lists(st.integers(0, len(CHUNKED))))
def test_chunks_are_put_together_at_any_cut(places: list[int]) -> None:
    given, ending = undone(dechunked(), cut(CHUNKED, places))
    assert b"".join(given) == TEXT
    assert ending is not None and (ending.rest, ending.fault) == (b"", None)


def test_all_that_is_there_is_given_at_once() -> None:
    assert undone(dechunked(), [b"1\r\na\r\n1\r\nb\r\n2\r\nc", b"d\r\n"])[0] == [b"", b"abc", b"d"]


@pytest.mark.parametrize("nonsense", [b"zz\r\n", b"-1\r\n", b"1_0\r\n", b"0x1\r\n", b"\r\n", b"1\r\nab\r\n"])
def test_what_came_before_nonsense_is_given(nonsense: bytes) -> None:
    given, ending = undone(dechunked(), [b"3\r\none\r\n" + nonsense])
    assert given[1].startswith(b"one") and ending is not None and isinstance(ending.fault, ProtocolError)


@pytest.mark.parametrize("whole", range(len(CHUNKED)))
def test_a_chunked_body_that_breaks_off_is_no_whole_one(whole: int) -> None:
    ending = undone(dechunked(), [*([CHUNKED[:whole]] if whole else []), b""])[1]
    assert ending is not None and isinstance(ending.fault, ProtocolError)


def test_a_body_of_known_length_ends_there() -> None:
    assert undone(sized(5), [b"abc", b"defg"]) == ([b"", b"abc", b"de"], Ending(b"de", b"fg"))
    torn = undone(sized(5), [b"abc", b""])[1]
    assert torn is not None and isinstance(torn.fault, ProtocolError)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    assert undone(sized(None), [b"abc", b"d", b""]) == ([b"", b"abc", b"d", b""], Ending())


@pytest.fixture
def answered() -> Iterator[Any]:
    """Asks a server that sends some bytes; (urllib3's answer, the server's end)."""
    open_: list[Any] = []

    def answered(data: bytes) -> tuple[Any, socket.socket]:
        listener = socket.create_server(("127.0.0.1", 0))
        pool = urllib3.HTTPConnectionPool("127.0.0.1", listener.getsockname()[1], retries=False, timeout=2)
        connection = pool._get_conn()
        connection.request("GET", "/", preload_content=False)
        peer, _ = listener.accept()
        peer.send(data)
        answer = connection.getresponse()
        answer._pool, answer._connection = pool, connection
        open_.extend([listener, peer, answer, pool])
        return answer, peer

    yield answered
    for each in open_:
        each.close()


def test_silence_is_nothing_and_does_not_spoil_the_body(answered: Any) -> None:
    raw, peer = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
    body = body_of(raw)
    assert isinstance(body, Body)
    assert [body.read(0.01), body.read(0.01)] == [b"abc", None]
    peer.send(b"def")
    assert [body.read(1), body.read(1), body.read(1)] == [b"def", b"", b""]


def test_a_connection_is_free_after_the_end_unless_there_is_more(answered: Any) -> None:
    for more, free in ((b"", True), (b"HTTP/1.1 100 Continue\r\n", False)):
        raw, _ = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + more)
        body = body_of(raw)
        assert [body.read(1), body.read(1)] == [b"a", b""]
        assert (raw._connection is None) == free


def test_a_fault_comes_after_what_came_before_it(answered: Any) -> None:
    raw, _ = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nnonsense\r\n")
    body = body_of(raw)
    assert body.read(1) == b"a"
    with pytest.raises(ProtocolError):
        body.read(1)


def test_a_body_without_a_socket_is_read_as_it_is() -> None:
    raw = urllib3.HTTPResponse(body=io.BytesIO(b"abc"), preload_content=False)
    body = body_of(raw)
    assert socket_of(raw) is None and isinstance(body, Whole)
    assert [body.read(1), body.read(1)] == [b"abc", b""]
