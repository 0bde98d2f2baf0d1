from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert import ROOT
from convert.background.queue import Queue
from convert.settings import load
from tests import databases


def test_what_is_put_is_made_once(database_url: str) -> None:
    made: list[tuple[str, str]] = []
    done = threading.Event()

    def work(tenant: str, response: str) -> None:
        made.append((tenant, response))
        if len(made) == 3:
            done.set()

    queue = Queue(load(None, {"DATABASE_URL": database_url}), work)
    assert queue.empty()
    for number in range(3):
        queue.put("t", f"r{number}")
    assert not queue.empty()
    queue.start(2)
    assert done.wait(10) and queue.empty()
    assert sorted(made) == [("t", "r0"), ("t", "r1"), ("t", "r2")]
    queue.stop()


def test_what_is_queued_survives_the_process_that_queued_it(tmp_path: Path) -> None:
    settings = load(None, {"DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}"})
    Queue(settings, lambda tenant, response: None).put("t", "r")
    done = threading.Event()
    later = Queue(settings, lambda tenant, response: done.set())
    later.start(1)
    assert done.wait(10)
    later.stop()


def test_no_workers_make_nothing(tmp_path: Path) -> None:
    queue = Queue(load(None, {"DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}"}), lambda tenant, response: 1 / 0)  # type: ignore[func-returns-value,return-value]
    queue.put("t", "r")
    queue.start(0)
    assert not queue.running and not queue.empty()


def test_redis_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(load(None, {"REDIS_URL": "redis://127.0.0.1:1/0"}), lambda tenant, response: None)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
        queue.put("t", "r")


def test_two_machines_that_make_its_tables_at_the_same_moment(database_url: str) -> None:
    settings = load(None, {"DATABASE_URL": database_url})
    together, queues = threading.Barrier(4), []

    def opened() -> None:
        together.wait()
        queues.append(Queue(settings, lambda tenant, response: None))

    threads = [threading.Thread(target=opened) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queues) == 4


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis server of this test's."""
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (apt-get install redis-server)")
    port = databases.free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


def test_redis_holds_the_queue(redis: str) -> None:
    done = threading.Event()
    queue = Queue(load(None, {"REDIS_URL": redis}), lambda tenant, response: done.set())
    for _ in range(100):
        with contextlib.suppress(Exception):
            queue.put("t", "r")
            break
        time.sleep(0.05)
    assert not queue.empty()
    queue.start(1)
    assert done.wait(10)
    queue.stop()


DRIVERS = """
import sys
from convert import ROOT
from convert.background.queue import Queue
from convert.settings import load

def drivers():
    return [name for name in ("psycopg", "redis") if name in sys.modules]

file = {"DATABASE_URL": "sqlite:///" + sys.argv[1]}
queue = Queue(load(None, file), lambda tenant, response: None)
assert not drivers(), drivers()
other = Queue(load(None, {**file, "REDIS_URL": "redis://127.0.0.1:1/0"}), lambda tenant, response: None)
assert drivers() == ["redis"], drivers()
try:
    other.put("t", "r")
except Exception as error:
    assert "127.0.0.1:1" in str(error), error
else:
    raise AssertionError("there is no Redis")
queue.put("t", "r")
assert not queue.empty()
import psycopg
"""


def test_only_the_driver_that_is_needed_is_loaded(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DRIVERS, str(tmp_path / "a.db")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
