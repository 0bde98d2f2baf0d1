"""Recorded traffic, for the tests that loop over it: tests/corpus, and the folder that CONVERT_CORPUS names.

A recording is a folder <api>/<provider>/<name>/ with request.json, response.json or response.sse, and a meta.json
where the status was not 200. Only APIs that are formats here are given, so that a new format meets its recordings.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.formats import FORMATS
from convert.formats.contract import Format

OWN = Path(__file__).parent / "corpus"
Json = dict[str, Any]
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}\s*")


@dataclass(frozen=True)
class Recording:
    """One exchange of a client with an API."""

    folder: Path

    @property
    def form(self) -> Format:
        """The format of the API."""
        return FORMATS[self.folder.parts[-3]]

    @property
    def name(self) -> str:
        return "/".join(self.folder.parts[-3:])

    @functools.cached_property
    def request(self) -> Json:
        """The request's body."""
        return dict(json.loads((self.folder / "request.json").read_bytes()))

    @functools.cached_property
    def answer(self) -> Path:
        """The file with the answer: response.json, .sse or .txt. Some recordings are of a request alone."""
        found = (path for path in sorted(self.folder.iterdir()) if path.stem == "response")
        return next(found, self.folder / "response.json")

    @functools.cached_property
    def body(self) -> bytes:
        """The bytes of the answer, empty where there is none; some cassettes hold them in base64."""
        data = _bytes(self.answer)
        return base64.b64decode(data) if _BASE64.fullmatch(data) else data

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream."""
        return self.answer.suffix == ".sse" or self.body.startswith((b"data:", b"event:"))

    @property
    def stream(self) -> bytes:
        """The bytes of a streamed answer."""
        return self.body

    @functools.cached_property
    def response(self) -> Json:
        """The body of a finished answer."""
        return dict(json.loads(self.body))

    @property
    def status(self) -> int:
        meta = self.folder / "meta.json"
        return (json.loads(meta.read_bytes()).get("status") if meta.exists() else None) or 200


def folders() -> list[Path]:
    """The folders with recordings."""
    return [OWN, *(Path(path) for path in [os.environ.get("CONVERT_CORPUS", "")] if path)]


@functools.cache
def everything() -> tuple[Recording, ...]:
    """All recordings of the APIs that are formats."""
    found = (path for root in folders() for api in FORMATS for path in root.glob(f"{api}/*/*"))
    return tuple(Recording(path) for path in sorted(found))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:  # an upload, plain text
        return None


@functools.cache
def requests() -> tuple[Recording, ...]:
    """Those with a request in JSON that has the one field which every request of its API has."""
    return tuple(each for each in everything() if _is_request(_json(_bytes(each.folder / "request.json"))))


def _is_request(body: Any) -> bool:
    return isinstance(body, dict) and bool(body.keys() & {"messages", "input", "contents"})


@functools.cache
def streams() -> tuple[Recording, ...]:
    """Those with a streamed answer."""
    return tuple(each for each in everything() if each.streamed)


@functools.cache
def responses() -> tuple[Recording, ...]:
    """Those with a finished answer that is no error."""
    good = (each for each in everything() if each.status < 400 and not each.streamed)
    return tuple(each for each in good if _is_answer(_json(each.body)))


def _is_answer(body: Any) -> bool:
    answers = {"choices", "output", "content", "candidates"}
    return isinstance(body, dict) and not body.get("error") and bool(body.keys() & answers)


@functools.cache
def errors() -> tuple[Recording, ...]:
    """Those with an error for an answer."""
    return tuple(each for each in everything() if each.status >= 400)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """`data` in pieces of a size; 0: in one."""
    if not size:
        yield data
        return
    for at in range(0, len(data), size):
        yield data[at : at + size]
