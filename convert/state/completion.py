"""A Chat completion in the making that its client wants stored (`store: true`).

It has the same face as a Turn: what is converted, what the answer repeats, and where it goes when it is finished.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convert import hub, sse, stream
from convert.errors import ProxyError, invalid
from convert.formats.contract import Format
from convert.losses import Report
from convert.state import ids
from convert.state.memory import Memory

Json = dict[str, Any]
HELD = ("store", "metadata")  # what the converted request goes without: both are kept here


@dataclass(slots=True, kw_only=True, eq=False)
class Completion:
    """A completion that is being made for a tenant, and will be stored when it is finished."""

    memory: Memory
    tenant: str
    client: Format
    id: str
    asked: Json
    created: float = field(default_factory=time.time)
    kept: bool = True

    @property
    def expanded(self) -> Json:
        """What is converted."""
        return {key: value for key, value in self.asked.items() if key not in HELD}

    @property
    def echo(self) -> Json:
        """The request whose settings the answer repeats."""
        return self.asked

    def begin(self) -> None:
        """Nothing is stored before it is finished. Raises ProxyError (overloaded) when nothing could be."""
        self.memory.run(lambda connection: None)

    def recorded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The bytes of its stream; the last ones leave when the completion is stored. Where it cannot be, an error
        leaves in their place."""
        passed: list[bytes] = []
        for chunk in chunks:
            passed.append(chunk)
            if self.client.closes(chunk):
                yield self._finished(chunk, passed)
            else:
                yield chunk

    def _finished(self, chunk: bytes, passed: list[bytes]) -> bytes:
        try:
            self.finish(self._folded(passed))
        except ProxyError as error:
            return b"".join(self.client.write_stream(iter([hub.Failure(error)]), self.asked, Report()))
        return chunk

    def _folded(self, passed: list[bytes]) -> Json:
        """The finished object that the stream adds up to. Raises ProxyError for a stream that failed."""
        events = stream.check(self.client.read_stream(sse.chunks(passed), self.client.flavor()))
        return self.client.write_response(stream.fold(events), self.asked, Report())

    def finish(self, body: Json) -> None:
        """Stores the finished object. Raises ProxyError (overloaded)."""
        from convert.store import completions

        row = completions.Row(
            tenant=self.tenant, id=self.id, created=self.created, model=str(body.get("model", "")),
            metadata=sse.dumps(self.asked.get("metadata") or {}), request=sse.dumps(self.asked), body=sse.dumps(body),
        )  # fmt: skip
        self.memory.run(lambda connection: completions.add(connection, row))

    def abandon(self) -> None:
        """Its client has gone before the end: nothing is stored."""


def take(memory: Memory, tenant: str, client: Format, asked: Json) -> Completion | None:
    """The completion of a Chat request with `store: true`; None for any other, or where nothing is stored.
    Raises ProxyError for metadata of the wrong shape, and (overloaded) when the database cannot be used."""
    if asked.get("store") is not True or not memory.ready():
        return None
    check_metadata(asked.get("metadata"))
    return Completion(memory=memory, tenant=tenant, client=client, id=ids.new("chatcmpl"), asked=asked)


def check_metadata(metadata: Any) -> None:
    """Raises ProxyError (invalid_request) for what is not at most 16 pairs of short strings.

    Source: OpenAI API reference, "metadata": keys of at most 64 characters, values of at most 512."""
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise invalid("metadata", "must be an object")
    if len(metadata) > 16:
        raise invalid("metadata", "has more than 16 pairs")
    for key, value in metadata.items():
        if len(key) > 64:
            raise invalid("metadata", f"the key '{key[:64]}...' has more than 64 characters")
        if not isinstance(value, str) or len(value) > 512:
            raise invalid(f"metadata.{key}", "must be a string of at most 512 characters")
