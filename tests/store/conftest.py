from __future__ import annotations

from collections.abc import Iterator

import pytest

from convert.store import Database, open_database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database of each kind in turn."""
    opened = open_database(database_url)
    yield opened
    opened.close()
