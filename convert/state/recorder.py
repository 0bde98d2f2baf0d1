"""Writes the responses that are in the making, a few times a second all of them at once, and looks after the database.

What grows (events) is written late and together; what is finished is written at once, by whoever finishes it. Each
write may come twice or in another order: rows that are there stay, and so does the first final state.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

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
INTERRUPTED = "The process that worked on this response was stopped."
WATCH = 0.25  # seconds between two looks for responses that were cancelled elsewhere


class Recorder:
    """One for each process; its thread begins with the first response that is recorded."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.idle: Callable[[], None] = lambda: None  # called now and then, to find what the queue has lost
        self._turns: set[Turn] = set()
        self._unknown: set[tuple[str, str]] = set()  # responses of this process that it does not know of
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._due = {self._beat: 0.0, self._watch: 0.0, self._look: 0.0, self._sweep: 0.0}

    def start(self) -> None:
        """Starts the thread, unless it runs. Says first that this process is alive, for whoever would find a response
        of a process that nobody knows. Raises ProxyError (overloaded)."""
        if self._thread is not None:
            return
        import convert.store.sweep  # noqa: F401 - not by the thread: a fork in the middle of an import would be fatal

        self._beat()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Ends the thread, for good."""
        self._stopped.set()

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

    def queue(self, row: Row, opening: bytes) -> None:
        """Writes a response that is to be made later, and the first events of its stream. Raises ProxyError
        (overloaded)."""
        from convert.store import responses

        def write(connection: Connection) -> None:
            responses.begin(connection, row)
            responses.grow(connection, row.tenant, row.id, [responses.Segment(0, opening)])

        self.memory.run(write)

    def join(self, turn: Turn) -> None:
        """A response that is stored already is made by this process from now on."""
        self.start()
        self._turns.add(turn)

    def finish(self, turn: Turn, row: Row) -> None:
        """Writes the final state, with the events that were not written yet, and appends to the conversation. Raises
        ProxyError: overloaded, and then the response stays what it was and is found as an orphan; internal, when it
        was ended or deleted elsewhere before."""
        from convert.store import conversations, responses

        segments = self._cut(turn)
        end = responses.end if turn in self._turns else responses.finish
        joins = row.conversation is not None and row.status in ("completed", "incomplete")
        entries = [*turn.new, *sse.loads(row.output)] if joins else []

        def write(connection: Connection) -> bool:
            first = end(connection, row)
            if first:
                responses.grow(connection, row.tenant, row.id, segments)
            if first and row.conversation and joins:
                items = [(item["id"], sse.dumps(item)) for item in entries if item.get("id")]
                conversations.append(connection, row.tenant, row.conversation, items)
            return first

        try:
            first = self.memory.run(write)
        finally:
            self._turns.discard(turn)
        if not first:
            raise ProxyError("internal", "This response was ended from elsewhere before it was complete.")

    def abandon(self, turn: Turn) -> None:
        """Stores a response as cancelled whose client has gone; nothing, when it was finished."""
        if turn not in self._turns:
            return
        row = turn.row({**turn.shell(), "status": "cancelled"})
        try:
            self.finish(turn, row)
        except ProxyError:
            log.info("response %s is not stored as cancelled", turn.id)

    def leave(self) -> None:
        """Says that this process ends: what it still works on is free at once, and not after some silence."""
        self.stop()
        if self._thread is not None:
            from convert.store import processes  # not needed by those who store nothing

            with contextlib.suppress(ProxyError):
                self.memory.run(lambda connection: processes.leave(connection, self.memory.process))

    # --- the thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH):
            try:
                self._flush()
                self._duties()
            except ProxyError:
                time.sleep(1)  # the database cannot be used; what grows is kept until it can
            except Exception:
                log.exception("the recorder failed")
                time.sleep(1)

    def _flush(self) -> None:
        """Writes what has grown. What cannot be written now is written with what comes next."""
        from convert.store import responses

        grown = [turn for turn in [*self._turns] if turn.segments or turn.writing]
        if not grown:
            return
        for turn in grown:
            self._cut(turn)

        def write(connection: Connection) -> None:
            for turn in grown:
                responses.grow(connection, turn.tenant, turn.id, turn.writing)

        self.memory.run(write)
        for turn in grown:
            turn.writing = []

    def _cut(self, turn: Turn) -> list[Segment]:
        """What of a response is to be written, in the same segments until that has happened: while the thread writes
        some of them, whoever finishes the response may write them too."""
        with self._lock:
            grown = [*turn.segments]  # it may grow further meanwhile, at its end
            del turn.segments[: len(grown)]
            turn.writing = [*turn.writing, *joined(grown)]
            return turn.writing

    def _duties(self) -> None:
        """What is to be done every few seconds."""
        from convert.store.processes import BEAT

        every = {self._beat: BEAT, self._watch: WATCH, self._look: LOOK, self._sweep: SWEEP}
        for duty, seconds in every.items():
            if time.monotonic() >= self._due[duty]:
                self._due[duty] = time.monotonic() + seconds
                duty()

    def _beat(self) -> None:
        """Says that this process is alive."""
        from convert.store import processes

        self.memory.run(lambda connection: processes.beat(connection, self.memory.process))

    def _watch(self) -> None:
        """Learns which of the responses that nobody waits for were cancelled."""
        from convert.store import responses

        turns = {(turn.tenant, turn.id): turn for turn in [*self._turns] if turn.background}
        if turns:
            found = self.memory.run(lambda connection: responses.statuses(connection, [*turns]))
            for key, turn in turns.items():
                turn.cancelled = turn.cancelled or found.get(key) != "in_progress"

    def _look(self) -> None:
        """Frees the responses that nobody works on."""
        from convert.store import processes

        process = self.memory.process
        held = self.memory.run(lambda connection: processes.held(connection, process))
        unknown = held - {(turn.tenant, turn.id) for turn in [*self._turns]}
        dropped = unknown & self._unknown  # at two looks: one that has just begun is not known here for a moment
        self._unknown = unknown
        self.memory.run(lambda connection: processes.release(connection, process, dropped, stopped))
        self.idle()

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
    error = {"code": "server_error", "message": INTERRUPTED}
    return sse.dumps({**sse.loads(row.body), "status": "failed", "error": error})
