"""A scripted upstream on a real socket: each model name has its script, which is told what to do byte by byte."""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

PATIENCE = 10.0  # seconds after which a script no longer waits for its peer


@dataclass
class Call:
    """One request as it came, and the means to answer it.

    connection  number of the connection that it came over; the first is 1
    """

    sock: socket.socket
    connection: int
    target: str
    headers: dict[str, str]
    body: dict[str, Any]
    keeps: bool = True  # whether the connection serves another request
    closed_at: float | None = None  # time.monotonic() at which the peer was seen to have hung up
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def model(self) -> str:
        """The model that is asked for: in the body, or in the path, as Google's API has it."""
        found = re.search(r"/models/([^/:?]+):", self.target)
        return unquote(found[1]) if found else str(self.body.get("model", ""))

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.sock.sendall(data)

    def head(self, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """Sends a status line and headers; `Retry_After` stands for `Retry-After`."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def plain(self, body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """Sends a finished answer."""
        self.head(status, kind, Content_Length=str(len(body)), **headers)
        self.send(body)

    def stream(self, *pieces: bytes, pause: float = 0, **headers: str) -> None:
        """Sends a whole event stream, each piece a chunk of its own."""
        self.begin(**headers)
        for piece in pieces:
            self.chunk(piece)
            time.sleep(pause)
        self.finish()

    def begin(self, **headers: str) -> None:
        """Sends the head of a chunked event stream."""
        self.head(200, "text/event-stream", Transfer_Encoding="chunked", **headers)

    def chunk(self, data: bytes) -> None:
        """Sends one chunk."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def finish(self) -> None:
        """Sends the end of a chunked body."""
        self.send(b"0\r\n\r\n")

    def reset(self) -> None:
        """Breaks the connection off with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self.keeps = False
        self.sock.close()

    def wait_for_hangup(self, seconds: float = PATIENCE) -> bool:
        """Whether the peer closes the connection within a time."""
        if not select.select([self.sock], [], [], seconds)[0]:
            return False
        try:
            gone = self.sock.recv(1) == b""
        except OSError:
            gone = True
        if gone:
            self.closed_at = time.monotonic()
        return gone


Script = Callable[[Call], None]


class Upstream:
    """The server. `script(model, ...)` says how requests for a model are answered; `calls[model]` are those that
    came."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self.listener.getsockname()[1]
        self.scripts: dict[str, Script] = {"": lambda call: call.plain(b'{"data": []}')}  # a list of models
        self.calls: defaultdict[str, list[Call]] = defaultdict(list)
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, model: str, script: Script) -> list[Call]:
        """Sets the script of a model; the list of calls for it, which grows."""
        self.scripts[model] = script
        return self.calls[model]

    def _accept(self) -> None:
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with sock:
            reader = sock.makefile("rb")
            while call := _read(sock, reader, number):
                model = call.model
                self.calls[model].append(call)
                try:
                    self.scripts[model](call)
                except OSError:  # the peer has hung up while the script was talking
                    call.closed_at = time.monotonic()
                    call.keeps = False
                call.done.set()
                if not call.keeps:
                    return


def _read(sock: socket.socket, reader: Any, number: int) -> Call | None:
    """The next request of a connection; None at its end."""
    try:
        first = reader.readline()
        if not first:
            return None
        headers: dict[str, str] = {}
        while (line := reader.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", "0")))
    except OSError:
        return None
    target = first.split()[1].decode()
    return Call(sock, number, target, headers, json.loads(body or b"{}"))
