"""What an upstream's HTTP error becomes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from convert import sse
from convert.answer import Answer
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats.contract import Format

CREDENTIALS = ("Authorization", "x-api-key", "x-goog-api-key", "api-key")
LIMIT = 1024 * 1024  # bytes of an error's body


def body_of(answer: Answer) -> bytes:
    """The body of an error; what is cut off or endless tells less than the status, and is left out."""
    if answer.complaint is None:
        data = b""
        with contextlib.suppress(ProxyError):
            data = answer.read(LIMIT)
        answer.complaint = masked(answer, data)
    return answer.complaint


def without_refused(answer: Answer, wire: Format, headers: Mapping[str, str]) -> dict[str, str] | None:
    """The headers to try a call again with, where its answer complains of some of them; else None."""
    if answer.status != 400 or not wire.optional.intersection(headers):
        return None
    return wire.refused(headers, body_of(answer).decode("utf-8", "replace"))


def masked(answer: Answer, data: bytes) -> bytes:
    """What an upstream said, without the key that it was sent: some repeat it when they refuse it."""
    for name in CREDENTIALS:
        key = answer.response.request.headers.get(name, "").removeprefix("Bearer ")
        if key:
            data = data.replace(key.encode("latin-1", "replace"), b"***")
    return data


def parsed(data: bytes) -> Any:
    """JSON, or text where it is none."""
    try:
        return sse.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def is_own(form: Format, body: Any, error: ProxyError) -> bool:
    """Whether the body of an error can pass as it is to a client of the format: it has its shape, and its words."""
    return isinstance(body, dict) and isinstance(body.get("error"), dict) and form.own_error(body, error)


def error_of(exchange: Exchange, answer: Answer) -> ProxyError:
    """The error that an answer of another status than 2xx means."""
    if answer.status < 400:
        return ProxyError("upstream", f"the upstream answered with a redirect ({answer.status}), which is not followed")
    error = exchange.wire.read_error(answer.status, parsed(body_of(answer)))
    error.retry_after = error.retry_after or retry_after(answer)
    return error


def retry_after(answer: Answer) -> str | None:
    """The upstream's hint when to try again, in seconds or as a date."""
    if value := answer.headers.get("Retry-After"):
        return str(value)
    milliseconds = answer.headers.get("Retry-After-Ms", "")
    return f"{float(milliseconds) / 1000:g}" if milliseconds.replace(".", "", 1).isdigit() else None
