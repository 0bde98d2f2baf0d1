"""Opaque model state on its way through a client of another format, and back to its issuer.

A signature, an encrypted or a redacted thought means something to its issuer only. A client of another format is
given it in that format's own slot for such state, tagged with the issuer's format; when it comes back it is untagged.
State that is not tagged belongs to the format whose slot it was found in.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from convert.hub import Sealed

PREFIX = "convert:"  # of the decoded text; the tag as a whole is base64, which is legal in every slot


def tag(sealed: Sealed) -> str:
    """State of any format as one line of base64."""
    text = f"{PREFIX}{sealed.format}:{json.dumps(sealed.value, separators=(',', ':'), sort_keys=True)}"
    return base64.b64encode(text.encode()).decode()


def untag(value: Any) -> Sealed | None:
    """The state that a tag holds; None for what is no tag."""
    if not isinstance(value, str):
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
        marker, name, held = text.split(":", 2)
        return Sealed(name, json.loads(held)) if f"{marker}:" == PREFIX else None
    except (binascii.Error, ValueError):
        return None


def found(value: Any, slot: str) -> Sealed:
    """What stands in a format's own slot: tagged state of another format, or the format's own."""
    return untag(value) or Sealed(slot, value)


def is_foreign(value: Any, slot: str) -> bool:
    """Whether what stands in a format's own slot is another format's state, that its API would refuse."""
    state = untag(value)
    return state is not None and state.format != slot


def shown(sealed: Sealed, slot: str) -> Any:
    """What a client of the format `slot` is given: its own state as it is, another's with a tag."""
    return sealed.value if sealed.format == slot else tag(sealed)
