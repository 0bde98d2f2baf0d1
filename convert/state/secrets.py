"""What is given out sealed, and comes back: encrypted and authenticated, so that nobody reads it or makes it up.

The key comes from the setting CONVERT_SECRET; where that is not set, one is made and kept in the database.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from convert.errors import ProxyError
from convert.state.memory import Memory

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

NAME = "seal"
PREFIX = "convert1:"  # so that state of another server's is told from our own


def seal(memory: Memory, data: bytes) -> str:
    """Data as a sealed text. Raises ProxyError (overloaded) when there is no database for the key."""
    return PREFIX + _box(memory).encrypt(data).decode()


def is_sealed(text: object) -> bool:
    """Whether a value claims to have been sealed by this proxy."""
    return isinstance(text, str) and text.startswith(PREFIX)


def open_sealed(memory: Memory, text: str) -> bytes:
    """What a text holds that was sealed here. Raises ProxyError (invalid_request) for any other text."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(memory).decrypt(text.removeprefix(PREFIX).encode("ascii", "replace"))
    except InvalidToken:
        raise ProxyError("invalid_request", "This was not sealed by this server, or it was changed.") from None


def _box(memory: Memory) -> Fernet:
    from cryptography.fernet import Fernet

    if memory.key is None:
        memory.key = _derived(memory.settings.secret) if memory.settings.secret else _stored(memory)
    return Fernet(memory.key)


def _derived(secret: str) -> bytes:
    """A key of the right form from a secret of any form."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"convert seal\0" + secret.encode()).digest())


def _stored(memory: Memory) -> bytes:
    from cryptography.fernet import Fernet

    from convert.store import secrets

    return memory.run(lambda connection: secrets.get_or_make(connection, NAME, Fernet.generate_key))
