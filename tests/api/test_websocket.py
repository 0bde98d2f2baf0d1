from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from flask import Flask
from openai import OpenAI
from openai.lib.responses_websocket import ResponsesWebSocketLimits, ResponsesWebSocketSession
from openai.lib.responses_websocket._session import ResponsesWebSocketError
from openai.types.responses import ResponsesServerEvent
from pydantic import TypeAdapter
from werkzeug.serving import make_server

from convert.api import websocket
from tests.live import wires
from tests.sockets import UPGRADE, Socket, connected

MakeApp = Callable[..., Flask]
Json = dict[str, Any]
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
HELLO = {"type": "message", "role": "user", "content": "hello"}


@pytest.fixture
def talk(make_app: MakeApp) -> Iterator[Socket]:
    """A connection to the demonstration, which repeats the last thing it hears."""
    with connected(make_app()) as client:
        yield client


@pytest.fixture
def upstream() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def streams(mock: responses.RequestsMock, wire: str) -> None:
    """An upstream that streams one text."""
    path = {"chat": "chat/completions", "responses": "responses"}[wire]
    body = b"".join(wires.frames(wire))
    mock.post(f"https://api.x.com/v1/{path}", body=body, content_type="text/event-stream")


def sent(mock: responses.RequestsMock) -> list[Json]:
    return [json.loads(call.request.body) for call in mock.calls]


def texts(items: list[Json]) -> list[str]:
    """The texts of messages, of either API."""
    found = [item["content"] for item in items if item.get("content")]
    return [each if isinstance(each, str) else "".join(part.get("text", "") for part in each) for each in found]


def test_a_response_is_streamed_as_one_event_a_message(talk: Socket) -> None:
    events = talk.ask(input="hello world", store=False)
    assert [event["type"] for event in events] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    assert [event["sequence_number"] for event in events] == list(range(10))
    for event in events:
        EVENTS.validate_python(event)


def test_the_streams_of_one_connection_are_told_apart_by_their_names(talk: Socket) -> None:
    for name in ('a "b"', "ü"):
        assert {event["stream_id"] for event in talk.ask(input="x", stream_id=name)} == {name}
    assert talk.refused(input="x", stream_id="c", temperature="hot")["stream_id"] == "c"
    assert "stream_id" not in talk.ask(input="x")[0]


@pytest.mark.parametrize("store", [False, True])
def test_a_warm_up_and_what_continues_it(make_app: MakeApp, upstream: responses.RequestsMock, store: bool) -> None:
    streams(upstream, "chat")
    with connected(make_app(UPSTREAM_URL="https://api.x.com")) as talk:
        developer = {"type": "message", "role": "developer", "content": "Be brief."}
        warm = talk.finished(input=[developer], generate=False, store=store)
        assert warm["output"] == [] and warm["usage"]["total_tokens"] == 0 and not upstream.calls
        first = talk.finished(input=[HELLO], previous_response_id=warm["id"], store=store)
        assert first["previous_response_id"] == warm["id"] and first["store"] is store
        second = talk.finished(input="more", previous_response_id=first["id"], store=store)
        assert len({warm["id"], first["id"], second["id"]}) == 3
    assert [texts(body["messages"]) for body in sent(upstream)] == [
        ["Be brief.", "hello"], ["Be brief.", "hello", wires.TEXT, "more"]
    ]  # fmt: skip


def test_what_is_not_stored_ends_with_its_connection(make_app: MakeApp) -> None:
    app = make_app()
    with connected(app) as talk:
        forgotten, kept = (talk.finished(input="a", store=store)["id"] for store in (False, True))
    with connected(app) as talk:
        error = talk.refused(input="b", previous_response_id=forgotten)
        assert (error["status"], error["error"]["code"]) == (400, "previous_response_not_found")
        assert talk.finished(input="b", previous_response_id=kept, store=False)["output"]


def test_a_chain_that_is_stored_in_part(make_app: MakeApp, upstream: responses.RequestsMock) -> None:
    streams(upstream, "chat")
    app = make_app(UPSTREAM_URL="https://api.x.com")
    last = None
    with connected(app) as talk:
        for number, store in enumerate((True, False, True, True)):
            last = talk.finished(input=str(number), previous_response_id=last, store=store)["id"]
    with connected(app) as talk:
        talk.finished(input="4", previous_response_id=last)
    said = texts(sent(upstream)[-1]["messages"])
    assert said == ["0", wires.TEXT, "1", wires.TEXT, "2", wires.TEXT, "3", wires.TEXT, "4"]


def test_a_call_of_a_tool_and_its_output(talk: Socket) -> None:
    tools = [{"type": "function", "name": "add", "parameters": {"type": "object"}}]
    called = talk.finished(input='call add {"a": 1}', tools=tools, store=False)
    output = {"type": "function_call_output", "call_id": called["output"][-1]["call_id"], "output": "2"}
    again: Json = {"previous_response_id": called["id"], "tools": tools, "store": False}
    assert talk.finished(input=[output], **again)["output"]
    error = talk.refused(input=[HELLO, output | {"call_id": "other"}], **again)
    assert error["error"]["param"] == "input[1].call_id"


def test_faults_are_told_where_they_are_in_the_message(talk: Socket) -> None:
    previous = talk.finished(input="a", store=False)["id"]
    error = talk.refused(input=[HELLO, {"role": "x"}], previous_response_id=previous)["error"]
    assert error["param"] == "input[1].role" and error["message"].startswith("input[1].role: ")


@pytest.mark.parametrize(("message", "param"), [
    ("", None), ("nonsense", None), ("[]", None), ("1", None), ("{", None), ('{"a": ' * 300, None),
    ("{}", "type"), ({"type": "response.cancel"}, "type"), ({"type": "session.update"}, "type"),
    ({"type": "response.create"}, "model"), ({"type": "response.create", "model": 3, "input": "x"}, "model"),
    ({"type": "response.create", "model": "m", "input": 3}, "input"),
    ({"type": "response.create", "model": "m"}, "input"),
    ({"type": "response.create", "model": "m", "input": "x", "background": True}, "background"),
    ({"type": "response.create", "model": "m", "input": "x", "generate": "no"}, "generate"),
    ({"type": "response.create", "model": "m", "input": "x", "stream_id": 3}, "stream_id"),
    ({"type": "response.create", "model": "m", "input": "x", "previous_response_id": "../x"}, "previous_response_id"),
    ({"type": "response.create", "model": "m", "input": "x", "previous_response_id": 3}, "previous_response_id"),
])  # fmt: skip
def test_a_message_that_is_wrong(talk: Socket, message: Any, param: str | None) -> None:
    talk.send(message)
    event = talk.event()
    assert event["type"] == "error" and event["status"] == 400, event
    assert event["error"]["param"] == param and event["error"]["type"] == "invalid_request_error"
    EVENTS.validate_python(event)
    assert talk.finished(input="still here")["status"] == "completed"


def test_a_binary_message(talk: Socket) -> None:
    talk.wire.send_binary(b"\x00\x01")
    assert "binary" in talk.event()["error"]["message"]
    assert talk.finished(input="still here")["status"] == "completed"


def test_a_message_that_is_too_large_ends_the_connection(make_app: MakeApp) -> None:
    with connected(make_app(CONVERT_BODY_LIMIT="10kB")) as talk:
        assert talk.finished(input="x" * 5000)["status"] == "completed"
        talk.send({"type": "response.create", "model": "m", "input": "x" * 10240})
        event = talk.event()
        assert (event["status"], event["error"]["code"]) == (413, "request_too_large")
        assert talk.closed() == 1009


def test_messages_that_come_early_wait_for_their_turn(talk: Socket) -> None:
    for number in range(5):
        talk.send({"type": "response.create", "model": "m", "input": f"n{number}"})
    talk.send({"type": "response.processed", "response_id": "resp_1"})  # as Codex says, and nobody answers
    talk.send("nonsense")
    said = [talk.events()[-1] for _ in range(6)]
    assert [each["response"]["output"][0]["content"][0]["text"] for each in said[:5]] == [f"n{n}" for n in range(5)]
    assert said[5]["type"] == "error"


def test_an_hour_is_enough(talk: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert talk.finished(input="x")
    real = time.monotonic
    monkeypatch.setattr(websocket.time, "monotonic", lambda: real() + websocket.LIFETIME)
    error = talk.refused(input="x")
    assert (error["status"], error["error"]["code"]) == (400, "websocket_connection_limit_reached")
    assert talk.closed() == 1008


def test_silence_ends_the_connection(make_app: MakeApp) -> None:
    with connected(make_app(CONVERT_IDLE_TIMEOUT="0.2")) as talk:
        assert talk.closed() == 1001


def test_an_upstream_that_speaks_responses_is_asked_with_the_whole_input(
    make_app: MakeApp, upstream: responses.RequestsMock
) -> None:
    streams(upstream, "responses")
    with connected(make_app(UPSTREAM_URL="https://api.x.com", UPSTREAM_FORMAT="responses")) as talk:
        warm = talk.finished(input=[HELLO], generate=False)
        first = talk.finished(input="one", previous_response_id=warm["id"], store=False)
        assert first["id"] == "resp_1"  # its own
        talk.finished(input="two", previous_response_id="resp_1", store=False)
    one, two = sent(upstream)
    assert one == {"model": "m", "store": False, "stream": True, "input": [HELLO, {**HELLO, "content": "one"}]}
    assert texts(two["input"]) == ["hello", "one", wires.TEXT, "two"] and "previous_response_id" not in two


def test_what_the_upstream_stores_is_its_own_business(make_app: MakeApp, upstream: responses.RequestsMock) -> None:
    streams(upstream, "responses")
    with connected(make_app(UPSTREAM_URL="https://api.x.com", UPSTREAM_FORMAT="responses")) as talk:
        talk.finished(input="one")
        talk.finished(input="two", previous_response_id="resp_1")
        talk.finished(input="three", previous_response_id="resp_1", generate=False)
    assert sent(upstream)[1] == {"model": "m", "stream": True, "input": "two", "previous_response_id": "resp_1"}


def test_reasoning_that_exists_no_more_is_not_sent_again() -> None:
    thoughts: list[Json] = [{"type": "reasoning", "id": "rs_1"}, {"type": "reasoning", "encrypted_content": "x"}]
    made = websocket.Made("resp_1", [*thoughts, HELLO])
    assert made.items(foreign=True) == [thoughts[1], HELLO] and made.items(foreign=False) == [*thoughts, HELLO]


def test_items_are_known_from_their_own_events_where_the_last_one_lacks_them() -> None:
    made = websocket.Made()
    ends = {"type": "response.completed", "response": {"id": "resp_1", "output": []}}
    frames = [{"type": "response.output_item.done", "item": HELLO}, ends]
    chunk = b"".join(b"data: %b\n\n" % json.dumps(frame).encode() for frame in frames) + b"data: [DONE]\n\n"
    assert [len(texts) for texts in made.events([chunk])] == [2]
    assert (made.identity, made.output) == ("resp_1", [HELLO])


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_the_upstreams_errors(make_app: MakeApp, upstream: responses.RequestsMock, wire: str) -> None:
    path = {"chat": "chat/completions", "responses": "responses"}[wire]
    body = {"error": {"message": "Slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded", "param": None}}
    upstream.post(f"https://api.x.com/v1/{path}", status=429, json=body, headers={"Retry-After": "7"})
    upstream.post(f"https://api.x.com/v1/{path}", body=requests.ConnectionError("no"))
    with connected(make_app(UPSTREAM_URL="https://api.x.com", UPSTREAM_FORMAT=wire)) as talk:
        error = talk.refused(input="x", store=False)
        assert (error["status"], error["error"]["code"]) == (429, "rate_limit_exceeded")
        assert error["headers"] == {"retry-after": "7"}
        assert talk.refused(input="x", store=False)["status"] == 502


def test_a_bug_is_told_without_a_traceback(talk: Socket, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fails(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(websocket, "plan", fails)
    error = talk.refused(input="x")
    assert error["status"] == 500 and "secret" not in str(error)
    assert any(record.exc_info for record in caplog.records)


def test_losses_are_told_to_who_asks(make_app: MakeApp, upstream: responses.RequestsMock) -> None:
    streams(upstream, "chat")
    app = make_app(UPSTREAM_URL="https://api.x.com")
    asked: Json = {"input": "x", "max_tool_calls": 2, "store": False}
    with connected(app, **{"Convert-Lost": "1"}) as talk:
        assert talk.ask(**asked)[0] == {"type": "convert.lost", "losses": "max_tool_calls dropped"}
    with connected(app) as talk:
        assert talk.ask(**asked)[0]["type"] == "response.created"
    with connected(app, **{"Convert-Strict": "1"}) as talk:
        assert talk.refused(**asked)["status"] == 422


def test_one_line_is_logged_for_each_message(make_app: MakeApp, caplog: Any) -> None:
    with caplog.at_level("INFO"), connected(make_app()) as talk:
        talk.finished(input="x")
        talk.refused(input=3)
    lines = [record.getMessage() for record in caplog.records if record.name == "convert.requests"]
    assert [line.partition(" ms=")[0] for line in lines] == [
        "method=WS path=/v1/responses upstream=echo model=m status=200 losses=0",
        "method=WS path=/v1/responses upstream=- model=- status=400 losses=0",
        "method=GET path=/v1/responses upstream=- model=- status=101 losses=0",
    ]


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/x/v1/responses", "/x/responses"])
def test_the_paths(make_app: MakeApp, path: str) -> None:
    app = make_app(UPSTREAM_URL="https://api.x.com", UPSTREAM_PATH_PREFIX="/x")
    with connected(app, path) as talk:
        assert talk.finished(input="x", generate=False)["status"] == "completed"


def test_a_key_is_asked_for_before_the_upgrade(make_app: MakeApp) -> None:
    app = make_app(CONVERT_KEYS="k1")
    for headers in ({}, {"Authorization": "Bearer k2"}):
        answer = app.test_client().get("/v1/responses", headers=UPGRADE | headers)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "invalid_api_key")
    with connected(app, Authorization="Bearer k1") as talk:
        assert talk.finished(input="x")


def test_a_web_page_gets_no_connection(make_app: MakeApp) -> None:
    page = {"Origin": "https://evil.example"}
    answer = make_app().test_client().get("/v1/responses", headers=UPGRADE | page)
    assert answer.status_code == 401
    with connected(make_app(CONVERT_OPEN="1"), **page) as talk:
        assert talk.finished(input="x")
    with connected(make_app(), Origin="http://localhost:3000") as talk:
        assert talk.finished(input="x")


def test_the_openai_sdk_with_two_streams_on_one_connection(make_app: MakeApp) -> None:
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    limits = ResponsesWebSocketLimits(
        max_lanes=8, max_events_per_lane=128, max_events=512, max_bytes_per_lane=1 << 24, max_bytes=1 << 25,
        max_response_bytes=None,
    )  # fmt: skip
    asked: Any = {"type": "response.create", "model": "m", "store": False}
    try:
        sdk = OpenAI(api_key="x", base_url=f"http://127.0.0.1:{server.port}/v1")
        with sdk.responses.connect() as connection, ResponsesWebSocketSession(connection, limits=limits) as session:
            one, two = session.lane("one"), session.lane("two")
            one.send({**asked, "input": "first"})
            two.send({**asked, "input": "second"})
            previous = two.get_final_response()
            assert (one.get_final_response().output_text, previous.output_text) == ("first", "second")
            one.send({**asked, "input": "third", "previous_response_id": previous.id})
            assert one.get_final_response().output_text == "third"
            one.send({**asked, "input": "third", "previous_response_id": "resp_none"})
            with pytest.raises(ResponsesWebSocketError) as caught:
                one.get_final_response()
            assert caught.value.event.error.code == "previous_response_not_found"
    finally:
        server.shutdown()
