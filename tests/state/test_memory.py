from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from convert.errors import ProxyError
from convert.settings import load
from convert.state.memory import Memory, tenant

ROOT = Path(__file__).parents[2]


def test_nothing_is_opened_before_it_is_needed() -> None:
    program = (
        "import sys; from convert import create_app; from convert.settings import load; create_app(load(None, {})); "
        "print(sorted({'sqlalchemy', 'alembic', 'huey', 'psycopg', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_that_cannot_be_made_means_no_state_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("convert.settings.DATABASE", "sqlite:////proc/none/x.db")
    memory = Memory(load(None, {}))
    with caplog.at_level(logging.WARNING):
        assert [memory.ready(), memory.ready(), memory.enabled] == [False, False, False]
    assert len([each for each in caplog.records if "nothing is stored" in each.message]) == 1


def test_a_database_that_was_asked_for_must_be_there() -> None:
    memory = Memory(load(None, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}))
    with pytest.raises(ProxyError) as caught:
        memory.ready()
    assert (caught.value.status, caught.value.retry_after, memory.usable()) == (503, "5", False)


def test_a_store_that_is_switched_off() -> None:
    memory = Memory(load(None, {"CONVERT_STORE": "0"}))
    assert not memory.ready() and not memory.exists()


def test_whether_there_may_be_something_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert not Memory(load(None, {"DATABASE_URL": url})).exists()
    assert Memory(load(None, {"DATABASE_URL": url})).ready()
    assert Memory(load(None, {"DATABASE_URL": url})).exists()


def test_a_tenant_is_the_key_that_counts() -> None:
    own = load(None, {"CONVERT_KEYS": "one,two"})
    assert tenant(own, ["x", "one"]) == tenant(own, ["one"]) != tenant(own, ["two"])
    passed = load(None, {})
    assert tenant(passed, ["x"]) != tenant(passed, ["y"]) != tenant(passed, [])
