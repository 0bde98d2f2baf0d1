from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.background.waiting import NONE, MakeWaiting, Waiting


@pytest.fixture
def make_waiting(make_app: Callable[..., Flask]) -> MakeWaiting:
    """Makes an app that accepts background responses, and makes none by itself."""
    return lambda **environ: Waiting(make_app(**{**NONE, **environ}))


@pytest.fixture
def waiting(make_waiting: MakeWaiting, database_url: str) -> Waiting:
    """Such an app on each kind of database; the echo upstream answers."""
    return make_waiting(DATABASE_URL=database_url)
