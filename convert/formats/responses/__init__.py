"""The OpenAI Responses API, as a client-facing API and as an upstream wire."""

from __future__ import annotations

import re

from convert import sse
from convert.errors import ProxyError
from convert.formats.contract import Counter, Format
from convert.formats.responses.errors import STATUSES, is_own, read_error, write_error
from convert.formats.responses.flavor import ResponsesFlavor
from convert.formats.responses.foreign import without_foreign
from convert.formats.responses.reader import TERMINAL, read_stream
from convert.formats.responses.request import read_request, support, write_request
from convert.formats.responses.response import read_response, write_response
from convert.formats.responses.schema import SCHEMA
from convert.formats.responses.writer import write_stream

_TERMINAL = re.compile(rb'"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed|cancelled)|error)"')


def _is_terminal(frames: bytes) -> bool:
    """Whether one of the frames ends a stream. The pattern alone may stand inside of an item (an MCP call's error)."""
    if not _TERMINAL.search(frames):
        return False
    try:
        return any(chunk.get("type") in (*TERMINAL, "error") for chunk in sse.chunks([frames]))
    except ProxyError:
        return False


# What a request for a count may hold; POST /responses/input_tokens refuses the rest.
_COUNTED = (
    "conversation", "input", "instructions", "model", "parallel_tool_calls", "previous_response_id", "reasoning",
    "text", "tool_choice", "tools", "truncation",
)  # fmt: skip

FORMAT = Format(
    name="responses",
    schema=SCHEMA,
    flavor=ResponsesFlavor,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_stream=read_stream,
    write_stream=write_stream,
    read_error=read_error,
    write_error=write_error,
    own_error=is_own,
    trimmed=lambda body, flavor, report: without_foreign(body, report),
    returns=lambda asked: True,
    statuses=STATUSES,
    support=support,
    path=lambda model, stream: "/responses",
    credentials=lambda key: {"Authorization": f"Bearer {key}"} if key else {},
    seals=frozenset({"reasoning"}),
    counter=Counter(
        path=lambda model: "/responses/input_tokens",
        body=lambda body, model: {key: body[key] for key in _COUNTED if key in body},
        member="input_tokens",
    ),
    counted=lambda body: {key: value for key, value in body.items() if value is not None},
    write_count=lambda number: {"object": "response.input_tokens", "input_tokens": number},
    ends=_is_terminal,
    closes=_is_terminal,
    # observed: Codex's idle timer is reset by events only, not by comments
    keep_alive=b'event: keepalive\ndata: {"type":"keepalive"}\n\n',
)
