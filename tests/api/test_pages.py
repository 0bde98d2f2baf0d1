from __future__ import annotations

import pytest
from flask import Flask

from convert.api import pages
from convert.errors import ProxyError

ENTRIES = [{"id": str(n)} for n in range(5)]


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ("", "43210", False),
        ("order=asc", "01234", False),
        ("order=asc&limit=2", "01", True),
        ("order=asc&after=1&limit=3", "234", False),
        ("after=2", "10", False),
        ("after=0", "", False),
    ],
)
def test_a_page_of_entries_that_are_at_hand(query: str, ids: str, more: bool) -> None:
    with Flask("t").test_request_context(f"/?{query}"):
        body = pages.of(ENTRIES).get_json()
    assert "".join(each["id"] for each in body["data"]) == ids and body["has_more"] is more
    assert (body["first_id"], body["last_id"]) == (ids[:1], ids[-1:])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=1.5", "limit=", f"limit={'9' * 5000}", "limit=%D9%A3", "order=ASC", "after=9"],
)
def test_a_query_that_means_nothing(query: str) -> None:
    with Flask("t").test_request_context(f"/?{query}"), pytest.raises(ProxyError) as caught:
        pages.of(ENTRIES)
    assert caught.value.param == query.partition("=")[0]
