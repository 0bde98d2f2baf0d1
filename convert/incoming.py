"""A response of an upstream as it comes off its socket: its head, then of the body all that is there, at each read.

http.client would hand out one chunk of a chunked body at a time, and a timeout would spoil its reader for good. So the
bytes are taken from the socket, and the framing of HTTP/1.1 is undone by httptools (RFC 9112). A response that has no
socket (the built-in upstream's, those of doubles in tests) is read through urllib3.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import urllib3
from httptools import HttpParserError, HttpResponseParser
from urllib3.exceptions import ProtocolError

from convert.clock import reads

FIRST, READ = 4096, 65536  # bytes asked for at once; few at first: a stream's first event need not wait for more
HEAD = 262144  # bytes of a head, interim ones before it included
NOTHING_YET = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
UNKNOWN = {"Content-Type": "text/event-stream"}  # headers of a stream whose head has not come


class Whole:
    """A body without a socket, which is there at once."""

    def __init__(self, raw: urllib3.HTTPResponse) -> None:
        self.raw = raw

    def read(self, seconds: float) -> bytes | None:
        """The next piece; b"" is the end."""
        return self.raw.read1(READ, decode_content=True)


class Incoming:
    """A response that arrives over a connection, which is free for the next call when all of it was read.

    status, headers     as far as they are known: those of a stream that goes well, until the head has come
    headed              whether the head has come
    begun               whether anything has come
    """

    status = 200
    headers: Mapping[str, str] = UNKNOWN
    version_string, length_remaining = "HTTP/1.1", None  # urllib3 logs these,
    retries: Any = None  # and sets these
    _connection: Any = None
    _pool: Any = None

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.headed = self.ended = self.reusable = False
        self.fault = ""  # what is wrong with the answer
        self.decoder: Any = None
        self.found: list[tuple[str, str]] = []
        self.pieces: list[bytes] = []
        self.size = 0  # bytes of what the head came with
        self.waits = -1.0
        self.receive: Callable[[int], bytes] = connection.sock.recv
        self.parser: Any = HttpResponseParser(self)
        # What other clients of HTTP take as well: lines that end without CR, spaces behind the size of a chunk.
        self.parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)

    @property
    def begun(self) -> bool:
        """Whether anything has come."""
        return self.size > 0

    def arrive(self, seconds: float) -> bool:
        """Whether the head has come, waiting about so long for more of it. Raises OSError and ProtocolError."""
        if not self.headed and self._arrived(seconds) and self.fault and not self.headed:
            raise ProtocolError(self.fault)
        return self.headed

    def read(self, seconds: float) -> bytes | None:
        """What is there of the body, waiting so long for it; None where nothing came; b"" is the end.
        Raises OSError, and urllib3's HTTPError for a body that breaks off or is not what it says."""
        if not self.pieces:
            if self.ended:
                return self._end()
            if not self._arrived(seconds):
                return None
        content = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        if self.decoder:
            content = self.decoder._decode(content, True, self.ended and not self.fault)
        if self.ended and not self.fault:
            self.release()
        return content or (self._end() if self.ended else None)

    def _end(self) -> bytes:
        """The end of the body, b"". Raises what broke it off."""
        if self.fault:
            raise ProtocolError(self.fault)
        self.release()
        return b""

    def release(self) -> None:
        """Gives the connection back to its pool, or closes it where it is of no further use."""
        connection, self.connection, self.parser = self.connection, None, None
        if connection is None:
            return
        if not self.reusable:
            connection.close()
        if self._pool is not None:
            self._pool._put_conn(connection)

    def close(self) -> None:
        """Ends the call. A connection whose response was not read to its end is not used again."""
        self.reusable = self.reusable and self.ended and not self.pieces
        self.release()

    def release_conn(self) -> None:
        """What requests calls at the end."""

    def _arrived(self, seconds: float) -> bool:
        """Takes what is there, waiting so long for it; whether there was anything, be it the connection's end."""
        if self.waits != seconds:
            self.waits = seconds
            self.receive = reads(self.connection.sock, seconds).read
        try:
            data = self.receive(READ if self.headed else FIRST)
        except NOTHING_YET:
            return False
        if not data:
            self._closed()
            return True
        self.size += 0 if self.headed else len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserError as error:
            self._broken(f"the answer is no HTTP: {error}")
        if self.size > HEAD and not self.headed:
            self._broken("the answer's head is endless")
        return True

    def _closed(self) -> None:
        """The upstream has ended the connection: with the body, unless its end was to be told otherwise."""
        told = self.headed and ("content-length" in self.headers or "transfer-encoding" in self.headers)
        if not self.headed or told:
            self._broken("the body breaks off" if told else "the connection was closed without an answer")
        self.ended = True

    def _broken(self, words: str) -> None:
        self.reusable = False
        if not self.ended:  # what follows an answer is no fault of it
            self.ended, self.fault = True, words

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A response begins: an interim one, this one, or one that nobody asked for."""
        self.found = []
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or, behind the body, a trailer."""
        self.found.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The end of a head."""
        status = self.parser.get_status_code()
        if status >= 200 and not self.headed:
            headers = urllib3.HTTPHeaderDict()
            for name, value in self.found:
                headers.add(name, value)
            self.headed, self.status, self.headers = True, status, headers
            if self.headers.get("content-encoding", "identity") != "identity":
                self.decoder = urllib3.HTTPResponse(headers=self.headers, preload_content=False)
                self.decoder._init_decoder()

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        if not self.ended:
            self.pieces.append(data)

    def on_message_complete(self) -> None:
        """The end of a response."""
        if self.headed and not self.ended:
            self.ended, self.reusable = True, self.parser.should_keep_alive()
