"""The proxy as it is run: each server a process of its own, on a free port, with what it prints."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
KEEP_ALIVE, IDLE = 0.3, 3.0
BODY_LIMIT = 200_000
INI = """
[app:main]
use = call:convert:paste_app
keep_alive = {keep_alive}
idle_timeout = {idle}
body_limit = {limit}
open = 1
{more}

[upstream:chat]
url = http://127.0.0.1:{port}/v1
format = chat

[upstream:responses]
url = http://127.0.0.1:{port}/v1
format = responses

[upstream:messages]
url = http://127.0.0.1:{port}/v1
format = messages

[upstream:gemini]
url = http://127.0.0.1:{port}/v1beta
format = gemini

[upstream:keyless]
url = http://127.0.0.1:{port}/v1
format = chat

[upstream:renamed]
url = http://127.0.0.1:{port}/v1
format = chat
model = another

[upstream:refusing]
url = http://127.0.0.1:{closed}/v1
format = chat
"""
UPSTREAM_KEY = "sk-upstream-0f2d9c71"
NAMES = ("CHAT", "RESPONSES", "MESSAGES", "GEMINI", "RENAMED", "REFUSING")
COMMANDS = {
    "flask": ["flask", "run", "--port={port}"],
    "gthread": [
        "gunicorn", "app:app", "--worker-class=gthread", "--threads=32", "--bind=127.0.0.1:{port}",
        "--access-logfile=-", "--no-control-socket",
    ],
    "gevent": [
        "gunicorn", "--paste={ini}", "--worker-class=convert.gunicorn_worker.Worker",
        "--worker-connections=8000", "--timeout=120", "--keep-alive=30",
        "--bind=127.0.0.1:{port}", "--access-logfile=-", "--no-control-socket",
    ],
}  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Server:
    """One running proxy."""

    def __init__(self, name: str, upstream_port: int, folder: Path, more: str = "", limit: int = BODY_LIMIT) -> None:
        self.name, self.port = name, free_port()
        ini = folder / f"{name}.ini"
        ini.write_text(
            INI.format(
                keep_alive=KEEP_ALIVE, idle=IDLE, limit=limit, port=upstream_port, closed=free_port(), more=more
            )
        )
        self.log = folder / f"{name}.log"
        command = [word.format(port=self.port, ini=ini) for word in COMMANDS[name]]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [BIN / command[0], *command[1:]],
                cwd=ROOT,
                env=environment(ini),
                stdout=out,
                stderr=out,
            )

    def wait(self) -> None:
        """Waits until it answers."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                assert connection.getresponse().status == 200
                connection.close()
                return
            except ConnectionError:
                assert self.process.poll() is None, self.output()
                time.sleep(0.05)
        raise AssertionError(f"{self.name} does not start: {self.output()}")

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()

    def stop(self) -> None:
        """Ends the process."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def worker(self) -> int:
        """The process that serves requests."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else self.process.pid

    def memory(self) -> int:
        """The bytes that the serving process has in memory."""
        return int(Path(f"/proc/{self.worker}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """How many files the serving process has open."""
        return len(list(Path(f"/proc/{self.worker}/fd").iterdir()))


def environment(ini: Path) -> dict[str, str]:
    """The environment of the process: nothing of ours but where programs and temporary files are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    keys = {f"UPSTREAM_{name}_API_KEY": UPSTREAM_KEY for name in NAMES}
    return kept | keys | {
        "CONVERT_INI": str(ini), "DATABASE_URL": f"sqlite:///{ini.with_suffix('.db')}",
        "CONVERT_LOG_LEVEL": "DEBUG", "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": kept.get("TMPDIR", tempfile.gettempdir()),
    }  # fmt: skip
