"""The body of an upstream's answer, read off its socket: all that is there, at each read.

http.client hands out one chunk of a chunked body at a time, and a timeout spoils its reader for good. So the bytes are
taken from the socket below it, and the framing of HTTP/1.1 is undone here (RFC 9112, sections 6.3 and 7.1). An answer
that has no socket (the built-in upstream, doubles in tests) is read through urllib3.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import ProtocolError

from convert.clock import reads

READ = 65536  # bytes asked for at once
LINE = 16384  # bytes of a chunk's size line, with its extensions
_DIGITS = frozenset(b"0123456789abcdefABCDEF")
NOTHING_YET = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Ending:
    """The last content of a body, and what came after its end, or broke it off."""

    content: bytes = b""
    rest: bytes = b""
    fault: ProtocolError | None = None


Framing = Generator[bytes, bytes, Ending]  # is sent what arrives (b"": the connection's end), gives the content of it


def body_of(raw: Any) -> Body | Whole:
    """What reads the body of a urllib3 answer."""
    sock = socket_of(raw)
    return Whole(raw) if sock is None or raw._fp.length == 0 else Body(raw, sock)


def socket_of(raw: Any) -> Any:
    """The socket below a urllib3 answer; None where there is none."""
    reader = getattr(getattr(raw, "_fp", None), "fp", None)
    return getattr(getattr(reader, "raw", None), "_sock", None)


class Whole:
    """A body without a socket, which is there at once."""

    def __init__(self, raw: urllib3.HTTPResponse) -> None:
        self.raw = raw

    def read(self, seconds: float) -> bytes | None:
        """The next piece; b"" is the end."""
        return self.raw.read1(READ, decode_content=True)


class Body:
    """A body that arrives. When its end was read, the connection is free for the next call."""

    def __init__(self, raw: Any, sock: Any) -> None:
        self.raw, self.sock = raw, sock
        reader = raw._fp
        self.framing: Framing = dechunked() if reader.chunked else sized(reader.length)
        next(self.framing)
        self.ending: Ending | None = None
        raw._init_decoder()
        self.first = self._buffered(reader.fp)
        self.waits = -1.0
        self.receive: Callable[[int], bytes] = sock.recv

    def _buffered(self, reader: Any) -> bytes:
        """What was read together with the headers."""
        self.sock.settimeout(0)
        try:
            return reader.read1(READ) or b""
        except NOTHING_YET:
            return b""

    def read(self, seconds: float) -> bytes | None:
        """What is there, waiting so long for it; None where nothing came; b"" is the end.
        Raises OSError, and urllib3's HTTPError for a body that breaks off or is not what it says."""
        if self.ending is not None:
            if self.ending.fault:
                raise self.ending.fault
            return b""
        if self.waits != seconds:
            self.waits = seconds
            self.receive = reads(self.sock, seconds).read
        try:
            arrived, self.first = self.first or self.receive(READ), b""
        except NOTHING_YET:
            return None
        try:
            content = self.framing.send(arrived)
        except StopIteration as end:
            content = self._ended(end.value)
        if self.raw._decoder:
            content = self.raw._decode(content, True, self.ending is not None and not self.ending.fault)
        return content or (None if self.ending is None else self.read(seconds))

    def _ended(self, ending: Ending) -> bytes:
        """The last content. The connection goes back to its pool, unless the upstream sent more than its answer."""
        self.ending = ending
        if not ending.rest and not ending.fault:
            self.raw._fp.close()
            self.raw.release_conn()
        return ending.content


def sized(length: int | None) -> Framing:
    """The framing of a body of known length, or, None, of one that ends with the connection."""
    content, rest, missing = b"", b"", length
    while missing is None or missing > 0:
        arrived = yield content
        if not arrived:
            return Ending(fault=_torn() if missing else None)
        content, rest = arrived[:missing], arrived[len(arrived) if missing is None else missing :]
        missing = None if missing is None else missing - len(content)
    return Ending(content, rest)


def dechunked() -> Framing:
    """The framing of a chunked body: each chunk a size line, that many bytes and a line end, the last one empty."""
    data, out = b"", list[bytes]()
    try:
        while True:
            at = _whole_chunks(data, out)
            while at == len(data):
                data, at = (yield b"".join(out)), 0
                if not data:
                    return Ending(fault=_torn())
                out.clear()
                at = _whole_chunks(data, out)
            line, data = yield from _line(data[at:], out)
            if (size := _size(line)) == 0:
                break
            while len(data) < size:
                out.append(data)
                size -= len(data)
                data = yield from _more(out)
            out.append(data[:size])
            line, data = yield from _line(data[size:], out)
            if line:
                raise ProtocolError("a chunk is longer than its size")
        while line:  # the trailer, up to an empty line
            line, data = yield from _line(data, out)
    except ProtocolError as fault:
        return Ending(b"".join(out), fault=fault)
    return Ending(b"".join(out), data)


def _whole_chunks(data: bytes, out: list[bytes]) -> int:
    """Adds the chunks that `data` begins with to `out`, as far as they are whole; gives where they end. All that is
    not usual is left to the caller."""
    at = 0
    while (end := data.find(b"\r\n", at)) >= 0:
        digits = data[at:end]
        stop = end + 2 + (int(digits, 16) if digits.isalnum() and _DIGITS.issuperset(digits) else 0)
        if stop == end + 2 or data[stop : stop + 2] != b"\r\n":
            break
        out.append(data[end + 2 : stop])
        at = stop + 2
    return at


def _size(line: bytes) -> int:
    """The size in a chunk's first line."""
    digits = line.split(b";", 1)[0].strip()
    if not digits or not _DIGITS.issuperset(digits):
        raise ProtocolError(f"the size of a chunk is no number: {line[:20]!r}")
    return int(digits, 16)


def _more(out: list[bytes]) -> Generator[bytes, bytes, bytes]:
    """What arrives next; gives what is in `out`, and empties it."""
    given = b"".join(out)
    out.clear()
    arrived = yield given
    if not arrived:
        raise _torn()
    return arrived


def _line(data: bytes, out: list[bytes]) -> Generator[bytes, bytes, tuple[bytes, bytes]]:
    """(the line that `data` begins with, without its end; what follows it)."""
    while (end := data.find(b"\n")) < 0:
        if len(data) > LINE:
            raise ProtocolError("a line between two chunks is endless")
        data += yield from _more(out)
    return data[:end].removesuffix(b"\r"), data[end + 1 :]


def _torn() -> ProtocolError:
    return ProtocolError("the body breaks off")
