"""Server-sent events: bytes <-> frames, at any cut of the bytes.

Source: WHATWG HTML, section 9.2 "Server-sent events" (line ends LF, CRLF or CR; comments; data on several lines).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from convert.errors import ProxyError

Chunk = dict[str, Any]
DONE: Chunk = {"type": "[DONE]"}  # the terminator of OpenAI's streams; compare with `is`
PING: Chunk = {"type": "[PING]"}  # nothing arrived for a while; compare with `is`
LINE_LIMIT = 32 * 1024 * 1024  # bytes of one frame that are held before the upstream is given up
_BOM = b"\xef\xbb\xbf"


def lines(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """Whole lines without their ends. An empty piece (silence) gives None.

    A CR at the end of a piece ends its line at once; a LF that opens the next piece belongs to it.
    What follows the last line end is given as a line too. Raises ProxyError over LINE_LIMIT.
    """
    held: list[bytes] = []  # the beginning of a line, in the pieces that it came in
    size, after_cr, first = 0, False, True
    for piece in pieces:
        if not piece:
            yield None
            continue
        if after_cr and piece[0] == 10:
            piece = piece[1:]
            after_cr = False
            if not piece:
                continue
        after_cr = piece[-1] == 13
        whole = _split(piece)
        if len(whole) > 1:
            whole[0] = b"".join([*held, whole[0]])
            held, size = [], 0
            if first:
                whole[0], first = whole[0].removeprefix(_BOM), False
            yield from whole[:-1]
        rest = whole[-1]
        if rest:
            held.append(rest)
            size += len(rest)
            if size > LINE_LIMIT:
                raise ProxyError("upstream", f"the upstream sent a line of more than {LINE_LIMIT} bytes")
    if held:
        yield b"".join(held).removeprefix(_BOM) if first else b"".join(held)


def _split(piece: bytes) -> list[bytes]:
    """`piece` cut at its line ends; the last element is what follows the last one."""
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return piece.split(b"\n")


def frames(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes] | None]:
    """(event name, data) of each frame that has data; None for silence.

    Data that the end of the stream cuts off before its blank line is given too: many servers
    forget the blank line after `[DONE]`, and what is torn fails to parse.
    """
    name, data, size = b"", [], 0
    for line in lines(pieces):
        if line is None:
            yield None
        elif line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            data.append(value)
            size += len(value)
            if size > LINE_LIMIT:
                raise ProxyError("upstream", f"the upstream sent an event of more than {LINE_LIMIT} bytes")
        elif not line:
            if data:
                yield name, b"\n".join(data)
            name, data, size = b"", [], 0
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line == b"data":
            data.append(b"")
    if data:
        yield name, b"\n".join(data)


def chunks(pieces: Iterable[bytes]) -> Iterator[Chunk]:
    """The JSON object of each frame; DONE for `[DONE]`, PING for silence.

    A frame named `error` whose object has no `error` member is wrapped in one, so that readers have
    one place to look. Raises ProxyError (upstream) for data that is no JSON object.
    """
    for frame in frames(pieces):
        if frame is None:
            yield PING
            continue
        name, data = frame
        if not data or data.isspace():
            continue
        if data.strip() == b"[DONE]":
            yield DONE
            continue
        chunk = parse(data)
        yield {"error": chunk} if name == b"error" and "error" not in chunk else chunk


def parse(data: bytes) -> Chunk:
    """A JSON object from the upstream. Raises ProxyError (upstream) where it is not one."""
    try:
        value = loads(data)
    except (ValueError, RecursionError):
        raise ProxyError("upstream", "the upstream sent data that is not JSON, or cut off in the middle") from None
    if not isinstance(value, dict):
        raise ProxyError("upstream", "the upstream sent JSON that is not an object")
    return value


def loads(data: bytes | str) -> Any:
    """JSON text to values. orjson, and the standard library for what orjson refuses: lone surrogates,
    which models do emit when an emoji is cut, and NaN. Raises ValueError, or RecursionError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def dumps(value: Any) -> bytes:
    """Values to compact JSON. Raises TypeError for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # lone surrogates, integers over 64 bits
        return json.dumps(value, separators=(",", ":")).encode()


def event(data: Any, name: str | None = None) -> bytes:
    """One frame; with an `event:` line where a name is given."""
    head = f"event: {name}\n".encode() if name else b""
    return b"%bdata: %b\n\n" % (head, dumps(data))
