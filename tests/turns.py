"""What one more turn of a long conversation costs: `python -m tests.turns` prints it, on SQLite and PostgreSQL.

A turn goes through the whole application, with the demonstration as its upstream. Beside it stands the same request
from a client that keeps its own history and sends all of it (`store: false`).
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from convert import create_app
from convert.settings import load
from convert.state import ids
from convert.state.memory import tenant
from convert.store import conversations, responses
from convert.store.conversations import Conversation
from convert.store.responses import Row
from tests import databases

LENGTHS = (10, 100, 300)
WORDS = "It rains, and the rain falls on the roofs of the town. " * 20  # of each message: about 1 kB
COLUMNS = (
    "database", "turns", "kB of history", "statements (streamed)", "turn of a chain, ms", "of it reading the chain, ms",
    "turn of a conversation, ms", "the same history sent by its client, ms",
)  # fmt: skip
Json = dict[str, Any]


class Talk:
    """A tenant's client of an app with a database."""

    def __init__(self, url: str) -> None:
        settings = load(None, {"DATABASE_URL": url})
        app = create_app(settings)
        self.client: FlaskClient = app.test_client()
        self.memory, self.recorder = app.extensions["convert"].memory, app.extensions["convert"].recorder
        self.tenant = tenant(settings, ["sk-one"])
        self.memory.ready()
        self.recorder.start()  # what a process says once, when it begins, is no turn's

    def ask(self, **further: Any) -> Json:
        """One request. Raises AssertionError where it fails."""
        body = {"model": "m", "input": "And now?", **further}
        answer = self.client.post("/v1/responses", json=body, headers={"Authorization": "Bearer sk-one"})
        assert answer.status_code == 200, answer.text
        if further.get("stream"):
            assert b"response.completed" in answer.get_data()
        return {} if further.get("stream") else dict(answer.json or {})

    def chained(self, turns: int) -> tuple[str, list[Json]]:
        """A chain of so many turns: the id of its last, and all its items."""
        names = [ids.new("resp") for _ in range(turns)]
        rows, every = [], []
        for number, name in enumerate(names):
            asked, said = message("user", ids.of_item("message", name, 0)), message("assistant", f"msg_{name[5:]}0000")
            every += [asked, said]
            rows.append(Row(
                tenant=self.tenant, id=name, thread=names[0], previous=names[number - 1] if number else None,
                created=time.time(), status="completed", input=json.dumps([asked]).encode(),
                output=json.dumps([said]).encode(),
            ))  # fmt: skip
        self.memory.run(lambda connection: [responses.begin(connection, row) for row in rows])
        return names[-1], every

    def conversation(self, items: list[Json]) -> str:
        """A conversation of these items."""
        made = Conversation(ids.new("conv"), time.time(), b"{}")
        entries = [(item["id"], json.dumps(item).encode()) for item in items]

        def fill(connection: Any) -> None:
            conversations.create(connection, self.tenant, made)
            conversations.append(connection, self.tenant, made.id, entries)

        self.memory.run(fill)
        return made.id

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The statements that this thread sends meanwhile, without those of transactions."""
        sent: list[str] = []
        mine = threading.get_ident()

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if threading.get_ident() == mine and not statement.startswith("BEGIN"):
                sent.append(statement)

        engine = self.memory.database.engine
        event.listen(engine, "before_cursor_execute", note)
        yield sent
        event.remove(engine, "before_cursor_execute", note)

    def close(self) -> None:
        """Ends what runs behind."""
        self.recorder.stop()
        self.memory.database.close()


def message(role: str, identity: str) -> Json:
    """A message item."""
    kind = "input_text" if role == "user" else "output_text"
    part = {"type": kind, "text": WORDS, **({"annotations": [], "logprobs": []} if role == "assistant" else {})}
    return {"type": "message", "id": identity, "role": role, "status": "completed", "content": [part]}


def milliseconds(work: Callable[[], Any], times: int = 9) -> float:
    """The shortest time of some runs: what other programs on the machine add is not counted."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return min(took) * 1000


def ratio(work: Callable[[], Any], other: Callable[[], Any], times: int = 9) -> float:
    """How many times as long one takes as the other, done in turn: the least of some rounds. A machine that is slow
    for a while is slow for both."""
    return min(milliseconds(work, 1) / milliseconds(other, 1) for _ in range(times))


@dataclass
class Measured:
    """What one more turn does after some turns."""

    size: float  # kB of items
    statements: int  # of the database
    streamed: int  # the same, when the answer is a stream
    works: dict[str, Callable[[], Any]]  # to be timed: by a chain, by a conversation, by reading alone, without state


def measured(talk: Talk, turns: int) -> Measured:
    """A history of so many turns, and what one more does."""
    last, items = talk.chained(turns)
    held = talk.conversation(items)
    asked = {"type": "message", "role": "user", "content": "And now?"}
    with talk.statements() as sent:
        talk.ask(previous_response_id=last)
    with talk.statements() as streamed:
        talk.ask(previous_response_id=last, stream=True)
    works = {
        "chain": lambda: talk.ask(previous_response_id=last),
        "read": lambda: talk.memory.run(lambda c: responses.chain(c, talk.tenant, last)),
        "conversation": lambda: talk.ask(conversation=held, store=False),
        "stateless": lambda: talk.ask(input=[*items, asked], store=False),
    }
    return Measured(len(json.dumps(items)) / 1000, len(sent), len(streamed), works)


def main() -> None:
    """Prints the figures."""
    logging.disable()  # recorders of databases that are gone
    print(f"| {' | '.join(COLUMNS)} |\n|{'--|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as folder:
        _print("SQLite", f"sqlite:///{folder}/turns.db")
    with databases.postgres() as server:
        if server is None:
            print("PostgreSQL is not installed: half of the figures are missing")
            return
        with databases.fresh(server) as url:
            _print("PostgreSQL", url)


def _print(name: str, url: str) -> None:
    talk = Talk(url)
    for turns in LENGTHS:
        found = measured(talk, turns)
        took = {kind: f"{milliseconds(work):.1f}" for kind, work in found.works.items()}
        print(f"| {name} | {turns} | {found.size:.0f} | {found.statements} ({found.streamed}) "
              f"| {took['chain']} | {took['read']} | {took['conversation']} | {took['stateless']} |")  # fmt: skip
    talk.close()


if __name__ == "__main__":
    main()
