"""Keys that the server made for itself, the same for all machines on one database."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from convert.store.rows import insert
from convert.store.schema import SECRETS


def get_or_make(connection: Connection, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret of a name; where there is none, `make` gives it. Of two machines that make one, the first wins."""
    known = select(SECRETS.c.value).where(SECRETS.c.name == name)
    found = connection.execute(known).scalar()
    if found is None:
        made = {"name": name, "value": make()}
        connection.execute(insert(connection, SECRETS).on_conflict_do_nothing(), made)
        found = connection.execute(known).scalar_one()
    return bytes(found)
