"""State that several machines share: two processes of the proxy, each in a folder of its own, on one PostgreSQL."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests import databases
from tests.kill import Process, Upstream, until_ready

ROOT = Path(__file__).parents[2]
WORDS = "word " * 20
WORKERS = {"gevent": ["--worker-class=gevent"], "gthread": ["--worker-class=gthread", "--threads=16"]}


class Slow(Upstream):
    """The upstream of the kill test, which also knows who has hung up on it."""

    begun = 0
    broken: list[float] = []

    def do_POST(self) -> None:  # noqa: N802
        """Answers; a client that hangs up in the middle is noted."""
        type(self).begun += 1
        try:
            super().do_POST()
        except OSError:
            self.broken.append(time.monotonic())


@contextmanager
def machine(folder: Path, url: str, upstream: int, worker: str) -> Iterator[str]:
    """The base URL of one machine."""
    folder.mkdir()
    port = databases.free_port()
    environ = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": url, "CONVERT_LOG_LEVEL": "ERROR",
        "UPSTREAM_URL": f"http://127.0.0.1:{upstream}",
    }  # fmt: skip
    command = ["gunicorn", "app:app", *WORKERS[worker], f"--bind=127.0.0.1:{port}", "--no-control-socket"]
    process = Process([sys.executable, "-m", *command, f"--chdir={folder}", f"--pythonpath={ROOT}"], environ)
    try:
        until_ready(f"http://127.0.0.1:{port}/v1")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()


@pytest.fixture(scope="module", params=WORKERS)
def machines(
    request: pytest.FixtureRequest, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The base URLs of two machines."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("machines")
    with ExitStack() as stack:
        url = stack.enter_context(databases.fresh(postgres))
        yield tuple(  # type: ignore[misc]
            stack.enter_context(machine(folder / name, url, server.server_port, request.param)) for name in "ab"
        )
    server.shutdown()


def ask(base: str, **body: Any) -> Any:
    return requests.post(f"{base}/responses", json={"model": "m", "input": "Hi", **body}, timeout=30)


def events(answer: requests.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_what_was_begun_on_one_goes_on_on_the_other(machines: tuple[str, str]) -> None:
    one, other = machines
    first = ask(one).json()
    second = ask(other, previous_response_id=first["id"]).json()
    listed = requests.get(f"{one}/responses/{second['id']}/input_items?order=asc", timeout=30).json()["data"]
    assert [item["role"] for item in listed] == ["user", "assistant", "user"]
    conversation = requests.post(f"{one}/conversations", timeout=30).json()["id"]
    for base in machines:
        assert ask(base, conversation=conversation).json()["status"] == "completed"
    found = [requests.get(f"{base}/conversations/{conversation}/items", timeout=30).json() for base in machines]
    assert found[0] == found[1] and len(found[0]["data"]) == 4


@pytest.mark.parametrize("background", [False, True])
def test_a_stream_that_runs_on_one_is_followed_on_the_other(machines: tuple[str, str], background: bool) -> None:
    one, other = machines
    body = {"model": "m", "input": "Hi", "stream": True, "background": background}
    with requests.post(f"{one}/responses", json=body, stream=True, timeout=30) as running:
        begun = events(running)
        seen = [next(begun) for _ in range(6)]
        path = f"{other}/responses/{seen[0]['response']['id']}"
        assert requests.get(path, timeout=30).json()["status"] == "in_progress"
        with requests.get(f"{path}?stream=true&starting_after=2", stream=True, timeout=30) as following:
            followed = [*events(following)]
        seen += begun
    assert [event["sequence_number"] for event in followed if event["type"] != "keepalive"] == [*range(3, len(seen))]
    assert followed == seen[3:] and seen[-1]["type"] == "response.completed"
    assert "".join(event["delta"] for event in seen if event["type"] == "response.output_text.delta") == WORDS


def test_a_response_is_cancelled_from_the_other_within_two_seconds(machines: tuple[str, str]) -> None:
    one, other = machines
    before, began = Slow.begun, time.monotonic()
    made = ask(one, model="long", background=True).json()["id"]
    while Slow.begun == before and time.monotonic() - began < 10:
        time.sleep(0.01)
    broken = len(Slow.broken)
    began = time.monotonic()
    told = requests.post(f"{other}/responses/{made}/cancel", timeout=30).json()
    assert told["status"] == "cancelled"
    while len(Slow.broken) == broken and time.monotonic() - began < 5:
        time.sleep(0.01)
    assert time.monotonic() - began < 2
    assert requests.get(f"{one}/responses/{made}", timeout=30).json()["status"] == "cancelled"
