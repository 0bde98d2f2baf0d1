"""Images and files -> blocks with a source. Source: Anthropic guides, "Vision", "PDF support", "Files API"."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.losses import Report

Json = dict[str, Any]
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF = "application/pdf"
_TEXTS = ("application/json", "application/xml", "application/javascript", "application/x-yaml")
_OPENINGS = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}


def write_media(part: hub.Media, home: bool, report: Report) -> Json:
    """The block of an image or a document. Raises ProxyError (unsupported) for what the wire has no place for."""
    extra = part.extra if home else {}
    if not home:
        report.extras(part.path, part.extra)
    outer = {key: value for key, value in extra.items() if "." not in key}
    inner = {key.removeprefix("source."): value for key, value in extra.items() if "." in key}
    body = _at_home(part) if home else _foreign(part, report)
    body["source"] |= inner
    if part.cache is not None:
        body["cache_control"] = part.cache
    return body | outer


def _at_home(part: hub.Media) -> Json:
    """A block as it was read."""
    body: Json = {"type": "image" if part.kind == "image" else "document"}
    if part.data is not None:
        body["source"] = {"type": "base64", "data": part.data}
        if part.mime is not None:
            body["source"]["media_type"] = part.mime
    elif part.url is not None:
        body["source"] = {"type": "url", "url": part.url}
    else:
        body["source"] = {"type": "file", "file_id": part.file_id}
    if part.name is not None:
        body["title"] = part.name
    return body


def _foreign(part: hub.Media, report: Report) -> Json:
    """The nearest block for a part of another format."""
    if part.detail not in (None, "auto"):
        report.dropped(f"{part.path}.detail")
    mime = part.mime or _guess(part)
    if part.kind == "image" or (part.kind == "file" and mime in IMAGES):
        if part.name is not None:
            report.dropped(f"{part.path}.filename", "an image has no name here")
        return {"type": "image", "source": _image(part, mime)}
    if part.kind != "file":
        raise _unsupported(part, f"{part.kind} input")
    body: Json = {"type": "document", "source": _document(part, mime, report)}
    if part.name is not None:
        body["title"] = part.name
    return body


def _guess(part: hub.Media) -> str | None:
    """The media type that the first bytes show; PDF for a file."""
    data = part.data or ""
    for opening, mime in _OPENINGS.items():
        if data.startswith(opening):
            return mime
    return "image/png" if part.kind == "image" else _PDF


def _image(part: hub.Media, mime: str | None) -> Json:
    if part.data is not None:
        mime = "image/jpeg" if mime == "image/jpg" else mime
        if mime not in IMAGES:
            raise _unsupported(part, f"images of type {mime}")
        return {"type": "base64", "media_type": mime, "data": part.data}
    return _by_reference(part)


def _document(part: hub.Media, mime: str | None, report: Report) -> Json:
    if part.data is None:
        return _by_reference(part)
    if mime == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": part.data}
    if mime is not None and (mime.startswith("text/") or mime in _TEXTS):
        try:
            text = base64.b64decode(part.data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _unsupported(part, "text files that are not UTF-8") from None
        report.approximated(part.path, "the file is given as plain text")
        return {"type": "text", "media_type": "text/plain", "data": text}
    raise _unsupported(part, f"files of type {mime}")


def _by_reference(part: hub.Media) -> Json:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    raise _unsupported(part, "uploads of another provider")


def _unsupported(part: hub.Media, what: str) -> ProxyError:
    return ProxyError("unsupported", f"{part.path}: this upstream takes no {what}", param=part.path)
