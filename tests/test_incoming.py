from __future__ import annotations

import gzip
import io
import itertools
import socket
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import DecodeError, ProtocolError

from convert.incoming import HEAD, Incoming, Whole

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b"5\r\nhello\r\n1;name=value\r\n \r\n000c\r\nworld\r\n0\r\n\r\n\r\n0\r\nTrailer: x\r\n\r\n"
TEXT = b"hello world\r\n0\r\n\r\n"


READABLE, peer = socket.socketpair()
peer.send(b"something")


class Connection:
    """A connection on which pieces arrive; None: nothing, for a while. It is its own socket and pool."""

    def __init__(self, pieces: list[bytes | None]) -> None:
        self.pieces = pieces
        self.kept: list[Any] = []
        self.closed = False
        self.sock = self

    def recv(self, size: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else None
        if piece is None:
            raise TimeoutError
        return piece

    def settimeout(self, seconds: float) -> None:
        pass

    def fileno(self) -> int:
        """What gevent waits for before it reads: here there is always something."""
        return READABLE.fileno()

    def close(self) -> None:
        self.closed = True

    def _put_conn(self, connection: Any) -> None:
        self.kept.append(connection)


def incoming(*pieces: bytes | None) -> tuple[Incoming, Connection]:
    connection = Connection(list(pieces))
    made = Incoming(connection)
    made._pool = connection
    return made, connection


def whole(made: Incoming) -> bytes:
    """All of the body. Raises what reading it raises."""
    while not made.arrive(1):
        pass
    out = b""
    while (piece := made.read(1)) != b"":
        out += piece or b""
    return out


def cut(data: bytes, places: list[int]) -> list[bytes | None]:
    edges = [0, *sorted(places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


@given(st.lists(st.integers(0, len(CHUNKED + BODY))))
def test_a_response_is_put_together_at_any_cut(places: list[int]) -> None:
    made, connection = incoming(*cut(CHUNKED + BODY, places))
    assert whole(made) == TEXT
    assert connection.kept == [connection] and not connection.closed


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
def test_interim_responses_are_passed_over(interim: bytes) -> None:
    made, _ = incoming(interim, interim + b"HTTP/1.1 404 No\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nno")
    assert not made.arrive(1) and made.begun
    assert whole(made) == b"no"
    assert (made.status, dict(made.headers)) == (404, {"Content-Length": "2", "X-A": "1"})


def test_until_its_head_comes_it_is_a_stream_that_goes_well() -> None:
    made, _ = incoming(None, b"HTTP/1.1 500 ", b"Oh\r\nContent-Length: 0\r\n\r\n")
    assert (made.arrive(1), made.begun, made.status) == (False, False, 200)
    assert made.headers["Content-Type"] == "text/event-stream"
    assert (made.arrive(1), made.begun) == (False, True)
    assert (made.arrive(1), made.status, made.read(1)) == (True, 500, b"")


def test_all_that_is_there_is_given_at_once() -> None:
    made, _ = incoming(CHUNKED, b"1\r\na\r\n1\r\nb\r\n2\r\nc", b"d\r\n")
    assert made.arrive(1)
    assert [made.read(1), made.read(1), made.read(1)] == [b"abc", b"d", None]


@pytest.mark.parametrize("nonsense", [b"zz\r\n", b"-1\r\n", b"1_0\r\n", b"0x1\r\n", b"\r\n", b"1\r\nab\r\n"])
def test_a_fault_comes_after_what_came_before_it(nonsense: bytes) -> None:
    made, connection = incoming(CHUNKED + b"3\r\none\r\n" + nonsense)
    assert made.arrive(1)
    assert (made.read(1) or b"").startswith(b"one")
    with pytest.raises(ProtocolError):
        made.read(1)
    made.close()
    assert connection.closed


@pytest.mark.parametrize("length", range(len(BODY)))
def test_a_chunked_body_that_breaks_off_is_no_whole_one(length: int) -> None:
    with pytest.raises(ProtocolError):
        whole(incoming(CHUNKED, BODY[:length] or None, b"")[0])


def test_a_body_of_known_length_ends_there() -> None:
    head = OK + b"Content-Length: 5\r\n\r\n"
    for more, free in ((b"", True), (b"fg", False), (b"HTTP/1.1 100 Continue\r\n\r\n", False)):
        made, connection = incoming(head + b"abc", b"de" + more)
        assert whole(made) == b"abcde"
        assert connection.closed is not free, more
    with pytest.raises(ProtocolError):
        whole(incoming(head + b"abc", b"")[0])


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    made, connection = incoming(OK + b"\r\nabc", b"d", b"")
    assert whole(made) == b"abcd"
    assert connection.closed


@pytest.mark.parametrize("last", [b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", OK + b"Connection: close\r\n\r\na"])
def test_a_connection_that_the_upstream_will_not_keep_is_not_kept(last: bytes) -> None:
    made, connection = incoming(last, b"")
    assert whole(made) == b"a"
    assert connection.closed


def test_a_response_that_is_closed_before_its_end_takes_the_connection_along() -> None:
    made, connection = incoming(CHUNKED + b"1\r\na\r\n")
    assert made.arrive(1) and made.read(1) == b"a"
    made.close()
    made.close()
    assert connection.closed and len(connection.kept) == 1


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n\r\n", OK, b"{}", OK + b"A: " + b"x" * HEAD])
def test_what_is_no_response_is_an_error(answer: bytes) -> None:
    made, _ = incoming(answer, b"")
    with pytest.raises(ProtocolError):
        whole(made)


def test_lines_without_a_carriage_return_are_taken() -> None:
    made, _ = incoming(CHUNKED.replace(b"\r", b""), b"1 \r\na\r\n0\r\n\r\n")
    assert whole(made) == b"a"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_compressed_body_is_decoded(size: int) -> None:
    packed = gzip.compress(TEXT * 100)
    data = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    assert whole(incoming(*cut(data, list(range(0, len(data), size))))[0]) == TEXT * 100
    with pytest.raises(DecodeError):
        whole(incoming(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone")[0])


def test_a_body_without_a_socket_is_read_as_it_is() -> None:
    body = Whole(urllib3.HTTPResponse(body=io.BytesIO(b"abc"), preload_content=False))
    assert [body.read(1), body.read(1)] == [b"abc", b""]
