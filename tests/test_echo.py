from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from convert.echo import answer

Make = Callable[..., FlaskClient]
Json = dict[str, Any]
URL = "echo://demonstration/v1/chat/completions"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def user(text: Any, **more: Any) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def said(body: Json) -> Json:
    """The one choice of a finished answer."""
    status, kind, pieces = answer("POST", URL, json.dumps(body).encode())
    assert (status, kind) == (200, "application/json")
    return dict(json.loads(b"".join(pieces))["choices"][0])


def chunks(body: Json) -> list[Any]:
    """The chunks of a streamed answer."""
    _, kind, pieces = answer("POST", URL, json.dumps(body | {"stream": True}).encode())
    assert kind == "text/event-stream"
    data = [piece.removeprefix(b"data: ").removesuffix(b"\n\n") for piece in pieces]
    assert data.pop() == b"[DONE]"
    return [json.loads(each) for each in data]


def test_it_repeats_the_last_user_text() -> None:
    messages = [{"role": "user", "content": "first"}, {"role": "user", "content": "second one"}]
    choice = said({"model": "m", "messages": [*messages, {"role": "assistant", "content": "no"}]})
    assert (choice["message"]["content"], choice["finish_reason"]) == ("second one", "stop")


def test_it_reads_the_text_of_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert said(user(parts))["message"]["content"] == "a"


def test_a_stream_has_a_word_for_each_chunk_and_the_same_text() -> None:
    got = chunks(user(" one  two\nthree "))
    words = [chunk["choices"][0]["delta"].get("content") for chunk in got]
    assert words == ["", " one", "  two", "\nthree", " ", None]
    assert got[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_is_streamed_when_asked_for() -> None:
    got = chunks(user("one two", stream_options={"include_usage": True}))
    assert got[-1]["choices"] == []
    assert got[-1]["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert all("usage" not in chunk for chunk in got[:-1])


def test_it_calls_an_offered_tool() -> None:
    body = user('call weather {"city": "Bonn"}', tools=[WEATHER])
    choice = said(body)
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Bonn"}'}
    assert choice["finish_reason"] == "tool_calls"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(body)]
    pieces = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert "".join(piece["function"]["arguments"] for piece in pieces) == '{"city": "Bonn"}'
    assert pieces[0]["id"] == call["id"] and pieces[0]["function"]["name"] == "weather"


def test_a_tool_that_is_not_offered_is_just_words() -> None:
    assert said(user("call weather {}"))["message"]["content"] == "call weather {}"


def test_it_tells_a_tools_result() -> None:
    messages = [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "12 degrees"}]
    assert said({"model": "m", "messages": messages})["message"]["content"] == "12 degrees"


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_answer(field: str) -> None:
    choice = said(user("one two three", **{field: 2}))
    assert (choice["message"]["content"].strip(), choice["finish_reason"]) == ("one two", "length")


def test_the_same_question_has_the_same_answer() -> None:
    assert chunks(user("hi")) == chunks(user("hi"))
    assert chunks(user("hi"))[0]["id"] != chunks(user("ho"))[0]["id"]


@pytest.mark.parametrize("body", [user("call x", tools=[1]), {"messages": [3]}, user([4])])
def test_messages_of_a_wrong_shape_are_refused(body: Json) -> None:
    status, _, pieces = answer("POST", URL, json.dumps(body).encode())
    assert status == 400
    assert json.loads(b"".join(pieces))["error"]["message"]


def test_other_paths_do_not_exist() -> None:
    for method, url in (("POST", "echo://demonstration/v1/embeddings"), ("GET", URL)):
        status, _, pieces = answer(method, url, b"{}")
        assert status == 404
        assert json.loads(b"".join(pieces))["error"]["code"] == "not_found"


def test_its_model_is_listed() -> None:
    _, _, pieces = answer("GET", "echo://demonstration/v1/models", None)
    assert [model["id"] for model in json.loads(b"".join(pieces))["data"]] == ["echo-demonstration"]


def test_it_answers_both_apis_of_a_server_without_settings(make: Make) -> None:
    client = make()
    chat = client.post("/v1/chat/completions", json=user("hello there"))
    assert chat.json["choices"][0]["message"]["content"] == "hello there"
    response = client.post("/v1/responses", json={"model": "m", "input": "hello there"})
    assert response.json["output"][0]["content"][0]["text"] == "hello there"
