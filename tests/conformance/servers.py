"""The processes of a run: the conformance kit's upstream, and the proxy as the Procfile has it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.recordings import Recording

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, **options: Any) -> Iterator[None]:
    """A process that listens on a port."""
    process = subprocess.Popen(command, **options)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def replay(corpus: Path, size: int) -> Iterator[int]:
    """The port of a replay upstream that sends streams in pieces of a size."""
    port = free_port()
    script = Path(os.environ["CONVERT_CONFORMANCE"]) / "replay.py"
    environ = {**os.environ, "CORPUS": str(corpus)}
    with running([sys.executable, str(script), str(port), str(size)], port, env=environ):
        yield port


@contextmanager
def decoded(recordings: list[Recording]) -> Iterator[Path]:
    """A folder with the recordings as they were on the wire: the kit's upstream serves files as they are, and some
    hold the answer in base64."""
    with tempfile.TemporaryDirectory() as temporary:
        for recording in recordings:
            folder = Path(temporary) / recording.name
            folder.mkdir(parents=True)
            suffix = ".sse" if recording.streamed else ".json" if recording.body[:1] in (b"", b"{", b"[") else ".txt"
            (folder / f"response{suffix}").write_bytes(recording.body or b"{}")  # some are of a request alone
            (folder / "meta.json").write_text(json.dumps({"status": recording.status}))
        yield Path(temporary)


def name(number: int, size: int) -> str:
    """The upstream of a recording (its number) in pieces of a size."""
    return f"r{number}-{size}"


def ini(recordings: list[Recording], ports: dict[int, int]) -> Path:
    """A settings file with an upstream for each recording and cut."""
    lines = ["[app:main]", "use = call:convert:paste_app", "log_level = ERROR"]
    for number, recording in enumerate(recordings):
        for size, port in ports.items():
            lines += [
                f"[upstream:{name(number, size)}]",
                f"url = http://127.0.0.1:{port}/rec/{recording.name}",
                f"format = {recording.form.name}",
                *(["provider = anthropic"] if recording.form.name == "messages" else []),  # is sent all of a body
            ]
    path = Path(tempfile.mkdtemp()) / "wsgi.ini"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def gunicorn(settings: Path) -> Iterator[str]:
    """The base URL of the proxy, run as the Procfile has it."""
    port = free_port()
    web = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web: "))
    command = [sys.executable, "-m", *shlex.split(web.removeprefix("web: ").replace("wsgi.ini", str(settings)))]
    database = f"sqlite:///{settings.parent / 'convert.db'}"
    environ = {**os.environ, "WEB_CONCURRENCY": str(os.cpu_count()), "DATABASE_URL": database}
    with running([*command, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"], port, cwd=ROOT, env=environ):
        yield f"http://127.0.0.1:{port}"
