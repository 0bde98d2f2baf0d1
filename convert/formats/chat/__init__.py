"""The OpenAI Chat Completions API, as a client-facing API and as an upstream wire."""

from __future__ import annotations

import re

from convert.formats.chat.errors import STATUSES, is_own, read_error, write_error
from convert.formats.chat.flavor import ChatFlavor
from convert.formats.chat.reader import alike, read_stream
from convert.formats.chat.request import read_request, support, write_request
from convert.formats.chat.response import read_response, write_response
from convert.formats.chat.schema import SCHEMA
from convert.formats.chat.writer import KEEP_ALIVE, write_stream
from convert.formats.contract import Format

_DONE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")  # a model may write the words itself
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"\w|"error"\s*:\s*[{"]')


def _closes(frames: bytes) -> bool:
    """Whether the terminator is among the frames; the plain search is for the many that hold nothing like it."""
    return b"[DONE]" in frames and bool(_DONE.search(frames))


FORMAT = Format(
    name="chat",
    schema=SCHEMA,
    flavor=ChatFlavor,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_stream=read_stream,
    alike=alike,
    write_stream=write_stream,
    read_error=read_error,
    write_error=write_error,
    own_error=is_own,
    statuses=STATUSES,
    support=support,
    path=lambda model, stream: "/chat/completions",
    credentials=lambda key: {"Authorization": f"Bearer {key}"} if key else {},
    ends=lambda frames: _closes(frames) or bool(_FINISHED.search(frames)),
    closes=_closes,
    keep_alive=KEEP_ALIVE,
)
