from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from convert import settings
from convert.errors import ProxyError
from convert.settings import load
from convert.state import ids
from convert.state.memory import DAY, Memory, tenant
from convert.store.database import Database

DOWN = "postgresql://nobody@127.0.0.1:1/none"
START = """
import sys
from convert import create_app
from convert.settings import load
app = create_app(load(None, {}))
client = app.test_client()
body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
assert client.post("/v1/chat/completions", json=body).status_code == 200
body = {"model": "m", "input": "Hi", "store": False}
assert client.post("/v1/responses", json=body).status_code == 200
print(sorted(name for name in ("sqlalchemy", "alembic", "psycopg", "huey", "cryptography") if name in sys.modules))
assert client.post("/v1/responses", json={**body, "store": True}).status_code == 200
print("sqlalchemy" in sys.modules)
"""


def memory(**environ: str) -> Memory:
    return Memory(load(None, environ))


def test_a_server_without_state_does_without_sqlalchemy(tmp_path: Path) -> None:
    script = f"from convert import settings\nsettings.DATABASE = 'sqlite:///{tmp_path / 'x.db'}'\n{START}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["[]", "True"], done.stderr


def test_the_database_is_opened_once(database_url: str) -> None:
    made = memory(DATABASE_URL=database_url)
    assert made.ready() and made.database is made.database
    assert made.run(lambda connection: connection.execute(text("SELECT 1")).scalar()) == 1
    made.database.close()


def test_switched_off_nothing_is_opened(tmp_path: Path) -> None:
    made = memory(CONVERT_STORE="0", DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}")
    assert not made.enabled and not made.ready() and not made.usable()
    assert not (tmp_path / "x.db").exists()


def test_the_horizon_is_so_many_days_back() -> None:
    assert memory(CONVERT_RETENTION="0.5").since == pytest.approx(time.time() - DAY / 2, abs=5)


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the default file cannot be made."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(settings, "DATABASE", f"sqlite:///{tmp_path / 'file' / 'convert.db'}")


def test_without_a_place_for_the_default_file_there_is_no_state(homeless: None, caplog: Any) -> None:
    made = memory()
    assert made.enabled
    with caplog.at_level(logging.WARNING):
        assert [made.ready(), made.ready(), made.usable()] == [False, False, False]
    assert not made.enabled
    assert caplog.text.count("nothing is stored") == 1


def test_a_database_that_was_asked_for_must_be_there() -> None:
    made = memory(DATABASE_URL=DOWN)
    for _ in range(2):
        with pytest.raises(ProxyError) as caught:
            made.ready()
        assert (caught.value.status, caught.value.retry_after) == (503, "5")
    assert made.enabled and not made.usable()


def test_a_database_that_comes_back_is_used(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setattr("convert.state.memory.PAUSE", 0.05)
    made = memory(DATABASE_URL=DOWN)
    assert not made.usable()
    monkeypatch.setattr(type(made.settings), "database", property(lambda _: database_url))
    time.sleep(0.1)
    assert made.usable()
    made.database.close()


def test_a_silent_server_does_not_hold_up_one_request_after_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = memory(DATABASE_URL=f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d")
        assert not made.usable()
        begun = time.monotonic()
        assert [made.usable() for _ in range(5)] == [False] * 5
        assert time.monotonic() - begun < 1


def test_whether_there_may_be_something_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert not memory(DATABASE_URL=url).exists()
    assert memory(DATABASE_URL=url).ready()
    assert memory(DATABASE_URL=url).exists() and memory(DATABASE_URL=DOWN).exists()
    assert not memory(DATABASE_URL=url, CONVERT_STORE="0").exists()


def test_tenants() -> None:
    own = load(None, {"CONVERT_KEYS": "a,b"})
    assert tenant(own, ["x", "b"]) == ids.tenant_of("b")  # the server's key, whatever else is presented
    assert tenant(own, ["x"]) == tenant(own, []) == ids.tenant_of("")
    open_to_all = load(None, {})
    assert tenant(open_to_all, ["x", "b"]) == ids.tenant_of("x")
    assert tenant(open_to_all, []) == ids.tenant_of("")


def test_each_memory_is_a_process_of_its_own() -> None:
    assert memory().process != memory().process


def test_a_failing_database_is_not_opened_anew_for_each_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from convert import store
    from convert.store.database import unavailable

    tries: list[str] = []

    def refuse(url: str) -> Database:
        tries.append(url)
        raise unavailable()

    monkeypatch.setattr(store, "open_database", refuse)
    made = memory(DATABASE_URL=DOWN)
    assert [made.usable() for _ in range(20)] == [False] * 20
    assert len(tries) == 1
