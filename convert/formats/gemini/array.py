"""The other form of a stream: without `alt=sse` an answer is one JSON array, of which a chunk is sent at a time.

Source: Gemini API reference, "Method: models.streamGenerateContent"; Google APIs, system parameter `alt`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convert import sse
from convert.errors import ProxyError
from convert.sse import LINE_LIMIT, Chunk

_OPENING, _CLOSING = b"{[", b"}]"


def array_chunks(pieces: Iterable[bytes]) -> Iterator[Chunk]:
    """The objects of a JSON array, each as soon as it is whole, at any cut of the bytes; PING for an empty piece.
    Raises ProxyError (upstream) for data that is no such array."""
    held = bytearray()
    at, depth, quoted, escaped = 0, 0, False, False
    for piece in pieces:
        if not piece:
            yield sse.PING
            continue
        held += piece
        if len(held) > LINE_LIMIT:
            raise ProxyError("upstream", f"the upstream sent an element of more than {LINE_LIMIT} bytes")
        while at < len(held):
            byte = held[at]
            at += 1
            if quoted:
                quoted, escaped = escaped or byte != 0x22, not escaped and byte == 0x5C
            elif byte == 0x22:
                quoted = True
            elif byte in _OPENING:
                depth += 1
                if (depth == 1 and byte == 0x5B) or depth == 2:
                    del held[: at - 1]
                    at = 1
                if depth == 1 and byte != 0x5B:
                    raise ProxyError("upstream", "the upstream sent JSON that is not an array")
            elif byte in _CLOSING:
                depth -= 1
                if depth == 1:
                    yield sse.parse(bytes(held[:at]))
                    del held[:at]
                    at = 0
    if depth or not held.strip(b" \r\n\t").endswith(b"]"):
        raise ProxyError("upstream", "the upstream sent data that is not JSON, or cut off in the middle")


def as_array(frames: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of the array for the frames of an event stream; a keep-alive becomes a blank line."""
    opening = b"["
    for chunk in sse.chunks(frames):
        if not chunk or chunk is sse.PING:
            yield b"\n"
        else:
            yield opening + sse.dumps(chunk)
            opening = b",\r\n"
    yield b"[]" if opening == b"[" else b"]"
