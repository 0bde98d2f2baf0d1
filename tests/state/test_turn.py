from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from convert import sse
from convert.errors import ProxyError
from convert.state.turn import before_last, failure
from tests.conftest import Make

DOWN = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}


def rows(folder: Path) -> list[Any]:
    file = folder / "convert.db"
    return sqlite3.connect(file).execute("SELECT status FROM responses").fetchall() if file.exists() else []


def test_store_false_leaves_no_trace(make: Make, tmp_path: Path) -> None:
    client = make()
    for streamed in (False, True):
        client.post("/v1/responses", json={"model": "m", "input": "Hi", "store": False, "stream": streamed}).get_data()
    assert not (tmp_path / "convert.db").exists()
    first = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).get_json()["id"]
    body = {"model": "m", "input": "Hi", "store": False, "previous_response_id": first}
    assert client.post("/v1/responses", json=body).get_json()["store"] is False
    assert rows(tmp_path) == [("completed",)]


def test_only_what_is_stateful_needs_the_database(make: Make) -> None:
    client = make(**DOWN)
    for body in ({}, {"stream": True}, {"previous_response_id": "resp_x"}, {"background": True}):
        refused = client.post("/v1/responses", json={"model": "m", "input": "Hi", **body})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    for path in ("/v1/responses/resp_x", "/v1/conversations/conv_" + "0" * 48, "/v1/chat/completions"):
        assert client.get(path).status_code == 503
    assert client.post("/v1/responses", json={"model": "m", "input": "Hi", "store": False}).status_code == 200
    chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert client.post("/v1/chat/completions", json=chat).status_code == 200


def test_an_answer_that_cannot_be_stored_ends_in_a_failure(make: Make, tmp_path: Path) -> None:
    client = make()
    app = client.application
    recorder = app.extensions["convert"].recorder
    run = recorder.memory.run

    def broken(work: Any) -> Any:
        if "finish" in work.__qualname__:
            raise ProxyError("overloaded", "no disk", retry_after="5")
        return run(work)

    recorder.memory.run = broken
    streamed = client.post("/v1/responses", json={"model": "m", "input": "Hi", "stream": True}).get_data()
    events = [*sse.chunks([streamed])]
    assert [each["type"] for each in events][-2:] == ["response.output_item.done", "response.failed"]
    assert events[-1]["sequence_number"] == len(events) - 1 and events[-1]["response"]["error"]["message"] == "no disk"
    assert client.post("/v1/responses", json={"model": "m", "input": "Hi"}).status_code == 503
    assert rows(tmp_path) == [("in_progress",)]  # and is found as an orphan


def test_a_client_that_hangs_up_leaves_a_cancelled_response(make: Make, tmp_path: Path) -> None:
    answer = make().post("/v1/responses", json={"model": "m", "input": "a b c", "stream": True}, buffered=False)
    chunks = iter(answer.response)
    first = next(chunks)
    answer.close()
    assert b"response.created" in first and rows(tmp_path) in ([("cancelled",)], [("completed",)])


def test_a_client_that_never_reads_leaves_nothing_in_progress(make: Make, tmp_path: Path) -> None:
    make().post("/v1/responses", json={"model": "m", "input": "a b c", "stream": True}, buffered=False).close()
    assert rows(tmp_path) == [("cancelled",)]


def test_the_answer_repeats_what_was_asked(make: Make) -> None:
    client = make()
    body = {"model": "m", "input": "Hi", "metadata": {"a": "b"}, "temperature": 0.5}
    made = client.post("/v1/responses", json=body).get_json()
    assert (made["store"], made["metadata"], made["temperature"], made["previous_response_id"]) == (
        True, {"a": "b"}, 0.5, None,
    )  # fmt: skip


@pytest.mark.parametrize("body", [{"background": True, "store": False}])
def test_background_needs_storage(make: Make, body: Any) -> None:
    refused = make().post("/v1/responses", json={"model": "m", "input": "Hi", **body})
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (400, "background")


def test_the_last_event_of_a_chunk() -> None:
    assert before_last(b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n") == b"event: a\ndata: 1\n\n"
    assert before_last(b"event: b\ndata: 2\n\n") == b""
    made = failure({"id": "r", "output": [1]}, ProxyError("overloaded", "words"), 7).decode()
    assert json.loads(made.partition("data: ")[2])["response"]["error"] == {"code": "server_error", "message": "words"}
