"""Rows for tests."""

from __future__ import annotations

import time
from typing import Any

from convert.store import Database, responses
from convert.store.responses import Row


def row(identity: str = "r1", **further: Any) -> Row:
    """A completed response of the tenant `t`, unless something else is said."""
    fields = {"tenant": "t", "id": identity, "thread": identity, "created": time.time(), "status": "completed",
              "input": b'["in"]', "output": b'["out"]'}  # fmt: skip
    return Row(**{**fields, **further})


def begin(database: Database, *rows: Row) -> None:
    """Writes rows."""
    for each in rows:
        database.run(lambda connection, each=each: responses.begin(connection, each))  # type: ignore[misc]


def get(database: Database, identity: str = "r1", tenant: str = "t", since: float = 0) -> Row | None:
    """A row, or None."""
    return database.run(lambda connection: responses.get(connection, tenant, identity, since))
