"""Takes the free text of an emulated custom tool out of the JSON in which a function call carries it.

A custom tool is emulated by a function whose arguments are `{"input": "..."}`. Clients show the input
while it is being written, so it is decoded as it arrives, at any cut.
"""

from __future__ import annotations

import json
import re

_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_WHOLE = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_HALF_PAIR = re.compile(r"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})\Z")


def unwrap(text: str) -> str:
    """The input in a whole arguments text; the text itself where it is not wrapped in any known way."""
    try:
        value = json.loads(text or '""', strict=False)
    except ValueError:
        return text
    if isinstance(value, dict):
        if not value:
            return ""
        value = value.get("input", next(iter(value.values())) if len(value) == 1 else None)
    return value if isinstance(value, str) else text


class Input:
    """Decodes one call's arguments, piece by piece."""

    def __init__(self) -> None:
        self._text = ""  # what has arrived and is not decoded yet
        self._inside = False

    def add(self, piece: str) -> str:
        """Takes the next piece of arguments; gives what it adds to the input, perhaps nothing."""
        self._text += piece
        if not self._inside:
            opening = _OPENING.match(self._text)
            if not opening:
                return ""
            self._text, self._inside = self._text[opening.end() :], True
        return self._decoded(final=False)

    def end(self) -> str:
        """What remains when the arguments are complete."""
        return self._decoded(final=True) if self._inside else unwrap(self._text)

    def _decoded(self, final: bool) -> str:
        """The whole characters at hand. Half of an escape, or of a surrogate pair, waits for the rest."""
        found = _WHOLE.match(self._text)
        escaped = found[0] if found else ""
        closed = self._text[len(escaped) : len(escaped) + 1] == '"'
        if not (final or closed) and (half := _HALF_PAIR.search(escaped)):
            escaped = escaped[: half.start(1)]
        self._text = self._text[len(escaped) :]
        return str(json.loads(f'"{escaped}"', strict=False))
