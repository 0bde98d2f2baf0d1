from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Make

UP = "https://r.test/v1/responses/resp_1"
RESPONSES = {"UPSTREAM_URL": "https://r.test/v1", "UPSTREAM_FORMAT": "responses", "UPSTREAM_API_KEY": "sk-up"}


def test_a_stream_passes_as_it_is_and_ends_with_an_error_where_it_breaks_off(make: Make, upstream: Any) -> None:
    data = b'event: response.created\ndata: {"type":"response.created"}\n\n'
    upstream.get(UP, body=data, content_type="text/event-stream")
    answer = make(**RESPONSES).get("/v1/responses/resp_1?stream=true&starting_after=3")
    assert answer.data.startswith(data) and answer.mimetype == "text/event-stream"
    assert upstream.calls[0].request.url.endswith("?stream=true&starting_after=3")


def test_an_upstream_of_another_api_is_not_asked(make: Make, upstream: Any) -> None:
    assert make(UPSTREAM_URL="https://c.test").get("/v1/responses/resp_1").status_code == 404
    assert len(upstream.calls) == 0


@pytest.mark.parametrize("where", ["header", "path"])
def test_the_upstream_is_chosen_as_for_other_calls(make: Make, upstream: Any, where: str) -> None:
    upstream.get(UP, json={"id": "resp_1"})
    settings = {key.replace("UPSTREAM_", "UPSTREAM_TWO_"): value for key, value in RESPONSES.items()}
    client = make(UPSTREAM_URL="https://c.test", UPSTREAM_TWO_PATH_PREFIX="/two", **settings)
    if where == "header":
        answer = client.get("/v1/responses/resp_1", headers={"Convert-Upstream": "two"})
    else:
        answer = client.get("/two/v1/responses/resp_1")
    assert answer.get_json() == {"id": "resp_1"} and answer.headers["Convert-Upstream"] == "two"


def test_the_key_is_in_no_answer(make: Make, upstream: Any) -> None:
    upstream.get(UP, json={"error": {"message": "sk-up is wrong"}}, status=401)
    answer = make(**RESPONSES).get("/v1/responses/resp_1")
    assert answer.status_code == 401 and b"sk-up" not in answer.data


@pytest.mark.parametrize("dots", ["..", ".", "%2E%2E", ".%2e"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/conversations/conv_1/items/{}"), ("DELETE", "/v1/conversations/{}"),
        ("GET", "/v1/conversations/{}/items"), ("POST", "/v1/responses/{}/cancel"), ("DELETE", "/v1/responses/{}"),
        ("GET", "/v1/responses/{}/input_items"),
    ],
)  # fmt: skip
def test_an_id_of_dots_leads_to_no_other_endpoint(make: Make, upstream: Any, method: str, path: str, dots: str) -> None:
    answer = make(**RESPONSES).open(path.format(dots), method=method)
    assert answer.status_code == 404 and answer.get_json()["error"]["message"]
    assert len(upstream.calls) == 0
