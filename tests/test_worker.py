from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import Make

ROOT = Path(__file__).parent.parent


def test_a_worker_makes_what_the_web_process_queued_and_ends_when_it_is_told(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url, CONVERT_BACKGROUND_THREADS="0")
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi", "background": True}).get_json()["id"]
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url}
    worker = subprocess.Popen([sys.executable, "-m", "convert.worker"], cwd=ROOT, env=environ)
    try:
        for _ in range(200):
            if client.get(f"/v1/responses/{made}").get_json()["status"] == "completed":
                break
            time.sleep(0.1)
        else:
            raise AssertionError("it was not made")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()


def ended(**environ: str) -> tuple[int, str]:
    """The exit status of a worker that cannot work, and what it said."""
    known = {"PATH": os.environ["PATH"], **environ}
    done = subprocess.run(
        [sys.executable, "-m", "convert.worker"], cwd=ROOT, env=known, capture_output=True, text=True, timeout=30
    )
    return done.returncode, done.stderr


def test_settings_that_are_wrong_end_it_with_one_line(tmp_path: Path) -> None:
    assert ended(CONVERT_STRICT="perhaps") == (4, "convert: settings: CONVERT_STRICT must be 1 or 0\n")
    ini = tmp_path / "other.ini"
    ini.write_text("[app:main]\nidle_timeout = never\n")
    status, said = ended(CONVERT_INI=str(ini))
    assert status == 4 and "other.ini" in said and said.count("\n") == 1


def test_there_is_no_background_work_where_nothing_is_stored() -> None:
    assert ended(CONVERT_STORE="0") == (4, "CONVERT_STORE is off: there is no background work\n")


def test_a_database_that_is_down_is_waited_for() -> None:
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    worker = subprocess.Popen([sys.executable, "-m", "convert.worker"], cwd=ROOT, env=environ, stderr=subprocess.PIPE)
    try:
        assert worker.stderr
        lines = [worker.stderr.readline() for _ in range(3)]
        assert any(b"not available" in line for line in lines) and worker.poll() is None, lines
    finally:
        worker.kill()
        worker.communicate()
