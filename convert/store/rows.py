"""Small statements that SQLite and PostgreSQL spell alike, but SQLAlchemy does not; and what both take as a key."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def key(word: str, limit: int = 128) -> str:
    """A client's or an upstream's word for the look-up in a column of `limit` characters: as it is, or where that is
    too long or has a NUL, which PostgreSQL refuses, a hash of it."""
    if len(word) <= limit and "\0" not in word:
        return word
    return f"sha256-{hashlib.sha256(word.encode('utf-8', 'surrogatepass')).hexdigest()}"
