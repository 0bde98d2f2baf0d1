"""Writes the responses that are in the making, a few times a second all of them at once, and looks after the database.

What grows (events) is written late and together; what is finished is written at once, by whoever finishes it. Each
write may come twice or in another order: rows that are there stay, and so does the first final state.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from convert import sse
from convert.errors import ProxyError
from convert.state.memory import Memory

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from convert.state.turn import Turn
    from convert.store.responses import Row, Segment

log = logging.getLogger(__name__)
FLUSH = 0.25  # seconds between two writes of what grows
LOOK = 5.0  # seconds between two looks for what dead processes left behind
SWEEP = 3600.0  # seconds between two rounds of retention
Again = Callable[[list[tuple[str, str]]], None]  # takes the background responses that must be run again


class Recorder:
    """One for each process; its thread begins with the first response that is recorded."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.again: Again = lambda responses: None
        self._turns: set[Turn] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._due = {self._beat: 0.0, self._look: 0.0, self._sweep: 0.0}

    def start(self) -> None:
        """Starts the thread, unless it runs."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
                self._thread.start()

    def begin(self, turn: Turn) -> None:
        """A response is in the making from now on: others can see it, and its events as they come. Raises ProxyError
        (overloaded)."""
        from convert.store import responses

        self.start()
        self._turns.add(turn)
        try:
            self.memory.run(lambda connection: responses.begin(connection, turn.begun()))
        except BaseException:
            self._turns.discard(turn)
            raise

    def finish(self, turn: Turn, row: Row) -> None:
        """Writes the final state, with the events that were not written yet, and appends to the conversation. Raises
        ProxyError (overloaded); then the response stays what it was, and is found as an orphan."""
        from convert.store import conversations, responses

        segments, turn.segments = turn.segments, []
        entries = [(item["id"], sse.dumps(item)) for item in (*turn.new, *sse.loads(row.output)) if item.get("id")]

        def write(connection: Connection) -> None:
            first = responses.finish(connection, row)
            responses.grow(connection, row.tenant, row.id, joined(segments))
            if first and row.conversation and row.status in ("completed", "incomplete"):
                conversations.append(connection, row.tenant, row.conversation, entries)

        try:
            self.memory.run(write)
        finally:
            self._turns.discard(turn)

    def abandon(self, turn: Turn) -> None:
        """Stores a response as cancelled whose client has gone; nothing, when it was finished."""
        if turn not in self._turns:
            return
        row = turn.row({**turn.shell(), "status": "cancelled"})
        try:
            self.finish(turn, row)
        except ProxyError:
            log.warning("response %s: that its client has gone could not be written", turn.id)

    # --- the thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        from convert.store.processes import BEAT

        while True:
            time.sleep(FLUSH if self._turns else BEAT)
            try:
                self._flush()
                self._duties()
            except ProxyError:
                time.sleep(1)  # the database cannot be used; what grows is kept until it can
            except Exception:
                log.exception("the recorder failed")
                time.sleep(1)

    def _flush(self) -> None:
        """Writes what has grown."""
        from convert.store import responses

        taken = [(turn, turn.segments) for turn in [*self._turns] if turn.segments]
        if not taken:
            return
        for turn, _ in taken:
            turn.segments = []

        def write(connection: Connection) -> None:
            for turn, segments in taken:
                responses.grow(connection, turn.tenant, turn.id, joined(segments))

        try:
            self.memory.run(write)
        except ProxyError:
            for turn, segments in taken:
                turn.segments = [*segments, *turn.segments]
            raise

    def _duties(self) -> None:
        """What is to be done every few seconds."""
        from convert.store.processes import BEAT

        every = {self._beat: BEAT, self._look: LOOK, self._sweep: SWEEP}
        for duty, seconds in every.items():
            if time.monotonic() >= self._due[duty]:
                self._due[duty] = time.monotonic() + seconds
                duty()

    def _beat(self) -> None:
        """Says that this process is alive, and asks which of its responses were cancelled elsewhere."""
        from convert.store import processes, responses

        def write(connection: Connection) -> dict[Any, str | None]:
            processes.beat(connection, self.memory.process)
            turns = [turn for turn in self._turns if turn.background]
            return {turn: responses.status(connection, turn.tenant, turn.id) for turn in turns}

        for turn, status in self.memory.run(write).items():
            turn.cancelled = turn.cancelled or status in responses.FINAL

    def _look(self) -> None:
        """Frees the responses that nobody works on."""
        from convert.store import processes

        mine = {(turn.tenant, turn.id) for turn in [*self._turns]}
        again = self.memory.run(lambda connection: processes.release(connection, self.memory.process, mine, stopped))
        if again:
            self.again(again)

    def _sweep(self) -> None:
        from convert.store.sweep import sweep

        count = self.memory.run(lambda connection: sweep(connection, self.memory.since))
        if count:
            log.info("retention: %d rows deleted", count)


def joined(segments: list[tuple[int, bytes]]) -> list[Segment]:
    """Events that are written together, as one segment."""
    from convert.store.responses import Segment

    return [Segment(segments[0][0], b"".join(data for _, data in segments))] if segments else []


def stopped(row: Row) -> bytes:
    """The body of a response whose process was stopped before it was finished."""
    error = {"code": "server_error", "message": "The process that worked on this response was stopped."}
    return sse.dumps({**sse.loads(row.body), "status": "failed", "error": error})
