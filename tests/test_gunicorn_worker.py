from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
