from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError

from convert.errors import ProxyError
from convert.store import migrate, open_database
from convert.store.schema import METADATA

OPEN = """
import sys, time
from convert.store import open_database, responses
while time.time() < float(sys.argv[2]):
    time.sleep(0.001)
database = open_database(sys.argv[1])
row = responses.Row(tenant="t", id=sys.argv[3], thread="r", created=1.0, status="completed", input=b"[]")
database.run(lambda connection: responses.begin(connection, row))
"""


UP_TO_DATE = """
import sys
from convert.store import open_database
open_database(sys.argv[1])
print([name for name in sys.modules if name.startswith("alembic")])
"""


def differences(engine: Engine) -> list[Any]:
    """What the tables have that the schema does not, and the other way round."""
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)


def test_the_migrations_make_exactly_the_schema(database_url: str) -> None:
    database = open_database(database_url)
    assert differences(database.engine) == []
    assert {*inspect(database.engine).get_table_names()} == {*METADATA.tables, "alembic_version"}
    database.close()


def test_a_difference_would_be_seen(database_url: str) -> None:
    database = open_database(database_url)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE secrets ADD COLUMN further INTEGER"))
        connection.execute(text("DROP INDEX seals_created"))
    assert {kind for kind, *_ in differences(database.engine)} == {"remove_column", "add_index"}
    database.close()


def test_a_second_start_changes_nothing(database_url: str) -> None:
    for number in range(2):
        database = open_database(database_url)
        with database.engine.begin() as connection:
            connection.execute(text("INSERT INTO processes (id, alive) VALUES (:id, 1.0)"), {"id": f"p{number}"})
        database.close()
    database = open_database(database_url)
    with database.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM processes")).scalar() == 2
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
    database.close()


def test_processes_that_start_together_all_succeed(database_url: str) -> None:
    start = str(time.time() + 2.0)
    names = ["one", "two", "three"]
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN, database_url, start, name], stderr=subprocess.PIPE, text=True)
        for name in names
    ]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert [code for _, code in ends] == [0, 0, 0], ends
    database = open_database(database_url)
    with database.engine.begin() as connection:
        assert {*connection.execute(text("SELECT id FROM responses")).scalars()} == {*names}
    database.close()


def test_a_migration_that_fails_leaves_nothing_half_made(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("CREATE INDEX", {}, Exception("the disk is full"))

    monkeypatch.setattr(op, "create_index", refuse)
    with pytest.raises(ProxyError):
        open_database(database_url)
    monkeypatch.undo()
    database = open_database(database_url)
    assert differences(database.engine) == []
    database.close()


def test_the_names_of_the_migrations_tell_the_newest(database_url: str) -> None:
    assert migrate.head() == ScriptDirectory(str(migrate.FOLDER)).get_current_head()
    database = open_database(database_url)
    with database.engine.connect() as connection:
        assert migrate.current(connection) == MigrationContext.configure(connection).get_current_revision() == "0001"
    database.close()


def test_alembic_is_not_loaded_for_tables_that_are_up_to_date(database_url: str) -> None:
    open_database(database_url).close()
    command = [sys.executable, "-c", UP_TO_DATE, database_url]
    assert subprocess.run(command, capture_output=True, text=True, timeout=30).stdout == "[]\n"
