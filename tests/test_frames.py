from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from convert import frames
from convert.connections import Gone
from convert.errors import ProxyError
from convert.frames import Connection
from tests.sockets import KEY

HEAD = {
    "HTTP_HOST": "x", "HTTP_CONNECTION": "keep-alive, Upgrade", "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_KEY": KEY, "HTTP_SEC_WEBSOCKET_VERSION": "13", "wsgi.multithread": True,
}  # fmt: skip
LIMIT = 1000


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """(the client's end, the server's)."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        yield ours, theirs


@pytest.fixture
def client(pair: tuple[socket.socket, socket.socket]) -> websocket.WebSocket:
    """A client after its upgrade; the server's side is in `connection`."""
    wire = websocket.WebSocket(enable_multithread=False)
    wire.sock, wire.connected = pair[0], True
    return wire


@pytest.fixture
def connection(pair: tuple[socket.socket, socket.socket]) -> Connection:
    accepted = frames.accept({**HEAD, "gunicorn.socket": pair[1]}, LIMIT)
    head = pair[0].recv(4096)
    assert head.startswith(b"HTTP/1.1 101") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    return accepted


@pytest.mark.parametrize("environ", [
    {},  # a server that shows no socket
    {"gunicorn.socket": True, "wsgi.multithread": False},  # gunicorn's sync worker: one connection would be all of it
    {"gunicorn.socket": True, "HTTP_VERSION": "2"},
])  # fmt: skip
def test_a_server_that_cannot(environ: dict[str, Any]) -> None:
    with pytest.raises(ProxyError) as caught:
        frames.accept({**HEAD, **environ}, LIMIT)
    assert (caught.value.status, caught.value.code) == (426, "upgrade_required")


@pytest.mark.parametrize("wrong", [
    {"HTTP_SEC_WEBSOCKET_VERSION": "8"}, {"HTTP_SEC_WEBSOCKET_KEY": ""}, {"HTTP_UPGRADE": "h2c"},
    {"HTTP_SEC_WEBSOCKET_KEY": "a b"}, {"HTTP_CONNECTION": "close"}, {"HTTP_SEC_WEBSOCKET_KEY": "é\r\n x: y"},
])  # fmt: skip
def test_a_wrong_handshake(pair: tuple[socket.socket, socket.socket], wrong: dict[str, str]) -> None:
    with pytest.raises(ProxyError) as caught:
        frames.accept({**HEAD, **wrong, "gunicorn.socket": pair[1]}, LIMIT)
    assert caught.value.status == 400


def test_an_offer_of_compression_is_declined(pair: tuple[socket.socket, socket.socket]) -> None:
    offer = {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate; client_max_window_bits"}
    frames.accept({**HEAD, **offer, "werkzeug.socket": pair[1]}, LIMIT)
    assert b"extensions" not in pair[0].recv(4096).lower()


def test_messages_in_both_directions(client: websocket.WebSocket, connection: Connection) -> None:
    client.send("Hälló")
    client.send("two")
    assert [connection.receive(5, 5) for _ in range(2)] == ["Hälló".encode(), b"two"]
    connection.send(b"one", "zwö".encode())
    assert (client.recv(), client.recv()) == ("one", "zwö")


def test_what_is_no_text_does_not_end_the_connection(client: websocket.WebSocket, connection: Connection) -> None:
    connection.send(b"a\xffb")
    assert client.recv() == "a\ufffdb"


def test_a_message_in_fragments_with_a_ping_between(client: websocket.WebSocket, connection: Connection) -> None:
    frame = websocket.ABNF.create_frame
    client.send_frame(frame("on", websocket.ABNF.OPCODE_TEXT, 0))
    client.ping("x")
    client.send_frame(frame("e", websocket.ABNF.OPCODE_CONT, 1))
    assert connection.receive(5, 5) == b"one"
    assert client.recv_data_frame(control_frame=True)[0] == websocket.ABNF.OPCODE_PONG


def test_a_binary_message_is_an_error_and_the_next_one_is_not(
    client: websocket.WebSocket, connection: Connection
) -> None:
    client.send_binary(b"\x00")
    client.send("next")
    with pytest.raises(ProxyError, match="binary"):
        connection.receive(5, 5)
    assert connection.receive(5, 5) == b"next" and not connection.full


@pytest.mark.parametrize("sizes", [[LIMIT + 1], [LIMIT - 1, 2]])
def test_too_much_is_an_error_after_what_came_before(
    client: websocket.WebSocket, connection: Connection, sizes: list[int]
) -> None:
    for size in sizes:
        client.send("x" * size)
    assert connection.gone() is False
    for size in sizes[:-1]:
        assert connection.receive(5, 5) == b"x" * size
    with pytest.raises(ProxyError) as caught:
        connection.receive(5, 5)
    assert (caught.value.status, connection.full) == (413, True)


def test_too_many_messages_at_once(client: websocket.WebSocket, connection: Connection) -> None:
    for number in range(frames.WAITING + 5):
        client.send(str(number))
    assert connection.gone() is False
    assert [connection.receive(5, 5) for _ in range(frames.WAITING)][-1] == b"15"
    with pytest.raises(ProxyError) as caught:
        connection.receive(5, 5)
    assert caught.value.code == "websocket_stream_limit_reached" and connection.full


def test_what_is_answered_makes_room(client: websocket.WebSocket, connection: Connection) -> None:
    for _ in range(3 * frames.WAITING):
        client.send("x" * (LIMIT // 2))
        assert connection.receive(5, 5) == b"x" * (LIMIT // 2)


def test_silence_is_pinged_and_then_ended(client: websocket.WebSocket, connection: Connection) -> None:
    thread = threading.Thread(target=connection.receive, args=(0.35, 0.1))
    thread.start()
    opcodes = [client.recv_data_frame(control_frame=True)[0] for _ in range(4)]
    assert opcodes == [websocket.ABNF.OPCODE_PING] * 3 + [websocket.ABNF.OPCODE_CLOSE]
    thread.join(5)
    assert not thread.is_alive()


def test_a_peer_that_says_goodbye(client: websocket.WebSocket, connection: Connection) -> None:
    assert connection.gone() is False
    client.send_close()
    assert connection.gone() is True and connection.receive(5, 5) is None
    assert client.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE
    with pytest.raises(Gone):
        connection.send(b"late")


def test_what_a_peer_that_is_gone_had_asked_is_left(client: websocket.WebSocket, connection: Connection) -> None:
    client.send("one")
    client.send_close()
    assert connection.gone() is True and connection.receive(5, 5) is None


def test_a_peer_that_vanishes(client: websocket.WebSocket, connection: Connection) -> None:
    client.sock.close()
    assert connection.receive(5, 5) is None and connection.gone()


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x81\x05hello", b"\xc1\x80\0\0\0\0", b"\x81\x82\0\0\0\0\xff\xfe"])
def test_bytes_that_are_no_frames_end_the_connection(
    client: websocket.WebSocket, connection: Connection, data: bytes
) -> None:
    client.sock.sendall(data)
    assert connection.receive(5, 5) is None
    assert client.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE


def test_a_goodbye_waits_for_the_peers(client: websocket.WebSocket, connection: Connection) -> None:
    client.send("on its way")
    thread = threading.Thread(target=connection.close, args=(frames.POLICY, "why"))
    thread.start()
    assert client.recv_data() == (websocket.ABNF.OPCODE_CLOSE, b"\x03\xf0why")
    client.send_close()
    thread.join(5)
    assert not thread.is_alive() and connection.closed


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 70000])
def test_messages_of_all_sizes(client: websocket.WebSocket, connection: Connection, size: int) -> None:
    thread = threading.Thread(target=connection.send, args=(b"x" * size, b"next"))
    thread.start()
    assert [client.recv(), client.recv()] == ["x" * size, "next"]
    thread.join(5)


def test_a_large_message_arrives_whole(client: websocket.WebSocket, connection: Connection) -> None:
    text = json.dumps({"x": "y" * 3_000_000}).encode()
    thread = threading.Thread(target=connection.send, args=(text,))
    thread.start()
    assert client.recv().encode() == text
    thread.join(5)
