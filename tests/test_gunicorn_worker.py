from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.wsgi import FileWrapper

from convert.gunicorn_worker import Answer

ROOT = Path(__file__).parent.parent
UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, socket
from convert.gunicorn_worker import Client

asked = []

class Counted(Client):
    def getsockopt(self, *about):
        asked.append(about)
        return super().getsockopt(*about)

ours, peers = socket.socketpair()
client = Counted(ours.family, ours.type, ours.proto, fileno=ours.detach())
client.sendall(b"a delta")
assert peers.recv(100) == b"a delta"
assert asked == []

data = b"0123456789" * 1_000_000
reading = gevent.spawn(lambda: b"".join(iter(lambda: peers.recv(65536), b"")))
client.sendall(data)
client.close()
assert reading.get() == data
print("fine")
"""


def test_what_fits_leaves_at_once_and_what_does_not_leaves_whole() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout == "fine\n", done.stderr


class Sent:
    """A socket that notes what is sent at once."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.pieces.append(data)


def answer(*headers: tuple[str, str], method: str = "POST", status: str = "200 OK") -> tuple[Answer, list[bytes]]:
    asked = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    sent = Sent()
    made = Answer(asked, sent, Config())
    made.start_response(status, list(headers))
    return made, sent.pieces


def test_a_head_leaves_with_the_body() -> None:
    made, sent = answer(("Content-Type", "text/plain"), ("Content-Length", "2"))
    assert sent == []
    made.write(b"ok")
    made.close()
    (whole,) = sent
    head, _, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\nContent-Type: text/plain" in head
    assert b"Transfer-Encoding" not in head and body == b"ok"


@pytest.mark.parametrize("version", [(1, 0), (1, 1)])
@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize("sized", [False, True])
def test_the_servers_own_headers_are_gunicorns(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], closes: bool, upgrade: bool, sized: bool
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.9)
    made, _ = answer(*[("Content-Length", "0")] * sized)
    made.req = SimpleNamespace(method="GET", version=version, should_close=lambda: closes)
    made.upgrade = upgrade
    assert made.default_headers() == wsgi.Response.default_headers(made)


def test_the_date_is_that_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for now, told in ((0.5, "00:00:00"), (0.9, "00:00:00"), (61, "00:01:01"), (0, "00:00:00")):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        made, _ = answer()
        assert f"Date: Thu, 01 Jan 1970 {told} GMT\r\n" in made.default_headers()


def test_a_large_body_is_not_copied_behind_its_head() -> None:
    body = b"x" * 100_000
    made, sent = answer(("Content-Length", str(len(body))))
    made.write(body)
    made.close()
    assert sent[0].endswith(b"\r\n\r\n") and sent[1] is body and len(sent) == 2


def test_a_stream_is_chunks() -> None:
    made, sent = answer()
    for piece in (b"first", b"", b"x" * 20):
        made.write(piece)
    made.close()
    assert sent[0].endswith(b"\r\n\r\n5\r\nfirst\r\n") and b"\r\nTransfer-Encoding: chunked\r\n" in sent[0]
    assert sent[1:] == [b"14\r\n" + b"x" * 20 + b"\r\n", b"0\r\n\r\n"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("POST", "204 No Content"), ("GET", "304 Same")])
def test_where_there_is_no_body_only_the_head_is_sent(method: str, status: str) -> None:
    made, sent = answer(("X-A", "1"), method=method, status=status)
    made.write(b"")
    made.close()
    (head,) = sent
    assert head.count(b"\r\n\r\n") == 1 and head.endswith(b"X-A: 1\r\n\r\n")


def test_a_stream_without_a_piece_ends_all_the_same() -> None:
    made, sent = answer()
    made.close()
    assert len(sent) == 1 and sent[0].endswith(b"\r\n\r\n0\r\n\r\n")


def test_a_file_is_a_body_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    made, sent = answer(("Content-Length", "7"))
    with path.open("rb") as file:
        made.write_file(FileWrapper(file))
    made.close()
    assert sent[0].endswith(b"\r\n\r\ncontent")
