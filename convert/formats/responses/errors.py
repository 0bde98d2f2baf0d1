"""Errors of the Responses API: HTTP bodies, the `error` of a failed response, and the in-stream events.

Source: OpenAI guides, "Error codes"; OpenAPI schemas ErrorResponse, ResponseError, ResponseErrorEvent. Which code
makes Codex retry, wait or give up was observed on Codex 0.169.
"""

from __future__ import annotations

import re
from typing import Any

from convert.errors import Kind, ProxyError
from convert.formats.openai_errors import STATUSES, is_own, read_error, write_error

__all__ = ["STATUSES", "is_own", "read_error", "read_failure", "write_error", "write_failure"]

Json = dict[str, Any]
# `server_error` and `rate_limit_exceeded` are retried by clients, the others end the turn
CODES: dict[Kind, str] = {
    "rate_limited": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "context_length": "context_length_exceeded",
    "invalid_request": "invalid_prompt",
    "unsupported": "invalid_prompt",
    "too_large": "invalid_prompt",
    "not_found": "invalid_prompt",
    "authentication": "invalid_prompt",
    "permission": "invalid_prompt",
}


def read_failure(body: Json) -> ProxyError:
    """The error of a response whose status is failed or cancelled, or that has no output."""
    error = body.get("error")
    if not error:
        return ProxyError("upstream", f"the upstream's response ended as {body.get('status', 'failed')}")
    return read_error(502, {"error": error})


def write_failure(error: ProxyError) -> Json:
    """The `error` member of a failed response: `code` and `message`."""
    message = error.message
    if error.kind == "rate_limited" and error.retry_after and not re.search(r"try again in", message, re.I):
        message = f"{message.rstrip('.')}. Please try again in {error.retry_after}s."
    if error.kind == "context_length":
        return {"code": "context_length_exceeded", "message": message}
    return {"code": CODES.get(error.kind, "server_error"), "message": message}
