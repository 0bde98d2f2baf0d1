"""Errors of the Messages API: HTTP bodies and the in-stream event.

Source: Anthropic API reference, "Errors". That Claude Code compacts or gives up at "prompt is too long: N tokens > M
maximum", and reads the numbers, was observed on 2.1.330.
"""

from __future__ import annotations

import re
from typing import Any

from convert import sse
from convert.errors import Kind, ProxyError
from convert.formats import openai_errors
from convert.overflow import overflow

Json = dict[str, Any]
TYPES: dict[Kind, str] = {
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limited": "rate_limit_error",
    "quota": "billing_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "upstream": "api_error",
    "internal": "api_error",
}
STATUS: dict[str, int] = {"overloaded": 529, "quota": 402}
_KINDS: dict[str, Kind] = {
    "billing_error": "quota",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "request_too_large": "too_large",
    "api_error": "upstream",
}
_OWN_WORDS = re.compile(r"prompt is too long: \d+ tokens > \d+ maximum|exceed context limit: \d+ \+ \d+ > \d+")


def read_error(status: int, body: Any) -> ProxyError:
    """The error of an upstream's answer: `status` its HTTP status (502 for an error inside of a stream), `body`
    parsed JSON, or text where it was none."""
    error = openai_errors.read_error(status, body)
    inner = body.get("error") if isinstance(body, dict) else None
    known = _KINDS.get(str(inner.get("type"))) if isinstance(inner, dict) else None
    if known and error.kind != "context_length" and known != error.kind:
        error = ProxyError(known, error.message, code=error.code, param=error.param)
    if isinstance(inner, dict) and isinstance(inner.get("details"), dict):
        error.details = {"details": inner["details"]}
    return error


def is_own(body: Json, error: ProxyError) -> bool:
    """Whether a body says what it means as clients expect it: they know an overflow of the context by its words."""
    known = body.get("type") == "error" and isinstance(body["error"].get("type"), str)
    return known and (error.kind != "context_length" or bool(_OWN_WORDS.search(error.message)))


def write_error(error: ProxyError) -> Json:
    """The body of an error answer, and of the event that ends a stream."""
    message = too_long(error.message) if error.kind == "context_length" else error.message
    kind = TYPES.get(error.kind, "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message, **error.details}}


def write_stream_error(error: ProxyError) -> bytes:
    """The frame that ends a stream with an error."""
    return sse.event(write_error(error), "error")


def too_long(message: str) -> str:
    """A context overflow in the words that clients look for, with the numbers of the upstream's where it has them."""
    if _OWN_WORDS.search(message):
        return message
    if (numbers := overflow(message)) is not None:
        return f"prompt is too long: {numbers[0]} tokens > {numbers[1]} maximum"
    return f"prompt is too long: {message}"
