"""Processes are killed while they work: `python -m tests.kill [sqlite|postgresql ...]`.

A web process and a worker of the background serve 200 stored, streamed and background responses, in conversations and
in chains, while one of the two is killed (SIGKILL) at random moments and started again. In the end no response that a
client was told is complete may be missing, none may be stuck, each stream must be whole, and each item once in its
conversation. Prints the counts; ends with 1 when anything is wrong.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from tests import databases

ROOT = Path(__file__).parent.parent
WORKER = "convert.gunicorn_worker.Worker"
TOTAL, CLIENTS, CONVERSATIONS = 200, 8, 6
KINDS = ("plain", "stream", "background", "background stream")
TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")
FINAL = ("completed", "failed", "cancelled", "incomplete")
PATIENCE = 60.0  # seconds for what was interrupted to be found and ended


class Upstream(BaseHTTPRequestHandler):
    """A Chat upstream that takes its time: 20 words in half a second; of the model `long` 400 words in ten."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answers with a stream or with a whole."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        base = {"id": "c", "created": 1, "model": "m"}
        if not asked.get("stream"):
            time.sleep(0.3)
            message = {"role": "assistant", "content": "word " * 20}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.whole(json.dumps({**base, "object": "chat.completion", "choices": [choice]}).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        words = 400 if asked["model"] == "long" else 20
        for number in range(words + 1):
            delta = {"content": "word "} if number < words else {}
            choice = {"index": 0, "delta": delta, "finish_reason": None if number < words else "stop"}
            data = json.dumps({**base, "object": "chat.completion.chunk", "choices": [choice]})
            self.wfile.write(f"data: {data}\n\n".encode())
            time.sleep(0.025)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def whole(self, data: bytes) -> None:
        """Sends a finished answer."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@dataclass
class Seen:
    """What the clients saw."""

    known: dict[str, str] = field(default_factory=dict)  # id -> kind
    completed: set[str] = field(default_factory=set)  # told to be complete
    broken: Counter[str] = field(default_factory=Counter)


class Process:
    """A process of the proxy, which can be killed and started again."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.command, self.environ = command, environ
        self.start()

    def start(self) -> None:
        """Starts it, in a process group of its own."""
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.environ, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        """Kills it, and what it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def proxy(url: str, upstream: int) -> Iterator[tuple[str, list[Process]]]:
    """(base URL, [web, worker]) on a database."""
    port = databases.free_port()
    environ = {
        **os.environ, "DATABASE_URL": url, "UPSTREAM_URL": f"http://127.0.0.1:{upstream}", "CONVERT_LOG_LEVEL": "ERROR",
        "CONVERT_BACKGROUND_THREADS": "2",
    }  # fmt: skip
    web = ["gunicorn", "app:app", "--worker-class", WORKER, "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    processes = [Process([sys.executable, "-m", *each], environ) for each in (web, ["convert.worker"])]
    try:
        yield f"http://127.0.0.1:{port}/v1", processes
    finally:
        for each in processes:
            each.kill()


def until_ready(base: str) -> None:
    """Waits until the web process answers."""
    for _ in range(300):
        try:
            requests.get(f"{base}/models", timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)


def ask(base: str, seen: Seen, number: int, conversations: list[str]) -> None:
    """One response, told to `seen` as far as it gets."""
    kind = KINDS[number % len(KINDS)]
    body: dict[str, Any] = {"model": "m", "input": f"question {number}", "store": True}
    body |= {"stream": "stream" in kind, "background": "background" in kind}
    if number % 3:
        body["conversation"] = conversations[number % len(conversations)]
    try:
        with requests.post(f"{base}/responses", json=body, stream=body["stream"], timeout=60) as answer:
            if body["stream"]:
                for line in answer.iter_lines():
                    if line.startswith(b"data: "):
                        note(seen, kind, json.loads(line[6:]).get("response") or {})
            else:
                note(seen, kind, answer.json())
    except (requests.RequestException, ValueError):
        seen.broken[kind] += 1
        time.sleep(0.3)


def note(seen: Seen, kind: str, response: dict[str, Any]) -> None:
    """Takes notice of what a client is told of a response."""
    if identity := response.get("id"):
        seen.known[identity] = kind
        if response.get("status") == "completed":
            seen.completed.add(identity)


def killed(processes: list[Process], over: threading.Event, base: str) -> Counter[str]:
    """Kills one process after another until it is over; how often each."""
    counts: Counter[str] = Counter()
    while not over.wait(random.uniform(0.5, 2.0)):
        number = random.randrange(2)
        processes[number].kill()
        processes[number].start()
        counts["web" if number == 0 else "worker"] += 1
        if number == 0:
            until_ready(base)
    return counts


def statuses(base: str, seen: Seen) -> dict[str, str]:
    """The status of each response, once none is under way any more."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = {each: requests.get(f"{base}/responses/{each}", timeout=30).json().get("status") for each in seen.known}
        if all(status in FINAL for status in found.values()) or time.monotonic() > deadline:
            return found
        time.sleep(1)


def whole(base: str, identity: str) -> bool:
    """Whether the stored stream of a response has every event up to its one terminal event."""
    data = requests.get(f"{base}/responses/{identity}?stream=true", timeout=30).content
    events = [json.loads(line[6:]) for line in data.splitlines() if line.startswith(b"data: ")]
    ends = [event["sequence_number"] for event in events if event["type"] in TERMINAL]
    return [event["sequence_number"] for event in events] == [*range(len(events))] and ends == [len(events) - 1]


def unlisted(base: str, seen: Seen, ids: Counter[str]) -> list[str]:
    """The completed responses that belong to a conversation, which does not have their items."""
    made = [requests.get(f"{base}/responses/{each}", timeout=30).json() for each in seen.known]
    done = [each for each in made if each["status"] == "completed" and each.get("conversation")]
    return [each["id"] for each in done if not all(item["id"] in ids for item in each["output"])]


def items_of(base: str, conversation: str) -> list[dict[str, Any]]:
    """All items of a conversation."""
    items: list[dict[str, Any]] = []
    while True:
        after = f"&after={items[-1]['id']}" if items else ""
        page = requests.get(f"{base}/conversations/{conversation}/items?order=asc&limit=100{after}", timeout=30).json()
        items += page["data"]
        if not page["has_more"]:
            return items


def run(name: str, url: str) -> bool:
    """The whole test on one database; whether all is well."""
    seen, over = Seen(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with proxy(url, server.server_port) as (base, processes), ThreadPoolExecutor(CLIENTS + 1) as pool:
        until_ready(base)
        conversations = [requests.post(f"{base}/conversations", timeout=30).json()["id"] for _ in range(CONVERSATIONS)]
        killing = pool.submit(killed, processes, over, base)
        for done in [pool.submit(ask, base, seen, number, conversations) for number in range(TOTAL)]:
            done.result()
        over.set()
        kills = killing.result()
        until_ready(base)
        found = statuses(base, seen)
        items = [item for each in conversations for item in items_of(base, each)]
        ids = Counter(item["id"] for item in items)
        torn = [each for each in seen.known if not whole(base, each)]
        missing = unlisted(base, seen, ids)
    server.shutdown()
    questions = Counter(item["content"][0]["text"] for item in items if item["role"] == "user")
    lost = [each for each in seen.completed if found[each] != "completed"]
    stuck = [each for each, status in found.items() if status not in FINAL]
    twice = [each for each, count in (ids + questions).items() if count > 1]
    print(f"{name}: {TOTAL} requests, killed {dict(kills)}, broken connections {dict(seen.broken)}")
    print(f"  seen {len(seen.known)}, told completed {len(seen.completed)}, in the end {dict(Counter(found.values()))}")
    print(f"  lost {len(lost)}, stuck {len(stuck)}, streams torn {len(torn)}")
    print(f"  items in conversations {len(items)}, twice {len(twice)}, missing {len(missing)}")
    return not (lost or stuck or twice or torn or missing)


def main(names: list[str]) -> int:
    """Runs on each database; 1 when anything is wrong."""
    well = []
    for name in names or ["sqlite", "postgresql"]:
        if name == "sqlite":
            with tempfile.TemporaryDirectory() as folder:
                well.append(run(name, f"sqlite:///{folder}/convert.db"))
        else:
            with databases.postgres() as server:
                if server is None:
                    print("PostgreSQL is not installed")
                    return 1
                with databases.fresh(server) as url:
                    well.append(run(name, url))
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
