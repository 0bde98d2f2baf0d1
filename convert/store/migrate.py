"""Brings the tables up to date with Alembic's migrations, under a lock, so that machines can start together.

Alembic is loaded where there is something to bring up to date: it takes as long as a third of the start.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7265617  # any number, the same on each machine
PATIENCE = 30.0


def upgrade(engine: Engine) -> None:
    """Runs the migrations that the database does not have yet. Raises SQLAlchemyError when it cannot be used."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with engine.begin() as connection:  # on SQLite this is the lock
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = {int(PATIENCE * 1000)}"))
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                if current(connection) != head():
                    _migrate(connection)
                return
        except OperationalError as error:
            if "database is locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def head() -> str:
    """The newest revision, which the names of the migrations begin with (v0001_first.py)."""
    return max(path.stem[1:].partition("_")[0] for path in (FOLDER / "versions").glob("v*.py"))


def current(connection: Connection) -> str | None:
    """The revision that a database has."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel("WARNING")
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
