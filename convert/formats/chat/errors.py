"""Errors of Chat Completions: HTTP bodies, and the chunk that ends a stream that broke off."""

from __future__ import annotations

from typing import Any

from convert import sse
from convert.errors import ProxyError
from convert.formats.openai_errors import STATUSES, is_own, read_error, write_error

__all__ = ["STATUSES", "is_own", "read_chunk_error", "read_error", "write_chunk_error", "write_error"]


def read_chunk_error(error: Any) -> ProxyError:
    """The `error` member of a chunk. Its numeric `code`, where there is one, is an HTTP status (OpenRouter)."""
    code = error.get("code") if isinstance(error, dict) else None
    digits = str(code) if code is not None else ""
    status = int(digits) if digits.isdigit() and 400 <= int(digits) < 600 else 502
    return read_error(status, {"error": error})


def write_chunk_error(error: ProxyError) -> bytes:
    """The frames that end a stream with an error: clients raise on the first and never wait for more."""
    return sse.event(write_error(error)) + b"data: [DONE]\n\n"
