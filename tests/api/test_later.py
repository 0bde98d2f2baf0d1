from __future__ import annotations

import time
from typing import Any

import pytest

from convert import sse
from convert.api import later
from convert.errors import ProxyError
from tests.api.sdk import sdk
from tests.api.test_stored import valid
from tests.conftest import Make

ASKED = {"model": "m", "input": "a b c", "background": True}


def test_a_background_response_with_the_official_sdk(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url)
    api = sdk(client)
    made = api.responses.create(model="m", input="a b c", background=True)
    assert made.status == "queued" and made.output == []
    for _ in range(100):
        if (found := api.responses.retrieve(made.id)).status == "completed":
            break
        time.sleep(0.1)
    assert found.output_text == "a b c" and found.background
    assert api.responses.cancel(made.id).status == "completed"
    client.application.extensions["convert"].queue.stop()


def test_its_stream_is_followed_and_can_be_taken_up_again(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url)
    api = sdk(client)
    events = [*api.responses.create(model="m", input="a b c", background=True, stream=True)]
    assert [event.sequence_number for event in events] == [*range(len(events))]
    assert events[-1].type == "response.completed"
    identity = events[0].response.id  # type: ignore[union-attr]
    rest = [*api.responses.retrieve(identity, stream=True, starting_after=3)]
    assert [event.sequence_number for event in rest] == [*range(4, len(events))]
    client.application.extensions["convert"].queue.stop()


def test_what_was_lost_on_the_way_is_found(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make(CONVERT_BACKGROUND_THREADS="0")
    monkeypatch.setattr(later, "put", lambda queue, tenant, response: None)  # as if the process had died here
    identity = client.post("/v1/responses", json=ASKED).get_json()["id"]
    monkeypatch.undo()
    here = client.application.extensions["convert"]
    monkeypatch.setattr(later, "SETTLED", -1)
    later.find_lost(here)
    assert not here.queue.empty()
    here.queue.start(1)
    for _ in range(100):
        if client.get(f"/v1/responses/{identity}").get_json()["status"] == "completed":
            break
        time.sleep(0.05)
    else:
        raise AssertionError("it was not made")
    here.queue.stop()


def test_queued_work_goes_on_after_a_restart(make: Make) -> None:
    before = make(CONVERT_BACKGROUND_THREADS="0")
    identity = before.post("/v1/responses", json=ASKED).get_json()["id"]
    after = make()
    later.resume(after.application)
    for _ in range(100):
        if after.get(f"/v1/responses/{identity}").get_json()["status"] == "completed":
            break
        time.sleep(0.05)
    else:
        raise AssertionError("it was not made")
    after.application.extensions["convert"].queue.stop()


def test_a_queue_that_cannot_be_opened(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("no queue")

    monkeypatch.setattr(later, "Queue", broken)
    refused = make().post("/v1/responses", json=ASKED)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")


def test_a_mistake_is_told_at_once(make: Make) -> None:
    refused = make(UPSTREAM_URL="https://up.test").post("/v1/responses", json={**ASKED, "input": [{"type": "x"}]})
    assert refused.status_code == 400


def test_the_stream_of_a_response_that_waits_begins_when_it_is_made(make: Make) -> None:
    client = make()
    data = client.post("/v1/responses", json={**ASKED, "stream": True}).get_data()
    kinds = [event["type"] for event in sse.chunks([data])]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    client.application.extensions["convert"].queue.stop()


@pytest.mark.parametrize(
    ("further", "param"),
    [({"background": "yes"}, "background"), ({"background": 2}, "background"), ({"store": False}, "background"),
     ({"store": "no"}, "store"), ({"previous_response_id": "resp_x"}, "previous_response_id"),
     ({"conversation": "conv_x"}, "conversation")],
)  # fmt: skip
def test_what_cannot_be_queued(make: Make, further: dict[str, Any], param: str) -> None:
    refused = make().post("/v1/responses", json={**ASKED, **further})
    assert refused.status_code in (400, 404) and refused.get_json()["error"]["param"] == param


def test_nothing_is_queued_where_nothing_is_stored(make: Make) -> None:
    refused = make(CONVERT_STORE="0").post("/v1/responses", json=ASKED)
    assert refused.status_code == 400 and refused.get_json()["error"]["param"] == "background"


def test_a_database_that_is_down_queues_nothing(make: Make) -> None:
    refused = make(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").post("/v1/responses", json=ASKED)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")


def test_a_queue_that_fails_later_costs_a_moment_only(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = make(CONVERT_BACKGROUND_THREADS="0")
    here = client.application.extensions["convert"]
    queue = later.queue_of(here)

    def broken(*_: Any) -> None:
        raise OSError("no queue")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "put", broken)
        patch.setattr(queue, "empty", broken)
        assert client.post("/v1/responses", json=ASKED).get_json()["status"] == "queued"
        later.find_lost(here)
        assert "tried again: no queue" in caplog.text and "Traceback" not in caplog.text
    monkeypatch.setattr(later, "SETTLED", -1)
    later.find_lost(here)
    assert not queue.empty()


def test_the_database_is_away_when_its_turn_comes(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = make().application.extensions["convert"]

    def down(*_: Any) -> None:
        raise ProxyError("overloaded", "away")

    monkeypatch.setattr(here.memory, "run", down)
    later.made(here, "t", "resp_x")
    assert "left for later: away" in caplog.text


def test_a_response_is_valid_in_every_state(make: Make) -> None:
    client = make(CONVERT_BACKGROUND_THREADS="0")
    queued = client.post("/v1/responses", json=ASKED).get_json()
    path = f"/v1/responses/{queued['id']}"
    for body in (queued, client.get(path).get_json(), client.post(f"{path}/cancel").get_json()):
        valid("responses.response", body)
