"""What one more turn costs: `python -m tests.turns [sqlite|postgresql ...]`.

A conversation of 300 turns by previous_response_id, over the built-in upstream; the statements and the time of one more
turn after 10, 100 and 300, and the same for the bare conversion of as long a history that the client sends itself.
"""

from __future__ import annotations

import functools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from convert import create_app
from convert.settings import load
from tests import databases

LENGTHS = (10, 100, 300)
WORDS = "word " * 200
TIMES = 9


def milliseconds(work: Callable[[], Any]) -> float:
    """The median time of some runs."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def ask(client: FlaskClient, **asked: Any) -> Any:
    """A response; raises AssertionError for any other answer."""
    answer = client.post("/v1/responses", json={"model": "m", **asked})
    assert answer.status_code == 200, answer.get_data()
    return answer.get_json()


def run(name: str, url: str) -> bool:
    """Measures on one database; whether the statements are as many after 300 turns as after ten."""
    client = create_app(load(None, {"DATABASE_URL": url, "CONVERT_LOG_LEVEL": "ERROR"})).test_client()
    previous, history, counts = None, [], []
    for turn in range(1, max(LENGTHS) + 1):
        made = ask(client, input=f"{turn} {WORDS}", previous_response_id=previous)
        previous = made["id"]
        history += [{"role": "user", "content": f"{turn} {WORDS}"}, *made["output"]]
        if turn in LENGTHS:
            statements: list[str] = []

            def note(*arguments: Any, seen: list[str] = statements) -> None:
                seen.append(arguments[2])

            engine = client.application.extensions["convert"].memory.database.engine
            event.listen(engine, "before_cursor_execute", note)
            ask(client, input="more", previous_response_id=previous)
            event.remove(engine, "before_cursor_execute", note)
            counts.append(len([each for each in statements if "processes" not in each]))
            whole = [*history, {"role": "user", "content": "more"}]
            stored = milliseconds(functools.partial(ask, client, input="more", previous_response_id=previous))
            sent = milliseconds(functools.partial(ask, client, input=whole, store=False))
            print(f"{name}: after {turn:3} turns {counts[-1]} statements, {stored:5.1f} ms; sent whole {sent:5.1f} ms")
    return max(counts) == min(counts)


def main(names: list[str]) -> int:
    """Runs on each database; 1 when the number of statements grows."""
    well = []
    for name in names or ["sqlite", "postgresql"]:
        if name == "sqlite":
            with tempfile.TemporaryDirectory() as folder:
                well.append(run(name, f"sqlite:///{folder}/convert.db"))
        else:
            with databases.postgres() as server:
                assert server, "PostgreSQL is not installed"
                with databases.fresh(server) as url:
                    well.append(run(name, url))
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
