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
Frame = tuple[bytes, bytes]  # its event's name, its data
DONE: Chunk = {"type": "[DONE]"}  # the terminator of OpenAI's streams; compare with `is`
PING: Chunk = {"type": "[PING]"}  # nothing arrived for a while; compare with `is`
REST: Chunk = {"type": "[REST]"}  # nothing more is here now, and the next piece has to be waited for; compare with `is`
LINE_LIMIT = 32 * 1024 * 1024  # bytes of one frame that are held before the upstream is given up
LONG = 65536  # bytes of a frame that is not copied
_BOM = b"\xef\xbb\xbf"


def whole_frames(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """The frames that each piece completes, less the blank line behind the last one; None for an empty piece (silence).

    A CR at the end of a piece ends its line at once; a LF that opens the next piece belongs to it. What the end of the
    stream cuts off before its blank line is given too: many servers forget the blank line after `[DONE]`, and what is
    torn fails to parse. Raises ProxyError over LINE_LIMIT."""
    held: list[bytes] = []  # the beginning of a frame, in the pieces that it came in
    size, last, mark = 0, b"", _BOM
    for piece in pieces:
        if not piece:
            yield None
            continue
        if not held and not mark and piece[-2:] == b"\n\n" and b"\r" not in piece and last != b"\r":  # most pieces
            yield piece[:-2]
            continue
        piece, last = _with_plain_ends(piece, last), piece[-1:]
        if b"\n\n" in piece or (piece[:1] == b"\n" and held and held[-1][-1:] == b"\n"):
            whole, _, rest = b"".join([*held, piece]).removeprefix(mark).rpartition(b"\n\n")
            held, size, mark = [rest] if rest else [], len(rest), b""
            yield whole
        elif piece:
            held.append(piece)
            size += len(piece)
        if size > LINE_LIMIT:
            raise ProxyError("upstream", f"the upstream sent an event of more than {LINE_LIMIT} bytes")
    if held:
        yield b"".join(held).removeprefix(mark)


def _with_plain_ends(piece: bytes, last: bytes) -> bytes:
    """A piece with LF for every line end; `last`: the byte before it."""
    if last == b"\r" and piece[:1] == b"\n":
        piece = piece[1:]
    return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in piece else piece


def split(whole: bytes) -> list[Frame]:
    """The frames with data among whole ones, the blank line after the last one left out."""
    if whole.startswith(b"data: "):  # most streams are one line of data and a blank line, again and again
        blocks = whole[6:].split(b"\n\ndata: ")
        if whole.count(b"\n") == 2 * len(blocks) - 2:
            return [(b"", block) for block in blocks]
    return [found for block in whole.split(b"\n\n") if (found := _frame(block))]


def _frame(block: bytes) -> Frame | None:
    """The frame that some lines make; None where they have no data."""
    if block.startswith(b"event: "):
        name, _, text = block[7:].partition(b"\ndata: ")
        if text and b"\n" not in text and b"\n" not in name:
            return name.strip(), text
    name, data = b"", []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line == b"data":
            data.append(b"")
    return (name, b"\n".join(data)) if data else None


def chunks(pieces: Iterable[bytes], resting: bool = False) -> Iterator[Chunk]:
    """The JSON object of each frame; DONE for `[DONE]`, PING for silence; `resting`: REST after what a piece brought.

    A frame named `error` whose object has no `error` member is wrapped in one, so that readers have
    one place to look. Raises ProxyError (upstream) for data that is no JSON object.
    """
    return chunks_of(whole_frames(pieces), resting)


def chunks_of(frames: Iterable[bytes | None], resting: bool = False) -> Iterator[Chunk]:
    """As `chunks`, of what `whole_frames` gives."""
    for whole in frames:
        if whole is None:
            yield PING
        else:
            yield from parsed(split(whole))
        if resting:
            yield REST


def parsed(batch: list[Frame]) -> Iterable[Chunk]:
    """The objects of frames, as `chunks`."""
    return _together(batch) or _each(batch)


def _together(batch: list[Frame]) -> list[Chunk] | None:
    """The objects of plain frames, read in one go, which is much cheaper than one by one; None where one is not plain.
    A long frame, which can only be the first one, is not copied."""
    if not batch or len(batch[0][1]) > LONG:
        return None
    names, data = zip(*batch)
    done = data[-1] == b"[DONE]"
    try:
        found: list[Chunk] = orjson.loads(b"[%b]" % b",".join(data[:-1] if done else data))
    except orjson.JSONDecodeError:
        return None
    if len(found) + done != len(data) or not {*map(type, found)} <= {dict} or b"error" in names:
        return None
    return [*found, DONE] if done else found


def _each(batch: list[Frame]) -> Iterator[Chunk]:
    for name, data in batch:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            if (text := data.strip()) == b"[DONE]":
                yield DONE
            if text in (b"", b"[DONE]"):
                continue
            chunk = parse(text)
        if type(chunk) is not dict:
            raise _no_object()
        yield {"error": chunk} if name == b"error" and "error" not in chunk else chunk


def parse(data: bytes) -> Chunk:
    """A JSON object from the upstream. Raises ProxyError (upstream) where it is not one."""
    try:
        value = loads(data)
    except (ValueError, RecursionError):
        raise ProxyError("upstream", "the upstream sent data that is not JSON, or cut off in the middle") from None
    if not isinstance(value, dict):
        raise _no_object()
    return value


def _no_object() -> ProxyError:
    return ProxyError("upstream", "the upstream sent JSON that is not an object")


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
