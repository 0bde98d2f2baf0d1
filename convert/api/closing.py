"""A streamed body with something to do when the server closes it, which it does also where nobody read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


class Closing:
    """Bytes in pieces, and what is called at the end, after the pieces' own `close`. The server goes through the pieces
    themselves: what stands between costs every piece a step."""

    def __init__(self, pieces: Iterable[bytes], *calls: Callable[[], object]) -> None:
        self.pieces = pieces
        self.calls = calls

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        """Ends it; WSGI servers call this once (PEP 3333, "Specification Details")."""
        if hasattr(self.pieces, "close"):
            self.pieces.close()
        for call in self.calls:
            call()
