"""Reasoning that a server leaves in the content, as `<think>...</think>` before the answer.

Only a tag that opens the content counts, so that an answer may speak of tags. The tags may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

OPEN, CLOSE = "<think>", "</think>"
Piece = tuple[Literal["reasoning", "text"], str]


def split() -> Generator[list[Piece], str | None, None]:
    """A coroutine: send it each piece of content, and None at the end; it gives what each adds.

    Prime it with `next`. An unclosed tag makes everything reasoning; empty reasoning is left out."""
    held = yield from _opening()
    if held is None:
        return
    out: list[Piece] = []
    if held.lstrip().startswith(OPEN):
        held = yield from _thinking(held.lstrip()[len(OPEN) :])
        if held is None:
            return
    piece: str | None = held
    while piece is not None:
        out = [("text", piece)] if piece else []
        piece = yield out
    yield []


def _opening() -> Generator[list[Piece], str | None, str | None]:
    """Waits until it is clear whether the content opens with the tag; gives what was held until then."""
    held = ""
    while True:
        piece = yield []
        if piece is None:
            yield [("text", held)] if held else []
            return None
        held += piece
        begun = held.lstrip()
        if not OPEN.startswith(begun[: len(OPEN)]) or begun.startswith(OPEN):
            return held


def _thinking(held: str) -> Generator[list[Piece], str | None, str | None]:
    """Passes reasoning on until the closing tag; gives the answer's first words, without the line ends that
    separate them from the tag."""
    while CLOSE not in held and not held[: _safe(held)].strip():  # reasoning of white space alone is none
        piece = yield []
        if piece is None:
            yield [("reasoning", held)] if held.strip() else []
            return None
        held += piece
    if not held.partition(CLOSE)[0].strip():
        held = held.lstrip()
    while CLOSE not in held:
        safe = _safe(held)
        piece = yield [("reasoning", held[:safe])] if safe else []
        held = held[safe:]
        if piece is None:
            yield [("reasoning", held)] if held else []
            return None
        held += piece
    thought, _, answer = held.partition(CLOSE)
    out: list[Piece] = [("reasoning", thought)] if thought else []
    while not answer.lstrip("\r\n"):
        piece = yield out
        if piece is None:
            yield []
            return None
        out, answer = [], piece
    if out:  # the reasoning goes out before the answer's first words
        piece = yield [*out, ("text", answer.lstrip("\r\n"))]
        if piece is None:
            yield []
            return None
        return piece
    return answer.lstrip("\r\n")


def _safe(text: str) -> int:
    """How much of `text` is certainly before the closing tag, which its end may begin."""
    ends = range(min(len(CLOSE) - 1, len(text)), 0, -1)
    return len(text) - next((n for n in ends if CLOSE.startswith(text[-n:])), 0)
