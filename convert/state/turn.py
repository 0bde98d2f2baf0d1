"""One response in the making: its request made whole from the history, its answer recorded.

asked      what the client sent
expanded   what is converted: the history and the new input, and nothing that only a server with state understands
echo       the settings that the answer repeats
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convert import sse
from convert.errors import ProxyError, invalid
from convert.formats.contract import Format
from convert.formats.responses.response import without_untyped
from convert.state import history, ids, items
from convert.state.memory import Memory
from convert.state.places import Places

if TYPE_CHECKING:
    from convert.state.recorder import Recorder
    from convert.store.responses import Segment

Json = dict[str, Any]
HELD = ("previous_response_id", "conversation", "background", "store")  # what the converted request goes without
TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


@dataclass(slots=True, kw_only=True, eq=False)
class Turn:
    """A response that is being made for a tenant; `kept`: it will be stored."""

    memory: Memory
    recorder: Recorder
    tenant: str
    client: Format
    id: str
    asked: Json
    expanded: Json
    new: list[Json]  # the items of its own input
    kept: bool
    before: history.History
    created: float = field(default_factory=time.time)
    cancelled: bool = False  # by a request elsewhere; the recorder notices
    attempts: int = 0
    segments: list[tuple[int, bytes]] = field(default_factory=list)  # events that are not yet written
    writing: list[Segment] = field(default_factory=list)  # those that are being written at this moment
    count: int = 0  # events so far

    @property
    def background(self) -> bool:
        """Whether it is made without its client."""
        return bool(self.asked.get("background"))

    @property
    def echo(self) -> Json:
        """The request's settings as the answer repeats them."""
        conversation = {"conversation": {"id": self.before.conversation}} if self.before.conversation else {}
        return {**self.asked, "store": self.kept, **conversation}

    @property
    def places(self) -> Places:
        """What of the converted input is history."""
        return Places(len(self.before.items), "conversation" if self.before.conversation else "previous_response_id")

    def recorded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The bytes of its stream, whole events, recorded as they pass. The terminal event leaves when the response is
        stored; where it cannot be stored, a failure leaves in its place."""
        for chunk in chunks:
            if self.client.ends(chunk):
                yield self._finished(chunk)
            else:
                self.grow(chunk)
                yield chunk

    def queue(self, told: Json, opening: bytes, work: bytes) -> None:
        """Stores that it waits to be made. `told`: the response object; `opening`: the first events of its stream;
        `work`: what is needed to make it, sealed. Raises ProxyError (overloaded)."""
        self.recorder.queue(dataclasses.replace(self.row(told), work=work), opening)

    def begin(self) -> None:
        """Stores that it is in progress. Raises ProxyError (overloaded) when it cannot be."""
        self.recorder.begin(self)

    def grow(self, chunk: bytes) -> None:
        """Notes events to be written."""
        self.segments.append((self.count, chunk))
        self.count += chunk.count(b"\n\n")

    def _finished(self, chunk: bytes) -> bytes:
        """The last chunk of the stream, once it is stored."""
        before = before_last(chunk)
        body = next(each["response"] for each in sse.chunks([chunk[len(before) :]]) if each["type"] in TERMINAL)
        self.grow(chunk)
        try:
            self.finish(body)
        except ProxyError as error:
            return before + failure(body, error, self.count - 1)
        return chunk

    def finish(self, body: Json) -> None:
        """Stores the finished response. Raises ProxyError (overloaded) when it cannot be."""
        if self.kept:
            self.recorder.finish(self, self.row(body))

    def abandon(self) -> None:
        """Its client has gone before the end: it is stored as cancelled, with what is there. Nothing, when it was
        finished."""
        self.recorder.abandon(self)

    def row(self, body: Json) -> Any:
        """The row of the response in the state that `body` describes."""
        from convert.store.responses import Row

        rest = {key: value for key, value in body.items() if key != "output"}
        return Row(
            tenant=self.tenant, id=self.id, thread=self.before.thread or self.id, previous=self.before.previous,
            conversation=self.before.conversation, created=self.created, status=body["status"], attempts=self.attempts,
            input=sse.dumps(self.new), output=sse.dumps(body.get("output") or []), body=sse.dumps(rest),
        )  # fmt: skip

    def begun(self) -> Any:
        """The row of the response while it is in progress."""
        row = self.row({**self.shell(), "status": "in_progress"})
        return dataclasses.replace(row, owner=self.memory.process)

    def shell(self) -> Json:
        """The response object before there is an answer."""
        from convert.formats.responses.response import shell
        from convert.hub import Start

        return shell(Start(self.id, str(self.asked.get("model", "")), int(self.created)), self.echo)


def before_last(chunk: bytes) -> bytes:
    """The events of a chunk but its last one."""
    at = chunk.rfind(b"\n\n", 0, len(chunk) - 2)
    return chunk[: at + 2] if at >= 0 else b""


def failure(body: Json, error: ProxyError, number: int) -> bytes:
    """The terminal event of a response that was answered, but could not be stored."""
    told = {"code": "server_error", "message": error.message}
    broken = without_untyped({**body, "status": "failed", "error": told, "output": [], "completed_at": None})
    return sse.event({"type": "response.failed", "sequence_number": number, "response": broken}, "response.failed")


def take(memory: Memory, recorder: Recorder, tenant: str, client: Format, asked: Json) -> Turn | None:
    """The turn of a request to the Responses API; None when nothing is recalled or referred to, and nothing is to be
    kept.
    Raises ProxyError for state that does not exist, or that contradicts itself."""
    kept = asked.get("store") is not False
    recalls = asked.get("previous_response_id") is not None or asked.get("conversation") is not None
    if asked.get("background") and not kept:
        raise invalid("background", "needs store: true")
    refers = bool(items.references(asked.get("input")))
    if not (kept or recalls or refers) or not memory.ready():
        return None
    identity = ids.new("resp")
    before = history.load(memory, tenant, asked)
    given = items.listed(asked.get("input"), identity)
    new = history.referred(memory, tenant, before.items, given)
    if recalls:
        items.check_outputs(before.items, new)
    expanded = {key: value for key, value in asked.items() if key not in HELD}
    if recalls or new is not given:
        expanded["input"] = [*before.items, *new]
    return Turn(
        memory=memory, recorder=recorder, tenant=tenant, client=client, id=identity, asked=asked, expanded=expanded,
        new=new, kept=kept, before=before,
    )  # fmt: skip
