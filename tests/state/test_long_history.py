from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.turns import LENGTHS, Talk, measured, ratio


@pytest.fixture
def talk(database_url: str) -> Iterator[Talk]:
    made = Talk(database_url)
    yield made
    made.close()


def test_one_more_turn_costs_no_more_than_its_history_is_long(talk: Talk) -> None:
    found = {turns: measured(talk, turns) for turns in LENGTHS}
    assert len({(each.statements, each.streamed) for each in found.values()}) == 1, found
    assert found[300].statements <= 6, found
    middle, long = found[100].works, found[300].works
    for kind in ("chain", "conversation", "read"):
        assert ratio(long[kind], middle[kind]) < 1.5 * 3, kind
    assert ratio(long["chain"], long["stateless"]) < 3
