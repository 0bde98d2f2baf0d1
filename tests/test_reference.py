from __future__ import annotations

from pathlib import Path

from convert.reference import markdown
from convert.settings import SERVER, UPSTREAM

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


def test_the_page_is_in_step_with_the_schemas() -> None:
    assert PAGE.read_text() == markdown(), "run: python -m convert.reference > docs/settings.md"


def test_every_setting_has_a_row_with_its_meaning() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]
    assert len(rows) == len(SERVER.fields) + len(UPSTREAM.fields)
    assert all(len(row.rsplit("|", 2)[1].strip()) > 10 for row in rows)
