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
