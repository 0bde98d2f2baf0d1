"""Data URLs (RFC 2397), in which the OpenAI formats carry images and files by value."""

from __future__ import annotations

import mimetypes
import re

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.ASCII)


def split_data_url(url: str) -> tuple[str, str] | None:
    """(media type, base64 text) of a plain base64 data URL; None for any other URL."""
    if found := _DATA_URL.match(url):
        return found[1], url[found.end() :]
    return None


def data_url(mime: str | None, data: str) -> str:
    """The data URL of base64 text; without a known media type, that of bare bytes."""
    return f"data:{mime or 'application/octet-stream'};base64,{data}"


def guess_mime(name: str | None) -> str | None:
    """The media type that a file's name suggests."""
    return mimetypes.guess_type(name)[0] if name else None
