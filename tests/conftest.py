from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient

from convert import create_app, settings
from convert.settings import load
from tests import databases

Make = Callable[..., FlaskClient]
COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a database of its own, where it makes one at all."""
    monkeypatch.setattr(settings, "DATABASE", f"sqlite:///{tmp_path / 'convert.db'}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server for this run. Where none is installed, tests on it are skipped, loudly."""
    with databases.postgres() as url:
        if url is None:
            pytest.skip("HALF OF THE STORE IS NOT TESTED: PostgreSQL is not installed (apt-get install postgresql)")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'given.db'}"
    else:
        with databases.fresh(request.getfixturevalue("postgres")) as url:
            yield url


@pytest.fixture
def make_app() -> Iterator[Callable[..., Flask]]:
    """Makes an app with the settings of the variables given."""
    made: list[Flask] = []

    def make(**environ: str) -> Flask:
        made.append(create_app(load(None, environ)))
        return made[-1]

    yield make
    for app in made:
        app.extensions["convert"].recorder.stop()


@pytest.fixture
def make(make_app: Callable[..., Flask]) -> Make:
    """Makes a client of an app with the settings of the variables given; by default it talks to the echo upstream."""
    return lambda **environ: make_app(**environ).test_client()


@pytest.fixture
def upstream() -> Any:
    """Upstreams on any host, that answer a chat request with "Hello"; `.calls` are the requests they got."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(responses.POST, re.compile(r"https?://.*/chat/completions"), json=COMPLETION)
        yield mock
