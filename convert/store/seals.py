"""Sealed reasoning state that waits for its tool call to come back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from convert.store.rows import insert, key
from convert.store.schema import SEALS

LIMIT = 256  # characters of a call id; some upstreams' are long


def keep(connection: Connection, tenant: str, values: Mapping[str, bytes]) -> None:
    """Stores a value for each call id, in place of an earlier one."""
    if values:
        rows = [
            {"tenant": tenant, "call": key(call, LIMIT), "created": time.time(), "value": value}
            for call, value in values.items()
        ]
        statement = insert(connection, SEALS)
        changed = {"created": statement.excluded.created, "value": statement.excluded.value}
        connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "call"], set_=changed), rows)


def recall(connection: Connection, tenant: str, calls: Iterable[str]) -> dict[str, bytes]:
    """The values for those of the call ids that have one."""
    wanted = {key(call, LIMIT): call for call in calls}
    statement = select(SEALS.c.call, SEALS.c.value).where(SEALS.c.tenant == tenant, SEALS.c.call.in_([*wanted]))
    return {wanted[row.call]: row.value for row in connection.execute(statement)}
