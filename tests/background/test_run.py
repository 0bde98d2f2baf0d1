from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from convert.background import run
from convert.store import responses
from tests.conftest import COMPLETION, Make

ASKED = {"model": "m", "input": "Hi", "background": True}


@pytest.fixture
def client(make: Make, upstream: Any, database_url: str) -> FlaskClient:
    """A server that queues, and makes nothing by itself."""
    return make(UPSTREAM_URL="https://up.test", DATABASE_URL=database_url, CONVERT_BACKGROUND_THREADS="0")


def make_one(client: FlaskClient, **asked: Any) -> dict[str, Any]:
    """A background response, after it was made here and now."""
    queued = client.post("/v1/responses", json={**ASKED, **asked}, headers={"Authorization": "Bearer sk-one"})
    body = queued.get_json()
    assert (queued.status_code, body["status"], body["output"], body["background"]) == (200, "queued", [], True)
    again(client, body["id"])
    return found(client, body["id"])


def found(client: FlaskClient, identity: str) -> dict[str, Any]:
    return client.get(f"/v1/responses/{identity}", headers={"Authorization": "Bearer sk-one"}).get_json()  # type: ignore[no-any-return]


def again(client: FlaskClient, identity: str) -> None:
    from convert.state.ids import tenant_of

    run.make(client.application, tenant_of("sk-one"), identity)


def test_a_response_is_made_without_its_client(client: FlaskClient, upstream: Any) -> None:
    body = make_one(client, metadata={"a": "b"})
    assert (body["status"], body["output"][0]["content"][0]["text"], body["metadata"]) == (
        "completed", "Hello", {"a": "b"},
    )  # fmt: skip
    assert upstream.calls[0].request.headers["Authorization"] == "Bearer sk-one"  # the client's own key
    assert json.loads(upstream.calls[0].request.body)["stream"] is True


def test_it_is_made_once_however_often_it_is_delivered(client: FlaskClient, upstream: Any) -> None:
    body = make_one(client)
    again(client, body["id"])
    assert len(upstream.calls) == 1 and found(client, body["id"]) == body


def test_it_continues_and_is_continued(client: FlaskClient, upstream: Any) -> None:
    first = make_one(client)
    second = make_one(client, previous_response_id=first["id"], input="more")
    sent = json.loads(upstream.calls[-1].request.body)["messages"]
    assert [message["content"] for message in sent] == ["Hi", "Hello", "more"]
    assert second["previous_response_id"] == first["id"]


@pytest.mark.parametrize(("status", "words"), [(429, "slow down"), (500, "no luck")])
def test_the_upstreams_failure_is_the_responses(make: Make, upstream: Any, status: int, words: str) -> None:
    client = make(UPSTREAM_URL="https://bad.test", CONVERT_BACKGROUND_THREADS="0")
    upstream.reset()
    upstream.post("https://bad.test/v1/chat/completions", status=status, json={"error": {"message": words}})
    body = make_one(client)
    assert body["status"] == "failed" and words in body["error"]["message"]


def test_an_upstream_that_is_no_longer_configured(client: FlaskClient, make: Make, database_url: str) -> None:
    queued = client.post("/v1/responses", json=ASKED, headers={"Authorization": "Bearer sk-one"}).get_json()
    other = make(UPSTREAM_OTHER_URL="https://up.test", DATABASE_URL=database_url, CONVERT_BACKGROUND_THREADS="0")
    again(other, queued["id"])
    body = found(other, queued["id"])
    assert body["status"] == "failed" and "no upstream of this name" in body["error"]["message"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_second_attempt_is_made_unless_somebody_saw_the_first(
    client: FlaskClient, upstream: Any, streamed: bool
) -> None:
    queued = client.post("/v1/responses", json=ASKED, headers={"Authorization": "Bearer sk-one"}).get_json()
    memory = client.application.extensions["convert"].memory
    row = memory.run(lambda connection: responses.claim(connection, _tenant(), queued["id"], "dead"))
    if streamed:
        from convert.background.work import opened

        work = opened(memory, row.work)
        work.asked["stream"] = True
        row.work = work.sealed(memory)
    row.status = "queued"
    memory.run(lambda connection: responses.remove(connection, _tenant(), row.id))
    memory.run(lambda connection: responses.begin(connection, row))
    again(client, queued["id"])
    assert found(client, queued["id"])["status"] == ("failed" if streamed else "completed")


def _tenant() -> str:
    from convert.state.ids import tenant_of

    return tenant_of("sk-one")


def test_the_shape_of_the_upstreams_answer_is_as_in_other_tests() -> None:
    assert COMPLETION["choices"][0]["message"]["content"] == "Hello"  # type: ignore[index]
