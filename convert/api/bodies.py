"""Reads request bodies: size, encoding, JSON and the format's schema, each fault an error with its path."""

from __future__ import annotations

import contextlib
import json
import zlib
from typing import Any

import orjson
from flask import Request
from marshmallow import ValidationError, missing
from werkzeug.wsgi import get_content_length, get_input_stream

from convert.errors import ProxyError, invalid
from convert.formats.contract import Format

DEPTH = 200  # levels of nesting; schemas of tools go some twenty deep
LONG = 128 * 1024  # bytes; of a body, most of which is then text


def read_bytes(request: Request, limit: int) -> bytes:
    """The body, decoded. Raises ProxyError (too_large, invalid_request)."""
    environ = request.environ
    length = get_content_length(environ) or 0
    if length > limit:
        raise _too_large(limit)
    try:
        data = get_input_stream(environ).read(limit + 1)
    except Exception as error:  # each server has its own exceptions for a body that is cut off or wrongly chunked
        raise invalid("", "the request body was cut off, or is not sent as HTTP wants it") from error
    if len(data) > limit:
        raise _too_large(limit)
    if len(data) < length:
        raise invalid("", "the request body was cut off")
    match environ.get("HTTP_CONTENT_ENCODING", "identity").lower().strip():
        case "identity" | "":
            return data
        case "gzip" | "deflate":
            return _inflated(data, limit)
        case other:
            raise invalid("Content-Encoding", f"'{other}' is not supported; send the body plain, gzip or deflate")


def _too_large(limit: int) -> ProxyError:
    return ProxyError("too_large", f"the request body has more than {limit} bytes", code="request_too_large")


def _inflated(data: bytes, limit: int) -> bytes:
    decoder = zlib.decompressobj(wbits=47)  # gzip or zlib, by their first bytes
    try:
        decoded = decoder.decompress(data, limit + 1)
    except zlib.error as error:
        raise invalid("", "the request body is not what its Content-Encoding says") from error
    if len(decoded) > limit:
        raise _too_large(limit)
    if not decoder.eof:
        raise invalid("", "the request body was cut off")
    return decoded


def parse(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises ProxyError (invalid_request)."""
    try:
        body = _loads(data)
    except RecursionError:
        raise invalid("", "the request body is nested too deeply") from None
    except ValueError as error:
        raise invalid("", f"the request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise invalid("", "the request body must be a JSON object")
    if len(data) > 2 * DEPTH and _deeper(body, DEPTH):  # a body so deep is not so short
        raise invalid("", f"the request body is nested more than {DEPTH} levels deep")
    return body


def _loads(data: bytes) -> Any:
    """JSON text to values. Raises ValueError, RecursionError, and ProxyError with the path of text that is none. Long
    texts take simdjson three fifths of the time that orjson needs, and no memory of twelve times their size; small
    objects, as in most bodies, take it longer."""
    if len(data) >= LONG:
        import simdjson  # 4 MB, for those who have long histories

        with contextlib.suppress(ValueError, RuntimeError):  # what it refuses, orjson may take, or says why not
            return simdjson.loads(data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        body = json.loads(data, parse_constant=_no_constant)  # integers of any length, and half an emoji
    if (path := _torn(body, "")) is not None:
        raise invalid(path, "holds half of a surrogate pair, which is no text")
    return body


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _torn(value: Any, path: str) -> str | None:
    """The path of the first text with a lone surrogate; None where there is none."""
    if isinstance(value, str):
        return path if any("\ud800" <= letter <= "\udfff" for letter in value) else None
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
        found = _torn(key, path) if isinstance(key, str) else None
        found = _torn(inner, path + step) if found is None else found
        if found is not None:
            return found
    return None


def _deeper(value: Any, limit: int) -> bool:
    """Whether a JSON value has more levels than `limit`."""
    level = [value]
    containers = (dict, list)
    for _ in range(limit):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) in containers
        ]
        if not level:
            return False
    return True


def check(form: Format, body: dict[str, Any]) -> None:
    """Checks a body against the format's schema. Raises ProxyError with the path of the first fault."""
    for name, field in form.schema.load_fields.items():
        if name not in body and not field.required:  # most of them, and `Schema.load` would take as long for each
            continue
        try:
            field.deserialize(body.get(name, missing), name, body)
        except ValidationError as error:
            path, problem = first_fault({name: error.messages})
            raise invalid(path, problem) from None


def first_fault(messages: Any, path: str = "") -> tuple[str, str]:
    """(path, problem) of the first of marshmallow's messages."""
    if isinstance(messages, dict):
        key, inner = next(iter(messages.items()))
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
        return first_fault(inner, path + step)
    problem = messages[0] if isinstance(messages, list) and messages else messages
    text = str(problem).rstrip(".")
    return path, "is required" if text.startswith("Missing data") else text[:1].lower() + text[1:]
