from __future__ import annotations

from pathlib import Path

from tests.laws.page import markdown

PAGE = Path(__file__).parent.parent.parent / "docs" / "losses.md"


def test_the_page_is_in_step_with_the_accepted_losses() -> None:
    assert PAGE.read_text() == markdown(), "run: python -m tests.laws.page > docs/losses.md"
