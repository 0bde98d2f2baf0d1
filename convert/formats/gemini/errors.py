"""Errors in Google's shape, and the chunk that ends a stream with one.

Source: Google API design guide, "Errors" (google.rpc.Status and its details); Gemini API, "Troubleshooting". Which
wordings mean what was observed in recorded traffic.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from convert import sse
from convert.errors import Kind, ProxyError, kind_of
from convert.formats import openai_errors
from convert.overflow import overflow

Json = dict[str, Any]
STATUSES: dict[str, int] = {"quota": 429}  # other servers say 402
OVERFLOW = "The input token count ({}) exceeds the maximum number of tokens allowed ({})."
TYPE = "type.googleapis.com/google.rpc."
_WORDS: dict[str, Kind] = {
    "INVALID_ARGUMENT": "invalid_request",
    "FAILED_PRECONDITION": "invalid_request",
    "OUT_OF_RANGE": "invalid_request",
    "ALREADY_EXISTS": "invalid_request",
    "UNIMPLEMENTED": "unsupported",
    "UNAUTHENTICATED": "authentication",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limited",
    "UNAVAILABLE": "overloaded",
    "ABORTED": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
    "CANCELLED": "upstream",
    "INTERNAL": "upstream",
    "UNKNOWN": "upstream",
    "DATA_LOSS": "upstream",
}
_STATUS: dict[Kind, str] = {
    "invalid_request": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "permission": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "too_large": "INVALID_ARGUMENT",
    "context_length": "INVALID_ARGUMENT",
    "unsupported": "INVALID_ARGUMENT",
    "rate_limited": "RESOURCE_EXHAUSTED",
    "quota": "RESOURCE_EXHAUSTED",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
    "upstream": "INTERNAL",
    "internal": "INTERNAL",
}
# Reasons that tell the kind better than the status; the proxy's own among them.
_REASONS: dict[str, Kind] = {
    "API_KEY_INVALID": "authentication",
    "API_KEY_EXPIRED": "authentication",
    "ACCESS_TOKEN_EXPIRED": "authentication",
    "CONTEXT_LENGTH_EXCEEDED": "context_length",
    "INSUFFICIENT_QUOTA": "quota",
    "REQUEST_TOO_LARGE": "too_large",
    "UNSUPPORTED": "unsupported",
}
_CODES: dict[Kind, str] = {
    "context_length": "CONTEXT_LENGTH_EXCEEDED",
    "quota": "INSUFFICIENT_QUOTA",
    "too_large": "REQUEST_TOO_LARGE",
    "unsupported": "UNSUPPORTED",
}
_CONTEXT = re.compile(r"input token count.{0,40}exceeds|maximum number of tokens allowed", re.I)
_KEY = re.compile(r"API key (?:not valid|expired|not found)", re.I)


def read_error(status: int, body: Any) -> ProxyError:
    """The error of an upstream's answer: `status` its HTTP status, `body` parsed JSON (a stream that is no SSE has a
    list around it), or text where it was none."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or not is_googles(error):
        return openai_errors.read_error(status, body)
    details = [each for each in error.get("details") or [] if isinstance(each, dict)] if _listed(error) else []
    reasons = [str(each["reason"]) for each in details if each.get("reason")]
    word = error.get("status")
    kind = _kind(status, word if isinstance(word, str) else "", error["message"], reasons, details)
    own = status if 400 <= status < 600 and kind_of(status) == kind and status != 529 else None
    return ProxyError(
        kind, error["message"] or f"the upstream answered with status {status} and no explanation", status=own,
        code=reasons[0].lower() if reasons and reasons[0] in _CODES.values() else None,
        param=_param(details), retry_after=_retry(details),
    )  # fmt: skip


def is_googles(error: Json) -> bool:
    """Whether an error has Google's members: a number as its code, or one of the words that are its status."""
    code = error.get("code")
    return (isinstance(code, int) and not isinstance(code, bool)) or error.get("status") in _WORDS


def _listed(error: Json) -> bool:
    return isinstance(error.get("details"), list)


def _kind(status: int, word: str, message: str, reasons: list[str], details: list[Json]) -> Kind:
    """What kind of error it is; the words decide where the status is too coarse."""
    for reason in reasons:
        if reason in _REASONS:
            return _REASONS[reason]
    if _KEY.search(message):
        return "authentication"
    if _CONTEXT.search(message):
        return "context_length"
    kind = _WORDS.get(word) or kind_of(status)
    if kind == "rate_limited" and _used_up(details):
        return "quota"
    return kind


def _used_up(details: list[Json]) -> bool:
    """Whether a quota is gone for the day: to wait for some seconds would not help."""
    violations = [each for detail in details if isinstance(found := detail.get("violations"), list) for each in found]
    return any("PerDay" in str(each.get("quotaId")) for each in violations if isinstance(each, dict))


def _param(details: list[Json]) -> str | None:
    for detail in details:
        fields = detail.get("fieldViolations")
        if isinstance(fields, list) and fields and isinstance(fields[0], dict):
            field = fields[0].get("field")
            return field if isinstance(field, str) and field else None
    return None


def _retry(details: list[Json]) -> str | None:
    """Seconds to wait, of google.rpc.RetryInfo ("48s", "48.9s"), rounded up."""
    for detail in details:
        delay = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)s", str(detail.get("retryDelay")))
        if delay:
            return str(math.ceil(float(delay[1])))
    return None


def read_chunk_error(error: Any) -> ProxyError:
    """The error inside of a stream, or of an answer with status 200."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else 502
    return read_error(status, {"error": error})


def is_own(body: Json, error: ProxyError) -> bool:
    """Whether a body says what it means as clients expect it: they know an overflow of the context by its words."""
    return is_googles(body["error"]) and (error.kind != "context_length" or bool(_CONTEXT.search(error.message)))


def too_long(message: str) -> str:
    """A context overflow in Google's words, with the numbers of the upstream's where it has them."""
    if _CONTEXT.search(message):
        return message
    if (numbers := overflow(message)) is not None:
        return OVERFLOW.format(*numbers)
    return f"The input token count exceeds the maximum number of tokens allowed: {message}"


def write_error(error: ProxyError) -> Json:
    """The body of an error answer."""
    message = too_long(error.message) if error.kind == "context_length" else error.message
    details: list[Json] = []
    own = _CODES.get(error.kind, "")
    reason = (own if error.kind in ("context_length", "quota") else error.code or own).upper()
    if reason or error.details:
        metadata = {key: each if isinstance(each, str) else json.dumps(each) for key, each in error.details.items()}
        info = {"@type": f"{TYPE}ErrorInfo", "reason": reason or _STATUS[error.kind], "domain": "convert"}
        details.append({**info, **({"metadata": metadata} if metadata else {})})
    if error.param is not None:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": f"{TYPE}BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None and error.retry_after.isdecimal():
        details.append({"@type": f"{TYPE}RetryInfo", "retryDelay": f"{error.retry_after}s"})
    body: Json = {"code": STATUSES.get(error.kind, error.status), "message": message, "status": _STATUS[error.kind]}
    return {"error": {**body, **({"details": details} if details else {})}}


def write_chunk_error(error: ProxyError) -> bytes:
    """The chunk that ends a stream with an error."""
    return sse.event(write_error(error))
