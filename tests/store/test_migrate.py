from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from convert.store import Database
from convert.store.migrate import upgrade
from convert.store.schema import METADATA

ROOT = Path(__file__).parents[2]


def test_the_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_database_that_is_up_to_date_is_left_alone(database: Database) -> None:
    upgrade(database.engine)
    with database.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"


def test_processes_that_open_an_empty_database_at_once_all_can(database_url: str) -> None:
    program = "import sys; from convert.store import open_database; open_database(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", program, database_url], cwd=ROOT) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
