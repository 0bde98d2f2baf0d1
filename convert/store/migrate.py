"""Brings the tables up to date with Alembic's migrations, under a lock, so that machines can start together."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7265617  # any number, the same on each machine
PATIENCE = 30.0


def upgrade(engine: Engine) -> None:
    """Runs the migrations that the database does not have yet. Raises SQLAlchemyError when it cannot be used."""
    logging.getLogger("alembic").setLevel("WARNING")
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    head = ScriptDirectory.from_config(config).get_current_head()
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with engine.begin() as connection:  # on SQLite this is the lock
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = {int(PATIENCE * 1000)}"))
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                if MigrationContext.configure(connection).get_current_revision() != head:
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
                return
        except OperationalError as error:
            if "database is locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
