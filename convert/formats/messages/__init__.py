"""The Anthropic Messages API, as a client-facing API and as an upstream wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from convert import sse
from convert.errors import ProxyError
from convert.formats.contract import Counter, Format
from convert.formats.messages.conversation import without_billing
from convert.formats.messages.errors import STATUS, is_own, read_error, write_error
from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.foreign import without_foreign
from convert.formats.messages.reader import alike, read_stream
from convert.formats.messages.request import read_request, support, write_request
from convert.formats.messages.response import asked_thinking, read_response, write_response
from convert.formats.messages.schema import SCHEMA
from convert.formats.messages.writer import KEEP_ALIVE, write_stream
from convert.losses import Report

_TERMINAL = re.compile(rb'"type"\s*:\s*"(?:message_stop|error)"')


def _refused(headers: Mapping[str, str], complaint: str) -> dict[str, str] | None:
    """The headers without the betas that an upstream's 400 complains of; None when it complains of something else.

    Observed: Bedrock, Vertex AI and gateways before them refuse betas that they do not know, by name ("Unexpected
    value(s) `a`, `b` for the `anthropic-beta` header") or without ("invalid beta flag")."""
    betas = headers.get("anthropic-beta", "")
    if not betas or not re.search(r"anthropic[-_]beta|invalid beta flag", complaint, re.I):
        return None
    named = set(re.findall(r"`([^`]+)`", complaint))
    given = [beta.strip() for beta in betas.split(",")]
    kept = [beta for beta in given if beta not in named] if named.intersection(given) else []
    rest = {name: value for name, value in headers.items() if name != "anthropic-beta"}
    return {**rest, "anthropic-beta": ",".join(kept)} if kept else rest


def _known(headers: Mapping[str, str], flavor: MessagesFlavor) -> dict[str, str]:
    """The headers with those betas only that a provider knows; Anthropic's clients name all that they might use."""
    name = next((name for name in headers if name.lower() == "anthropic-beta"), None)
    if name is None or flavor.betas == ("*",):
        return dict(headers)
    given = [beta.strip() for beta in headers[name].split(",")]
    kept = [beta for beta in given if any(fnmatchcase(beta, glob) for glob in flavor.betas)]
    rest = {each: value for each, value in headers.items() if each != name}
    return {**rest, name: ",".join(kept)} if kept else rest


def _trimmed(body: dict[str, Any], flavor: MessagesFlavor, report: Report) -> dict[str, Any]:
    """A client's body without what only Anthropic itself is sent, and without what other upstreams have sealed."""
    body = body if flavor.billing else without_billing(body)
    return without_foreign(body, flavor, report)


def _is_terminal(frames: bytes) -> bool:
    """Whether one of the frames ends a stream. The pattern alone may stand inside of a tool's result."""
    if not _TERMINAL.search(frames):
        return False
    try:
        return any(chunk.get("type") in ("message_stop", "error") for chunk in sse.chunks([frames]))
    except ProxyError:
        return False


# What a request for a count may hold; POST /v1/messages/count_tokens refuses the rest.
_COUNTED = (
    "cache_control", "context_management", "mcp_servers", "messages", "model", "output_config", "system", "thinking",
    "tool_choice", "tools",
)  # fmt: skip

FORMAT = Format(
    name="messages",
    schema=SCHEMA,
    flavor=MessagesFlavor,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_stream=read_stream,
    alike=alike,
    write_stream=write_stream,
    read_error=read_error,
    write_error=write_error,
    support=support,
    path=lambda model, stream: "/messages",
    credentials=lambda key: {"x-api-key": key} if key else {},
    ends=_is_terminal,
    closes=_is_terminal,
    keep_alive=KEEP_ALIVE,
    headers={"anthropic-version": "2023-06-01"},
    own_error=is_own,
    returns=lambda asked: asked_thinking(asked) != "disabled",
    statuses=STATUS,
    client_headers=("anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access", "x-app"),
    optional=frozenset({"anthropic-beta"}),
    refused=_refused,
    known=_known,
    trimmed=_trimmed,
    seals=frozenset({"reasoning"}),
    counter=Counter(
        path=lambda model: "/messages/count_tokens",
        body=lambda body, model: {key: body[key] for key in _COUNTED if key in body},
        member="input_tokens",
    ),
)
