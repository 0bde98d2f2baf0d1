from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from convert.store import open_database
from tests.live import wires

Make = Callable[..., FlaskClient]
PAIRS = pytest.mark.parametrize(("form", "wire"), wires.PAIRS)
ROOT = Path(__file__).parents[2]
URL = re.compile("https://x.com/.*")
HOSTED = {"tools": [{"type": "web_search"}]}


@pytest.fixture
def upstream() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def to(wire: str, **more: str) -> dict[str, str]:
    return {"UPSTREAM_URL": "https://x.com", "UPSTREAM_FORMAT": wire, **more}


def sent(upstream: Any) -> Any:
    """The body that the upstream got."""
    return json.loads(upstream.calls[0].request.body)


@PAIRS
def test_a_plain_answer_is_in_the_clients_format(make: Make, upstream: Any, form: str, wire: str) -> None:
    upstream.post(URL, body=wires.finished(wire))
    answer = make(**to(wire)).post(wires.path(form), json=wires.asked(form, "m", False))
    assert answer.status_code == 200
    own = {"chat": "choices", "responses": "output", "messages": "content", "gemini": "candidates"}
    assert own[form] in answer.json
    assert wires.TEXT in answer.text
    assert upstream.calls[0].request.url.endswith(wires.path(wire).removeprefix("/v1beta").removeprefix("/v1"))


@PAIRS
def test_same_format_bytes_pass_both_ways_as_they_are(make: Make, upstream: Any, form: str, wire: str) -> None:
    body = wires.finished(wire).replace(b", ", b" ,\n ") + b"\n"
    upstream.post(URL, body=body)
    asked = json.dumps(wires.asked(form, "m", False), indent=3).encode()
    answer = make(**to(wire)).post(wires.path(form), data=asked, content_type="application/json")
    same = form == wire
    assert (upstream.calls[0].request.body == asked) is same
    assert (answer.data == body) is same


def test_the_settings_model_is_asked_for(make: Make, upstream: Any) -> None:
    upstream.post(URL, body=wires.finished("chat"))
    client = make(**to("chat", UPSTREAM_MODEL="other"))
    for form in wires.PATHS:
        assert client.post(wires.path(form), json=wires.asked(form, "m", False)).status_code == 200
    assert [json.loads(call.request.body)["model"] for call in upstream.calls] == ["other"] * 4


def test_losses_and_upstream_are_told_in_headers(make: Make, upstream: Any) -> None:
    upstream.post(URL, body=wires.finished("chat"))
    client = make(**to("chat"))
    answer = client.post("/v1/responses", json=wires.asked("responses", "m", False, max_tool_calls=3))
    assert answer.headers["Convert-Upstream"] == "main"
    assert "max_tool_calls dropped" in answer.headers["Convert-Lost"]
    assert "Convert-Lost" not in client.post("/v1/responses", json=wires.asked("responses", "m", False)).headers


@pytest.mark.parametrize(("setting", "header", "status"), [
    ("0", "1", 422), ("0", "true", 422), ("1", None, 422), ("1", "0", 200), ("0", None, 200),
])  # fmt: skip
def test_a_strict_request_is_refused_before_the_upstream_is_asked(
    make: Make, upstream: Any, setting: str, header: str | None, status: int
) -> None:
    upstream.post(URL, body=wires.finished("chat"))
    headers = {"Convert-Strict": header} if header else {}
    body = wires.asked("responses", "m", False, max_tool_calls=3)
    answer = make(**to("chat", CONVERT_STRICT=setting)).post("/v1/responses", json=body, headers=headers)
    assert answer.status_code == status
    assert len(upstream.calls) == (0 if status == 422 else 1)


@PAIRS
def test_a_streamed_answer_for_a_plain_request_is_folded(make: Make, upstream: Any, form: str, wire: str) -> None:
    upstream.post(URL, body=b"".join(wires.frames(wire)), content_type="text/event-stream; charset=utf-8")
    answer = make(**to(wire)).post(wires.path(form), json=wires.asked(form, "m", False))
    assert answer.content_type == "application/json"
    assert wires.TEXT in answer.text


@PAIRS
def test_a_200_that_holds_an_error_is_an_error(make: Make, upstream: Any, form: str, wire: str) -> None:
    upstream.post(URL, json={"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}})
    for stream in (False, True):
        answer = make(**to(wire)).post(wires.path(form, "m", stream), json=wires.asked(form, "m", stream))
        assert answer.status_code == 429
        assert answer.json["error"]["message"] == "Rate limit reached"


def test_an_error_of_the_same_format_passes_with_all_its_members(make: Make, upstream: Any) -> None:
    body = b'{"error": {"message": "No luck", "metadata": {"a": 1}},  "more": 2}'
    upstream.post(URL, body=body, status=418)
    answer = make(**to("chat")).post("/v1/chat/completions", json=wires.asked("chat", "m", False))
    assert (answer.status_code, answer.data) == (418, body)


def test_a_request_that_the_proxy_refuses_is_not_relayed(make: Make, upstream: Any) -> None:
    body = wires.asked("responses", "m", False, previous_response_id="resp_x")
    answer = make(**to("chat")).post("/v1/responses", json=body)
    assert answer.json["error"]["code"] == "previous_response_not_found"
    assert len(upstream.calls) == 0


@PAIRS
@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_key_that_the_upstream_repeats_stays_here(
    make: Make, upstream: Any, caplog: pytest.LogCaptureFixture, form: str, wire: str, status: int
) -> None:
    upstream.post(URL, json={"error": {"message": "Wrong key sk-secret-1, é"}}, status=status)
    for stream in (False, True):
        answer = make(**to(wire, UPSTREAM_API_KEY="sk-secret-1")).post(
            wires.path(form, "m", stream), json=wires.asked(form, "m", stream)
        )
        assert answer.status_code == (502 if status == 200 else status)
        assert answer.json["error"]["message"] == "Wrong key ***, é"
    assert "sk-secret-1" not in caplog.text


FORKED = """
import os
from convert import application
app = application()
parent = app.extensions["convert"]
parent.recorder.start()
child = os.fork()
here = app.extensions["convert"]
if child:
    os._exit(0 if os.waitpid(child, 0)[1] == 0 and here is parent else 1)
known = here is not parent and here.memory.process != parent.memory.process
answer = app.test_client().post("/v1/responses", json={"model": "m", "input": "Hi", "background": True})
os._exit(0 if known and here.queue and here.recorder._thread.is_alive() and answer.status_code == 200 else 1)
"""


def test_a_process_that_was_forked_with_the_app_is_one_of_its_own(tmp_path: Path) -> None:
    """gunicorn --preload: two processes of one name would take each other's responses for left behind."""
    open_database(url := f"sqlite:///{tmp_path / 'a.db'}").close()
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "CONVERT_LAG_LIMIT": "60"}
    done = subprocess.run([sys.executable, "-c", FORKED], env=environ, cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
