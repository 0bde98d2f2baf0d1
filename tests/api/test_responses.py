from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from convert.state import ids
from tests.conftest import COMPLETION

Make = Callable[..., FlaskClient]
BODY = {"model": "m", "input": "hello there"}


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/", "/x/v1/responses", "/x/responses", "/x/", "/x"])
def test_the_endpoint_at_its_paths(make: Make, upstream: Any, path: str) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_PATH_PREFIX="/x")
    assert client.post(path, json=BODY).json["object"] == "response"


def test_a_base_url_that_ends_in_a_slash_does_no_harm(make: Make) -> None:
    answer = make().post(json=BODY, environ_overrides={"PATH_INFO": "//v1/responses"})
    assert answer.json["object"] == "response"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/compact", "/v1/responses/input_tokens"])
def test_a_type_that_is_no_word_is_the_clients_mistake(make: Make, path: str) -> None:
    answer = make().post(path, json={"model": "m", "input": [{"type": []}]})
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "input[0].type")


def test_the_embedded_upstream_answers(make: Make) -> None:
    answer = make().post("/v1/responses", json=BODY)
    assert answer.status_code == 200
    assert answer.json["output"][-1]["content"][0]["text"] == "hello there"


def test_the_embedded_upstream_streams(make: Make) -> None:
    answer = make().post("/v1/responses", json=BODY | {"stream": True})
    assert answer.content_type.startswith("text/event-stream")
    assert "event: response.completed" in answer.text


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/x/v1/responses"])
def test_a_websocket_is_refused_where_the_server_cannot_so_that_codex_posts(make: Make, path: str) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_PATH_PREFIX="/x")
    answer = client.get(path, headers={"Connection": "Upgrade", "Upgrade": "WebSocket"})
    assert answer.status_code == 426
    assert "Upgrade" in answer.json["error"]["message"]


def test_a_get_without_an_upgrade_is_not_allowed(make: Make) -> None:
    answer = make().get("/v1/responses")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json["error"]["code"] == "method_not_allowed"


CONVERTED = ["chat", "messages", "gemini"]
KINDS = [
    "web_search_call.action.sources", "file_search_call.results", "code_interpreter_call.outputs",
    "computer_call_output.output.image_url", "message.input_image.image_url", "reasoning.encrypted_content", "new.kind",
]  # fmt: skip


def asked_of(make: Make, form: str, **asked: Any) -> tuple[int, str, Any]:
    """(status, losses, the fault's place) of a request to an upstream of a format."""
    said = [{"type": "text", "text": "Hello"}]
    candidate = {"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}
    answers: dict[str, Any] = {
        "chat/completions": COMPLETION,
        "messages": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                     "content": said, "usage": {"input_tokens": 1, "output_tokens": 1}},
        "models/m:generateContent": {"candidates": [candidate]},
    }  # fmt: skip
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for path, answer in answers.items():
            mock.post(f"https://api.x.com/v1/{path}", json=answer)
        client = make(UPSTREAM_URL="https://api.x.com/v1", UPSTREAM_FORMAT=form)
        given = client.post("/v1/responses", json=BODY | {"store": False, "max_output_tokens": 99, **asked})
    error = given.json.get("error") or {}
    return given.status_code, given.headers.get("Convert-Lost", ""), error.get("param")


@pytest.mark.parametrize("form", CONVERTED)
@pytest.mark.parametrize(("asked", "lost"), [
    ({"max_tool_calls": 3}, "max_tool_calls dropped"),
    *(({"include": [kind]}, "include dropped") for kind in KINDS),
    ({"include": []}, ""), ({"truncation": "disabled"}, ""), ({"truncation": "auto"}, ""),
    ({"context_management": [{"type": "compaction", "compact_threshold": 1000}]}, "context_management dropped"),
])  # fmt: skip
def test_what_other_apis_lack_is_reported(make: Make, form: str, asked: dict[str, Any], lost: str) -> None:
    assert asked_of(make, form, **asked) == (200, lost, None)


@pytest.mark.parametrize("form", CONVERTED)
@pytest.mark.parametrize(("asked", "param"), [
    ({"prompt": {"id": "pmpt_1", "version": "2"}}, "prompt"), ({"prompt": "x"}, "prompt"),
    ({"prompt": {"id": "pmpt_1"}, "store": True}, "prompt"),
    ({"include": "x"}, "include"), ({"include": [3]}, "include[0]"), ({"max_tool_calls": "x"}, "max_tool_calls"),
])  # fmt: skip
def test_what_cannot_be_had_is_refused(make: Make, form: str, asked: dict[str, Any], param: str) -> None:
    assert asked_of(make, form, **asked) == (400, "", param)


@pytest.mark.parametrize("asked", [{"max_tool_calls": 3}, {"prompt": {"id": "pmpt_1"}}, {"include": ["new.kind"]}])
def test_an_upstream_of_the_same_format_gets_it_as_it_is(make: Make, asked: dict[str, Any]) -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://api.x.com/v1/responses", json={"id": "resp_1", "object": "response"})
        client = make(UPSTREAM_URL="https://api.x.com/v1", UPSTREAM_FORMAT="responses")
        client.post("/v1/responses", json=BODY | asked)
        assert json.loads(mock.calls[0].request.body) == BODY | asked


# --- a history that the client did not send ---------------------------------------------------------


def conversation_of(client: FlaskClient, items: list[Any]) -> str:
    """The id of a stored conversation with items."""
    from convert.store import conversations

    entries = [(item["id"], json.dumps(item).encode()) for item in items]
    row = conversations.Conversation(ids.new("conv"), time.time(), b"{}")

    def write(connection: Any) -> None:
        conversations.create(connection, ids.tenant_of(""), row)
        conversations.append(connection, ids.tenant_of(""), row.id, entries)

    client.application.extensions["convert"].memory.run(write)
    return row.id


@pytest.mark.parametrize("way", ["previous_response_id", "conversation"])
def test_losses_and_faults_are_told_in_the_clients_terms(
    make: Make, upstream: Any, database_url: str, way: str
) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", DATABASE_URL=database_url)
    lossy = {"role": "user", "content": [{"type": "input_text", "text": "x", "future": 1}]}
    first = client.post("/v1/responses", json={"model": "m", "input": [lossy]})
    assert first.headers["Convert-Lost"] == "input[*].content[*].future dropped"
    if way == "conversation":
        continued = {"conversation": conversation_of(client, [{**lossy, "type": "message", "id": "msg_1"}])}
    else:
        continued = {"previous_response_id": first.json["id"]}
    second = client.post("/v1/responses", json={"model": "m", "input": [lossy], **continued})
    told = {"input[*].content[*].future dropped", f"{way} dropped"}
    assert {*second.headers["Convert-Lost"].split(", ")} == told
    strict = client.post(
        "/v1/responses", json={"model": "m", "input": [lossy], **continued}, headers={"Convert-Strict": "1"}
    )
    assert {loss["path"] for loss in strict.json["error"]["losses"]} == {way, "input[0].content[0].future"}
    error = client.post("/v1/responses", json={"model": "m", "input": [{"role": "x"}], **continued}).json["error"]
    assert error["param"] == "input[0].role" and error["message"].startswith("input[0].role: ")


# --- truncation -------------------------------------------------------------------------------------

TOO_LONG = {"error": {"message": "too long", "code": "context_length_exceeded", "type": "x", "param": "messages"}}


def test_a_conversation_that_is_too_long_loses_its_oldest_items(make: Make) -> None:
    items = [{"role": "developer", "content": "Be brief."}, *({"role": "user", "content": f"n{n}"} for n in range(9))]
    with responses.RequestsMock() as mock:
        for _ in range(2):
            mock.post("https://api.x.com/v1/chat/completions", status=400, json=TOO_LONG)
        mock.post("https://api.x.com/v1/chat/completions", json=COMPLETION)
        client = make(UPSTREAM_URL="https://api.x.com")
        answer = client.post("/v1/responses", json={"model": "m", "input": items, "truncation": "auto"})
        said = [message["content"] for message in json.loads(mock.calls[-1].request.body)["messages"]]
    assert answer.json["truncation"] == "auto" and said == ["Be brief.", "n6", "n7", "n8"]
    assert answer.headers["Convert-Lost"] == "input dropped (truncation left out 6 of 10 items)"
    follow = client.get(f"/v1/responses/{answer.json['id']}/input_items")
    assert follow.status_code == 404 or len(follow.json["data"]) == 10  # what is stored is whole


@pytest.mark.parametrize("asked", [{}, {"truncation": "disabled"}, {"truncation": "auto", "input": "one item"}])
def test_it_fails_where_nothing_may_go(make: Make, asked: dict[str, Any]) -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://api.x.com/v1/chat/completions", status=400, json=TOO_LONG)
        items = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
        client = make(UPSTREAM_URL="https://api.x.com")
        answer = client.post("/v1/responses", json={"model": "m", "input": items, **asked})
        assert len(mock.calls) == 1
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "context_length_exceeded")


def test_it_gives_up_in_the_end_and_at_once_for_other_errors(make: Make) -> None:
    items = [{"role": "user", "content": "x"}] * 100
    for status, error, calls in ((400, TOO_LONG, 5), (429, {"error": {"message": "slow"}}, 1)):
        with responses.RequestsMock() as mock:
            mock.post("https://api.x.com/v1/chat/completions", status=status, json=error)
            asked = {"model": "m", "input": items, "truncation": "auto"}
            answer = make(UPSTREAM_URL="https://api.x.com").post("/v1/responses", json=asked)
            assert (answer.status_code, len(mock.calls)) == (status, calls)
