from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WITHOUT_GEVENT = """
import socket, time
from convert.clock import Deadline, reads
from convert.sockets import TICK

ours, peers = socket.socketpair()
assert isinstance(reads(ours, TICK), Deadline) and ours.gettimeout() == TICK
began = time.monotonic()
try:
    reads(ours, 0.05).read(10)
except TimeoutError:
    assert 0.04 < time.monotonic() - began < 0.5
    print("fine")
"""
UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import socket, time, gevent
from convert import clock
clock.TICK = 0.1
ours, peers = socket.socketpair()
read = clock.reads(ours, 0.1)
assert isinstance(read, clock.Ticking)

def waited():
    began = time.monotonic()
    try:
        return read.read(10), time.monotonic() - began
    except TimeoutError:
        return None, time.monotonic() - began

for _ in range(3):
    got, seconds = waited()
    assert got is None and 0.04 < seconds < 0.5, (got, seconds)
gevent.spawn_later(0.02, peers.send, b"x")
got, seconds = waited()
assert got == b"x" and seconds < 0.09, (got, seconds)
peers.send(b"there already")
assert waited()[0] == b"there alre"
assert waited()[0] == b"ady"
others = [socket.socketpair() for _ in range(50)]
waits = [gevent.spawn(clock.reads(pair[0], 0.1).read, 10) for pair in others]
gevent.sleep(0.3)
assert all(isinstance(each.exception, TimeoutError) for each in waits)
assert not clock.shared().waiting
peers.close()
assert waited()[0] == b""
print("fine")
"""


def test_without_gevent_a_socket_has_its_own_deadline() -> None:
    assert said(WITHOUT_GEVENT) == "fine\n"


def test_under_gevent_one_clock_ends_the_waits_of_all() -> None:
    assert said(UNDER_GEVENT) == "fine\n"


def said(script: str) -> str:
    """What a script prints, in a process of its own: this one may be under gevent itself."""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)
    return done.stdout or done.stderr
