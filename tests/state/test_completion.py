from __future__ import annotations

import json
from typing import Any

import pytest

from convert.errors import ProxyError
from convert.state.completion import check_metadata
from tests.conftest import COMPLETION, Make

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "store": True, "metadata": {"a": "b"}}


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ([], "metadata"),
        ({str(n): "x" for n in range(17)}, "metadata"),
        ({"k" * 65: "x"}, "metadata"),
        ({"k": "x" * 513}, "metadata.k"),
        ({"k": 1}, "metadata.k"),
    ],
)
def test_metadata_is_at_most_16_pairs_of_short_strings(metadata: Any, path: str) -> None:
    with pytest.raises(ProxyError) as caught:
        check_metadata(metadata)
    assert (caught.value.status, caught.value.param) == (400, path)


def test_a_stored_completion_has_an_id_of_its_own_and_the_upstream_is_not_told(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="http://up.test")
    body = client.post("/v1/chat/completions", json=ASKED).get_json()
    assert body["id"].startswith("chatcmpl-") and len(body["id"]) == 57
    sent = json.loads(upstream.calls[0].request.body)
    assert not sent.keys() & {"store", "metadata"}
    assert client.get(f"/v1/chat/completions/{body['id']}").get_json()["choices"] == body["choices"]


def test_without_store_nothing_is_kept_and_the_bytes_pass(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="http://up.test")
    body = client.post("/v1/chat/completions", json={**ASKED, "store": False}).get_json()
    assert body == COMPLETION
    assert client.get("/v1/chat/completions").get_json()["data"] == []


def test_a_provider_that_keeps_completions_is_told_to(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://api.openai.com", UPSTREAM_API_KEY="sk-x")
    assert client.post("/v1/chat/completions", json=ASKED).get_json() == COMPLETION
    assert json.loads(upstream.calls[0].request.body)["store"] is True


def test_a_streamed_completion_is_stored_as_the_object_that_it_adds_up_to(make: Make) -> None:
    client = make()
    streamed = client.post("/v1/chat/completions", json={**ASKED, "stream": True}).get_data(as_text=True)
    stored = client.get("/v1/chat/completions").get_json()["data"][0]
    assert stored["id"] in streamed and stored["choices"][0]["message"]["content"] == "Hi"


def test_an_answer_that_cannot_be_stored_is_an_error(make: Make) -> None:
    client = make(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    for streamed in (False, True):
        refused = client.post("/v1/chat/completions", json={**ASKED, "stream": streamed})
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "5"
    assert client.post("/v1/chat/completions", json={**ASKED, "store": False}).status_code == 200
