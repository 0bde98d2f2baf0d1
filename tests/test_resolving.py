from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESOLVED = """
import _socket
from gevent import get_hub, socket
from convert import resolving

resolving.install()
print(get_hub().resolver_class.__module__)
asked = []

class Pool:
    def apply(self, function, arguments, named=None):
        asked.append(arguments[0])
        return function(*arguments, **named or {})

get_hub().resolver.pool = Pool()
for host, port, *further in [
    ("127.0.0.1", 80), ("127.0.0.1", 80, socket.AF_INET, socket.SOCK_STREAM), ("::1", 443), ("127.0.0.1", "80"),
    ("localhost", 80, socket.AF_INET), ("b\u00fccher.invalid", 80), ("no-such-host.invalid", 80), ("256.0.0.1", 80),
    ("127.0.0.1", 80, socket.AF_INET6), ("a" * 64 + ".invalid", 80), (None, 80),
]:
    told = []
    for resolve in (socket.getaddrinfo, _socket.getaddrinfo):
        try:
            told.append(sorted(resolve(host, port, *further)))
        except (OSError, UnicodeError) as error:
            told.append((type(error), str(error)))
    assert told[0] == told[1], (host, told)
print(ascii(asked[:2]))
"""


@pytest.mark.parametrize(
    ("chosen", "used"),
    [("", "convert.resolving"), ("thread", "convert.resolving"), ("block", "gevent.resolver.blocking")],
)
def test_addresses_are_taken_as_they_are_and_names_are_looked_up(chosen: str, used: str) -> None:
    environment = {**os.environ, "GEVENT_RESOLVER": chosen} if chosen else None
    command = [sys.executable, "-c", RESOLVED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    module, _, heard = done.stdout.partition("\n")
    assert (done.returncode, module) == (0, used), done.stderr
    if chosen != "block":
        assert heard == ascii(["localhost", "b\u00fccher.invalid"]) + "\n"
