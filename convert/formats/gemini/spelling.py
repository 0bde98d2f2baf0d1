"""The two spellings of a field, `fileData` and `file_data`: this API takes both, and clients send both.

Source: Protocol Buffers documentation, "ProtoJSON format": parsers accept the lowerCamelCase name and the original one.
"""

from __future__ import annotations

import re
from typing import Any

from convert.errors import invalid

Json = dict[str, Any]
_WORD = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def camel(name: str) -> str:
    """The spelling of the documentation."""
    return _WORD.sub(lambda found: found[1].upper(), name)


def canonical(body: Any, path: str) -> tuple[Json, Json]:
    """(a copy of an object with its keys in the spelling of the documentation, the keys that were spelled otherwise:
    documented -> given). Raises ProxyError (invalid_request) for what is no object. Of a field that is given in both
    spellings, the second stays as it is."""
    if not isinstance(body, dict):
        raise invalid(path, "must be an object")
    copy: Json = {}
    given: Json = {}
    for key, value in body.items():
        name = camel(key)
        if name != key and name not in body and name not in given:
            given[name] = key
            copy[name] = value
        else:
            copy[key] = value
    return copy, given


def respelled(body: Json, given: Json) -> Json:
    """An object with its keys as they were given."""
    return {given.get(key, key): value for key, value in body.items()} if given else body
