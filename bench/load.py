"""The suites: how many clients ask for what, and what the kit's load client saw."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import bodies
from bench.processes import Process
from bench.targets import KIT, Target

LOADGEN = KIT / "loadgen"
CLIENT_CORE = "1"
Figures = dict[str, float]


@dataclass(frozen=True)
class Suite:
    """`clients` at a time send `requests` of a kind (bodies.MODELS), the first ones spread over `ramp` milliseconds."""

    kind: str
    clients: int
    requests: int
    seconds: int = 40
    ramp: int = 0
    scaled: bool = False  # faster servers are given more


SUITES = {
    "json1": Suite("json", 1, 300, scaled=True),
    "json64": Suite("json", 64, 6000, scaled=True),
    "warm": Suite("json", 64, 300),
    "ttft": Suite("stream", 1, 20),
    "burst64": Suite("burst", 64, 320, scaled=True),
    "paced200": Suite("paced", 200, 200, ramp=500),
    "paced500": Suite("paced", 500, 500, ramp=1000),
    "paced1000": Suite("paced", 1000, 1000, 60, ramp=2000),
    "slow500": Suite("slow", 500, 500, 60, ramp=2000),
    "slow2000": Suite("slow", 2000, 2000, 60, ramp=4000),
    "bigs1": Suite("bigstream", 1, 40),
    "bytes10k": Suite("bigstream", 1, 100),
    "bytes100k": Suite("bigstream", 1, 100),
    "events100": Suite("events100", 8, 80),
    "events1000": Suite("events1000", 8, 40),
    "events10000": Suite("events10000", 8, 16),
}
SIZES = {"bytes10k": 10_000, "bytes100k": 100_000}  # of one message
GROWTH = ["events100", "events1000", "events10000", "bytes10k", "bytes100k", "bigs1", "paced200", "slow500", "slow2000"]


def body(target: Target, name: str) -> bytes | None:
    """What the clients of a suite send; None for a long history in a format that the kit has none in."""
    suite = SUITES[name]
    if name != "bigs1":
        return bodies.body(target.form, suite.kind, "x" * SIZES.get(name, 8))
    history = KIT / f"bodies/{target.form}-bigstream.json"
    return history.read_bytes() if history.exists() else None


def measure(target: Target, name: str, process: Process | None) -> Figures | None:
    """The figures of one suite; None where it cannot be run."""
    suite, asked = SUITES[name], body(target, name)
    if asked is None:
        return None
    with tempfile.NamedTemporaryFile() as file:
        file.write(asked)
        file.flush()
        return _loaded(target, suite, Path(file.name), process)


def _loaded(target: Target, suite: Suite, file: Path, process: Process | None) -> Figures:
    count = int(suite.requests * target.scale) if suite.scaled else suite.requests
    command = [
        "taskset", "-c", CLIENT_CORE, str(LOADGEN), "-p", str(target.port), "-u", bodies.path(target.form, suite.kind),
        "-b", str(file), "-c", str(suite.clients), "-n", str(count), "-s", str(suite.seconds), "-r", str(suite.ramp),
    ]  # fmt: skip
    if suite.kind != "json":
        command += ["-e", bodies.ENDS[target.form]]
    before = process.usage() if process else None
    client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    memory = 0.0
    while process and client.poll() is None:
        memory = max(memory, process.usage().memory)
        time.sleep(0.5)
    figures: dict[str, Any] = json.loads(client.communicate()[0])
    if process and before:
        after = process.usage()
        cpu = (after.cpu - before.cpu) * 1e6
        figures |= {"memory": max(memory, after.memory), "cpu_request": cpu / max(1, figures["ok"])}
        if figures["deltas"]:
            figures["cpu_delta"] = cpu / figures["deltas"]
    return {key: value for key, value in figures.items() if isinstance(value, int | float)}
