"""The kinds of values that settings have: what their text means, and what is refused with which words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate

from convert import providers

RESERVED = frozenset({"v1", "v1beta", "responses", "chat", "messages", "models", "health", "convert"})
UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}


class Words(fields.Field[tuple[str, ...]]):
    """A list of words with commas or blanks between them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        words = tuple(dict.fromkeys(word for word in re.split(r"[,\s]+", value) if word))
        if not words:
            raise ValidationError("holds nothing")
        return words


class Size(fields.Field[int]):
    """A number of bytes, with or without kB, MB or GB."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        parsed = re.fullmatch(r"(\d+)\s*([a-z]*)", value.strip().lower())
        if not parsed or parsed[2] not in UNITS or not int(parsed[1]):
            raise ValidationError("must be a number of bytes, such as 64 MB")
        return int(parsed[1]) * UNITS[parsed[2]]


def seconds(default: float, text: str) -> fields.Float:
    """A field for a number of seconds above 0."""
    positive = validate.Range(0, min_inclusive=False, error="must be a number of seconds above 0")
    return fields.Float(
        load_default=default,
        validate=positive,
        error_messages={"invalid": "must be a number of seconds", "special": "must be a number of seconds"},
        metadata={"help": text},
    )


def switch(text: str, default: bool = False) -> fields.Boolean:
    """A field that is on or off."""
    return fields.Boolean(load_default=default, error_messages={"invalid": "must be 1 or 0"}, metadata={"help": text})


def sendable(value: str | tuple[str, ...]) -> None:
    """Refuses keys that cannot travel in headers, which hold printable ASCII."""
    if not all(re.fullmatch(r"[\x21-\x7e]+", key) for key in ([value] if isinstance(value, str) else value)):
        raise ValidationError("holds a character that cannot be sent in a header")


class Level(fields.String):
    """The name of a log level, in any case."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return value.upper()


def database(value: str) -> None:
    """Refuses what is no URL of a database that is known here."""
    if not re.match(r"(sqlite(\+\w+)?:///(?!:memory:).|(postgres|postgresql)(\+\w+)?://)", value):
        raise ValidationError("must begin with sqlite:///, and name a file, or with postgresql://")


def url(value: str) -> None:
    """Refuses what is no URL of an upstream, or has a secret in it."""
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https", "echo") and parts.hostname and (parts.port or 1)
    except ValueError:
        known = None
    if not known:
        raise ValidationError("must be a URL, such as https://api.example.com/v1")
    if parts.username is not None or parts.password is not None:
        raise ValidationError("must not hold a user name or password; set the api_key instead")


def provider(value: str) -> None:
    """Refuses the name of a provider that has no file."""
    try:
        providers.named(value)
    except KeyError:
        raise ValidationError(f"must be one of {', '.join(sorted(providers.load()))}") from None


def prefix(value: str) -> None:
    """Refuses a path that cannot stand before the endpoints."""
    for segment in value.strip("/").split("/"):
        if not re.fullmatch(r"[A-Za-z0-9._~-]*[A-Za-z0-9][A-Za-z0-9._~-]*", segment):
            raise ValidationError("must be a path of letters, digits and . _ ~ -")
        if segment in RESERVED:
            raise ValidationError(f"must not contain '{segment}', which the endpoints begin with")
