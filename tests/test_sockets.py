from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from convert.sockets import hung_up, readable, send

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """(our end, the peer's)"""
    ours, peers = socket.socketpair()
    with ours, peers:
        yield ours, peers


def test_what_does_not_leave_at_once_leaves_after_it(pair: Pair) -> None:
    ours, peers = pair
    data = b"0123456789" * 1_000_000
    sender = threading.Thread(target=lambda: (send(ours, data), ours.close()))
    sender.start()
    assert b"".join(iter(lambda: peers.recv(65536), b"")) == data
    sender.join()


def test_data_and_the_end_can_both_be_read(pair: Pair) -> None:
    ours, peers = pair
    assert not readable(ours, 0)
    peers.send(b"x")
    assert readable(ours, 0)
    ours.recv(1)
    assert not readable(ours, 0)
    peers.close()
    assert readable(ours, 0)


def test_a_wait_for_a_silent_socket_takes_its_time_and_no_more(pair: Pair) -> None:
    began = time.monotonic()
    assert not readable(pair[0], 0.05)
    assert 0.04 < time.monotonic() - began < 0.5


def test_decrypted_bytes_count_although_the_socket_is_empty(pair: Pair) -> None:
    class Secure:
        def pending(self) -> int:
            return 3

    assert readable(Secure(), 0)


def test_a_peer_has_hung_up_when_its_end_is_closed(pair: Pair) -> None:
    ours, peers = pair
    assert not hung_up(ours)
    peers.close()
    assert hung_up(ours)


def test_looking_for_a_hangup_leaves_what_was_sent(pair: Pair) -> None:
    ours, peers = pair
    peers.send(b"next request")
    assert not hung_up(ours)
    assert ours.recv(50) == b"next request"


def test_a_reset_is_a_hangup() -> None:
    class Reset(socket.socket):
        def recv(self, *_: int) -> bytes:
            raise ConnectionResetError

    one, other = socket.socketpair()
    with one, other, Reset(fileno=socket.dup(one.fileno())) as sock:
        other.send(b"x")
        assert hung_up(sock)


def test_a_socket_that_is_closed_here_is_not_taken_for_a_hangup(pair: Pair) -> None:
    pair[0].close()
    assert not hung_up(pair[0])
