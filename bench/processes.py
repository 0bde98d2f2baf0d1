"""Starts what is measured, pinned to its core, and reads what it takes of the machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU seconds so far, and memory in MB (what is shared counted in shares), of a process and its children."""

    cpu: float
    memory: float


class Process:
    """A command that runs on some cores; its output goes to a file."""

    def __init__(self, command: list[str], cores: str, log: Path, environment: dict[str, str], folder: Path) -> None:
        self.began = time.monotonic()
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                ["taskset", "-c", cores, *command], env={**os.environ, **environment}, cwd=folder, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip
        self.log = log

    def ready(self, url: str, body: bytes, patience: float = 60) -> float:
        """Seconds from the start to the first answer. Raises RuntimeError where none comes."""
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-bench"}
        problem: object = ""
        while time.monotonic() - self.began < patience and self.process.poll() is None:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body or None, headers), timeout=10) as answer:
                    answer.read()
                return time.monotonic() - self.began
            except OSError as error:
                problem = error
                time.sleep(0.02)
        raise RuntimeError(f"{self.process.args} does not answer ({problem}); see {self.log}")

    def usage(self) -> Usage:
        """What it has taken so far, and holds now."""
        cpu = memory = 0.0
        for pid in tree(self.process.pid):
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                cpu += sum(map(int, stat[11:15])) / TICKS
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    memory += int(line.split()[1]) * 1024 / 1e6 if line.startswith("Pss:") else 0
        return Usage(cpu, memory)

    def stop(self) -> None:
        """Ends it and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def tree(root: int) -> Iterator[int]:
    """A process and all below it."""
    yield root
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{root}/task/{root}/children").read_text().split():
            yield from tree(int(child))
