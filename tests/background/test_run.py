from __future__ import annotations

import dataclasses
import json
import threading
import time
from typing import Any

import pytest
import responses as mocked

from convert import sse
from convert.background import run
from convert.errors import ProxyError
from convert.store import responses
from tests.background.waiting import MakeWaiting, Waiting

CHAT = "https://up.test/v1/chat/completions"
UP = {"UPSTREAM_URL": "https://up.test", "UPSTREAM_API_KEY": "sk-upstream", "CONVERT_OPEN": "1"}


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def chunk(text: str = "", finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return sse.event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


STREAM = chunk("Hello") + chunk(finish="stop") + b"data: [DONE]\n\n"


@pytest.fixture
def upstream() -> Any:
    with mocked.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def streams(upstream: Any, body: bytes = STREAM) -> None:
    upstream.add(mocked.POST, CHAT, body=body, content_type="text/event-stream")


def test_a_response_is_made_and_its_stream_can_be_had(waiting: Waiting) -> None:
    queued = waiting.queued()
    assert queued["status"] == "queued" and queued["background"] is True
    done = waiting.make(queued["id"])
    assert (done["status"], done["id"], done["background"]) == ("completed", queued["id"], True)
    assert done["output"][0]["content"][0]["text"] == "Hi"
    events = waiting.stream(queued["id"])
    assert kinds(events)[:4] == ["created", "queued", "in_progress", "output_item.added"]
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    assert [event["response"]["status"] for event in events[:3]] == ["queued", "queued", "in_progress"]
    assert events[-1]["response"] == done
    row = waiting.row(queued["id"])
    assert row.work is None and row.attempts == 1


def test_what_was_made_is_not_made_again(waiting: Waiting) -> None:
    queued = waiting.queued()
    done = waiting.make(queued["id"])
    assert waiting.make(queued["id"]) == done
    run.make(waiting.here, waiting.tenant, "resp_none")
    run.make(waiting.here, "another tenant", queued["id"])
    assert waiting.row(queued["id"]).attempts == 1


def test_it_continues_a_conversation_once(waiting: Waiting) -> None:
    conversation = waiting.client.post("/v1/conversations").get_json()["id"]
    first = waiting.make(waiting.queued(conversation=conversation)["id"])
    waiting.make(first["id"])
    second = waiting.make(waiting.queued(input="Again", conversation=conversation)["id"])
    assert second["status"] == "completed" and second["conversation"] == {"id": conversation}
    items = waiting.client.get(f"/v1/conversations/{conversation}/items?order=asc").get_json()["data"]
    assert [item["content"][0]["text"] for item in items] == ["Hi", "Hi", "Again", "Again"]


def test_it_continues_a_response_that_must_have_ended(waiting: Waiting) -> None:
    first = waiting.queued()
    asked = {"model": "m", "input": "And?", "previous_response_id": first["id"]}
    early = waiting.client.post("/v1/responses", json=asked)
    assert early.status_code == 400 and "still queued" in early.get_json()["error"]["message"]
    waiting.make(first["id"])
    second = waiting.make(waiting.queued(input="And?", previous_response_id=first["id"])["id"])
    assert second["status"] == "completed" and second["previous_response_id"] == first["id"]


def test_the_upstreams_failure_is_the_responses(make_waiting: MakeWaiting, upstream: Any) -> None:
    upstream.add(mocked.POST, CHAT, status=429, json={"error": {"message": "slow down sk-upstream", "type": "x"}})
    waiting = make_waiting(**UP)
    queued = waiting.queued()
    failed = waiting.make(queued["id"])
    assert failed["status"] == "failed" and failed["output"] == []
    assert failed["error"]["code"] == "rate_limit_exceeded"
    assert "slow down" in failed["error"]["message"] and "sk-upstream" not in failed["error"]["message"]
    assert kinds(waiting.stream(queued["id"])) == ["created", "queued", "in_progress", "failed"]


@pytest.mark.parametrize("body", [chunk("Hel"), b"", b"data: {\n\n", chunk("Hel") + b"data: nonsense\n\n"])
def test_a_stream_that_breaks_off_has_failed(make_waiting: MakeWaiting, upstream: Any, body: bytes) -> None:
    streams(upstream, body)
    waiting = make_waiting(**UP)
    queued = waiting.queued()
    assert waiting.make(queued["id"])["status"] == "failed"
    assert kinds(waiting.stream(queued["id"]))[-1] == "failed"


def test_an_upstream_that_answers_whole_is_as_good(make_waiting: MakeWaiting, upstream: Any) -> None:
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "length"}
    upstream.add(mocked.POST, CHAT, json={"id": "c", "object": "chat.completion", "created": 1, "choices": [choice]})
    waiting = make_waiting(**UP)
    done = waiting.make(waiting.queued()["id"])
    assert done["status"] == "incomplete" and done["output"][0]["content"][0]["text"] == "Hello"


def test_the_upstream_is_sent_what_a_foreground_request_would_send(make_waiting: MakeWaiting, upstream: Any) -> None:
    streams(upstream)
    waiting = make_waiting(**UP, UPSTREAM_MODEL="renamed")
    body = {"model": "m", "input": "Hi", "background": True, "instructions": "Be brief."}
    headers = {"Authorization": "Bearer sk-client", "X-Request-Id": "r-1", "Cookie": "a=b"}
    identity = waiting.client.post("/v1/responses", json=body, headers=headers).get_json()["id"]
    [tenant] = {tenant for tenant, _ in _waiting(waiting)}
    run.make(waiting.here, tenant, identity)
    sent = upstream.calls[0].request
    assert sent.headers["Authorization"] == "Bearer sk-upstream" and sent.headers["X-Request-Id"] == "r-1"
    assert "Cookie" not in sent.headers
    told = json.loads(sent.body)
    assert told["model"] == "renamed" and told["stream"] is True and "background" not in told
    assert [message["content"] for message in told["messages"]] == ["Be brief.", "Hi"]


def test_the_clients_own_key_goes_upstream_and_is_not_readable_in_the_database(
    make_waiting: MakeWaiting, upstream: Any
) -> None:
    streams(upstream)
    waiting = make_waiting(UPSTREAM_URL="https://up.test")
    key = {"Authorization": "Bearer sk-of-the-client"}
    asked = {"model": "m", "input": "a secret question", "background": True}
    identity = waiting.client.post("/v1/responses", json=asked, headers=key).get_json()["id"]
    [(tenant, _)] = _waiting(waiting)
    row = waiting.here.memory.run(lambda connection: responses.get(connection, tenant, identity, 0))
    assert row and row.work and b"sk-of-the-client" not in b"".join([row.work, row.body, row.input])
    run.make(waiting.here, tenant, identity)
    assert upstream.calls[0].request.headers["Authorization"] == "Bearer sk-of-the-client"


def _waiting(waiting: Waiting) -> list[tuple[str, str]]:
    return waiting.here.memory.run(lambda connection: responses.waiting(connection, time.time() + 1, 100))


def test_a_conversation_that_is_too_long_is_shortened_where_it_may_be(
    make_waiting: MakeWaiting, upstream: Any
) -> None:
    error = {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}
    upstream.add(mocked.POST, CHAT, status=400, json={"error": error})
    streams(upstream)
    waiting = make_waiting(**UP)
    items = [{"role": "user", "content": str(number)} for number in range(5)]
    done = waiting.make(waiting.queued(input=items, truncation="auto")["id"])
    assert done["status"] == "completed" and done["truncation"] == "auto"
    assert len(json.loads(upstream.calls[1].request.body)["messages"]) == 3


def test_work_that_was_sealed_with_another_secret_has_failed(make_waiting: MakeWaiting, database_url: str) -> None:
    waiting = make_waiting(DATABASE_URL=database_url, CONVERT_SECRET="first")
    identity = waiting.queued(metadata={"a": "b"})["id"]
    failed = make_waiting(DATABASE_URL=database_url, CONVERT_SECRET="second").make(identity)
    assert failed["status"] == "failed" and "sealed" in failed["error"]["message"]
    assert failed["metadata"] == {"a": "b"} and failed["background"] is True


def test_an_upstream_that_is_no_longer_configured(make_waiting: MakeWaiting, database_url: str) -> None:
    identity = make_waiting(DATABASE_URL=database_url).queued()["id"]
    failed = make_waiting(DATABASE_URL=database_url, **UP).make(identity)
    assert failed["status"] == "failed" and "Convert-Upstream" in failed["error"]["message"]


def test_a_fault_of_ours_is_a_failure_and_not_a_response_for_ever(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run, "exchange_of", broken)
    failed = waiting.make(waiting.queued()["id"])
    assert failed["status"] == "failed" and "its log says why" in failed["error"]["message"]


def test_one_that_was_cancelled_while_it_was_made_stays_cancelled(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = waiting.queued()["id"]
    made = run.produced

    def cancelled(*given: Any) -> Any:
        pieces = [*made(*given)]
        assert waiting.client.post(f"/v1/responses/{identity}/cancel").get_json()["status"] == "cancelled"
        return iter(pieces)

    monkeypatch.setattr(run, "produced", cancelled)
    assert waiting.make(identity)["status"] == "cancelled"


def test_one_that_was_deleted_while_it_was_made_stays_deleted(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = waiting.queued()["id"]
    made = run.produced

    def deleted(*given: Any) -> Any:
        pieces = [*made(*given)]
        assert waiting.client.delete(f"/v1/responses/{identity}").status_code == 200
        return iter(pieces)

    monkeypatch.setattr(run, "produced", deleted)
    assert waiting.make(identity)["error"]["code"] is None


def interrupted(waiting: Waiting, identity: str, *events: bytes) -> None:
    """The state of a response whose process was killed, and which was found and queued again."""
    here = waiting.here

    def write(connection: Any) -> None:
        responses.claim(connection, waiting.tenant, identity, "dead")
        row = responses.get(connection, waiting.tenant, identity, 0)
        assert row
        segments = [responses.Segment(run.OPENING + number, data) for number, data in enumerate(events)]
        responses.grow(connection, waiting.tenant, identity, segments)
        _requeue(connection, row)

    here.memory.run(write)


def _requeue(connection: Any, row: responses.Row) -> None:
    from sqlalchemy import update

    from convert.store.schema import RESPONSES

    connection.execute(update(RESPONSES).where(RESPONSES.c.id == row.id).values(status="queued", owner=None))


EVENT = sse.event({"type": "response.in_progress", "sequence_number": 2}, "response.in_progress")


def test_another_attempt_replaces_the_events_of_the_first(waiting: Waiting) -> None:
    identity = waiting.queued()["id"]
    interrupted(waiting, identity, EVENT, EVENT)
    done = waiting.make(identity)
    assert done["status"] == "completed" and waiting.row(identity).attempts == 2
    events = waiting.stream(identity)
    assert kinds(events)[:4] == ["created", "queued", "in_progress", "output_item.added"]
    assert [event["sequence_number"] for event in events] == [*range(len(events))]


def test_one_whose_events_a_client_may_have_seen_is_not_made_again(waiting: Waiting) -> None:
    identity = asked_for_a_stream(waiting)
    interrupted(waiting, identity, EVENT)
    failed = waiting.make(identity)
    assert failed["status"] == "failed" and "was stopped" in failed["error"]["message"]
    assert kinds(waiting.stream(identity)) == ["created", "queued", "in_progress", "failed"]


def test_one_that_was_interrupted_before_its_first_event_is_made_again(waiting: Waiting) -> None:
    identity = asked_for_a_stream(waiting)
    interrupted(waiting, identity)
    assert waiting.make(identity)["status"] == "completed"


def asked_for_a_stream(waiting: Waiting) -> str:
    """The id of a response whose client asked for its stream, and went when it knew the id."""
    asked = {"model": "m", "input": "Hi", "background": True, "stream": True}
    answer = waiting.client.post("/v1/responses", json=asked, buffered=False)
    first = next(sse.chunks(iter(answer.response)))  # type: ignore[arg-type]
    answer.close()
    assert first["type"] == "response.created" and first["response"]["status"] == "queued"
    return str(first["response"]["id"])


def test_the_database_goes_away_while_it_is_made(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = waiting.queued()["id"]

    def down(*_: object) -> None:
        raise ProxyError("overloaded", "down")

    monkeypatch.setattr(waiting.here.recorder, "finish", down)
    run.make(waiting.here, waiting.tenant, identity)
    monkeypatch.undo()
    assert waiting.get(identity)["status"] == "in_progress"  # and is found as an orphan


def test_two_workers_make_it_once(waiting: Waiting) -> None:
    identity = waiting.queued()["id"]
    threads = [threading.Thread(target=run.make, args=(waiting.here, waiting.tenant, identity)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting.row(identity).attempts == 1 and waiting.get(identity)["status"] == "completed"


def test_the_opening_is_cut_from_chunks_of_any_size() -> None:
    frames = [b"event: %d\ndata: {}\n\n" % number for number in range(4)]
    for chunks in ([b"".join(frames)], frames, [b"".join(frames[:1]), b"".join(frames[1:])]):
        assert b"".join(run.rest(iter(chunks))) == b"".join(frames[2:])
    assert dataclasses.is_dataclass(responses.Row)
