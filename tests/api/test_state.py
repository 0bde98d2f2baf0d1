"""State over the wire: POST /v1/responses stored and continued, over every format of upstream."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, inspect, text

from convert import settings, sse
from convert.state import ids
from tests.conftest import Make

CORPUS = Path(__file__).parent.parent / "corpus"
KEY = {"Authorization": "Bearer sk-one"}
DOWN = "postgresql://nobody@127.0.0.1:1/none"
NOT_FOUND = (400, "previous_response_not_found", "previous_response_id")
# The wires: settings of the upstream, its URLs, and a recording of a plain answer.
WIRES: dict[str, tuple[dict[str, str], str, str]] = {
    "chat": ({"UPSTREAM_URL": "http://up.test"}, "/v1/chat/completions", "chat/llama.cpp"),
    "messages": ({"UPSTREAM_URL": "http://up.test"}, "/v1/messages", "messages/llama.cpp"),
    "gemini": ({"UPSTREAM_URL": "http://up.test"}, "/v1/models/m:", "gemini/documentation"),
    "responses": ({"UPSTREAM_URL": "https://openrouter.ai"}, "/api/v1/responses", "responses/llama.cpp"),
}


class Wire:
    """A client of an app whose upstream speaks a format."""

    def __init__(self, name: str, make: Make, upstream: Any, url: str) -> None:
        self.name, self.upstream, self.make = name, upstream, make
        environ, path, self.folder = WIRES[name]
        self.environ = {**environ, "UPSTREAM_FORMAT": name, "DATABASE_URL": url, "UPSTREAM_API_KEY": "sk-up"}
        self.environ["CONVERT_OPEN"] = "1"
        self.url = environ["UPSTREAM_URL"] + path

    def answers(self, streamed: bool) -> None:
        """The upstream answers with its recording, which is streamed or not."""
        folder = CORPUS / self.folder / ("plain-stream" if streamed else "plain")
        if streamed:
            given = {"body": (folder / "response.sse").read_bytes(), "content_type": "text/event-stream"}
        else:
            given = {"body": (folder / "response.json").read_bytes(), "content_type": "application/json"}
        verb = ("streamGenerateContent?alt=sse" if streamed else "generateContent") if self.name == "gemini" else ""
        self.upstream.reset()
        self.upstream.add(self.upstream.POST, self.url + verb, **given)

    @property
    def sent(self) -> str:
        """What the upstream was sent last."""
        return str(self.upstream.calls[-1].request.body.decode())

    def client(self) -> FlaskClient:
        """A client of a process of its own."""
        return self.make(**self.environ)


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest, make: Make, upstream: Any, database_url: str) -> Wire:
    """An upstream of each format in turn."""
    return Wire(request.param, make, upstream, database_url)


def post(client: FlaskClient, text: Any = "Hello", key: str = "sk-one", **further: Any) -> Any:
    body = {"model": "m", "input": text, **further}
    return client.post("/v1/responses", json=body, headers={"Authorization": f"Bearer {key}"})


def final(answer: Any) -> dict[str, Any]:
    """The response object of an answer, plain or streamed."""
    assert answer.status_code == 200, answer.text
    if answer.mimetype == "application/json":
        return dict(answer.json)
    events = [*sse.chunks([answer.get_data()])]
    if "sequence_number" in events[0]:  # llama.cpp has none
        assert [each["sequence_number"] for each in events] == [*range(len(events))]
    assert {each["response"]["id"] for each in events if "response" in each} == {events[-1]["response"]["id"]}
    return dict(events[-1]["response"])


def refused(answer: Any) -> tuple[int, str | None, str | None]:
    error = answer.json["error"]
    return answer.status_code, error["code"], error["param"]


def rows(url: str) -> dict[str, int]:
    """The number of rows of each table."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        names = [name for name in inspect(engine).get_table_names() if name not in ("alembic_version", "processes")]
        found = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() or 0 for name in names}
    engine.dispose()
    return found


@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_is_stored_and_continued(wire: Wire, streamed: bool) -> None:
    wire.answers(streamed)
    first = final(post(wire.client(), "The first words", stream=streamed))
    assert ids.is_response(first["id"]) and first.get("store", True) is True
    assert first["status"] == ("incomplete" if wire.name == "messages" else "completed")
    said = next(item for item in first["output"] if item["type"] == "message")["content"][0]["text"]
    again = wire.client()  # another process
    second = final(post(again, "The second words", stream=streamed, previous_response_id=first["id"]))
    assert second["previous_response_id"] == first["id"] != second["id"]
    said = json.dumps(said, ensure_ascii=False)[1:-1]
    sent = json.dumps(json.loads(wire.sent), ensure_ascii=False)
    places = [sent.find(words) for words in ("The first words", said, "The second words")]
    assert -1 not in places and places == sorted(places), sent
    assert first["id"] not in json.dumps(without_items(json.loads(wire.sent)))
    assert not {"previous_response_id", "conversation", "background", "store"} & json.loads(wire.sent).keys()
    found = again.get(f"/v1/responses/{second['id']}", headers=KEY)
    assert found.json == second


def without_items(body: dict[str, Any]) -> dict[str, Any]:
    """A body without its input, whose items may have ids that hold a response's."""
    return {key: value for key, value in body.items() if key != "input"}


def test_a_third_turn_has_each_word_once(wire: Wire) -> None:
    client, previous = wire.client(), None
    wire.answers(False)
    for words in ("alpha", "beta", "gamma"):
        previous = final(post(client, words, previous_response_id=previous))["id"]
    assert [wire.sent.count(words) for words in ("alpha", "beta", "gamma")] == [1, 1, 1]


def test_instructions_are_not_inherited(wire: Wire) -> None:
    """OpenAI: the instructions of the previous response are not carried over."""
    wire.answers(False)
    first = final(post(wire.client(), instructions="Speak like a pirate."))
    assert "pirate" in wire.sent
    post(wire.client(), previous_response_id=first["id"])
    assert "pirate" not in wire.sent


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_not_to_be_stored_leaves_no_row(wire: Wire, database_url: str, streamed: bool) -> None:
    wire.answers(streamed)
    client = wire.client()
    assert not final(post(client, store=False, stream=streamed)).get("store")
    kept = final(post(client, stream=streamed))
    before = rows(database_url)
    assert before["responses"] == 1
    final(post(client, store=False, stream=streamed, previous_response_id=kept["id"]))
    assert rows(database_url) == before


def test_an_upstream_error_leaves_no_row(wire: Wire, database_url: str) -> None:
    client = wire.client()
    wire.answers(False)
    final(post(client))
    before = rows(database_url)
    wire.upstream.reset()
    pattern = wire.url if wire.name != "gemini" else wire.url + "generateContent"
    wire.upstream.add(wire.upstream.POST, pattern, status=429, json={"error": {"message": "slow down"}})
    assert post(client).status_code == 429
    assert rows(database_url) == before


def test_an_upstream_that_keeps_state_is_left_to_it(make: Make, upstream: Any, database_url: str) -> None:
    """Its ids, its bytes; nothing is stored here."""
    recorded = (CORPUS / "responses/llama.cpp/plain/response.json").read_bytes()
    upstream.add(upstream.POST, "https://api.openai.com/v1/responses", body=recorded, content_type="application/json")
    client = make(UPSTREAM_URL="https://api.openai.com", UPSTREAM_FORMAT="responses", DATABASE_URL=database_url)
    asked = {"model": "m", "input": "Hi", "previous_response_id": "resp_theirs", "store": True}
    answer = client.post("/v1/responses", json=asked, headers=KEY)
    assert answer.get_data() == recorded
    assert json.loads(upstream.calls[0].request.body) == asked


@pytest.fixture
def client(make: Make, database_url: str) -> FlaskClient:
    """A client of the demonstration, which repeats what it hears."""
    return make(DATABASE_URL=database_url)


def test_a_conversation_and_a_previous_response_exclude_each_other(client: FlaskClient) -> None:
    first = final(post(client))
    answer = post(client, conversation=ids.new("conv"), previous_response_id=first["id"])
    assert refused(answer) == (400, "mutually_exclusive_parameters", "conversation")


def test_a_previous_response_that_is_not_there(client: FlaskClient) -> None:
    first = final(post(client))
    assert refused(post(client, previous_response_id=ids.new("resp"))) == NOT_FOUND
    assert refused(post(client, previous_response_id=first["id"], key="sk-two")) == NOT_FOUND
    assert client.delete(f"/v1/responses/{first['id']}", headers=KEY).status_code == 200
    assert refused(post(client, previous_response_id=first["id"])) == NOT_FOUND
    assert refused(post(client, previous_response_id=first["id"], store=False, stream=True)) == NOT_FOUND


@pytest.mark.parametrize("identity", ["", "resp_1", "../../etc/passwd", "a\x00b", "x" * 100_000])
def test_a_malformed_previous_id_is_one_that_is_not_there(client: FlaskClient, identity: str) -> None:
    assert refused(post(client, previous_response_id=identity)) == NOT_FOUND
    assert refused(post(client, previous_response_id=identity, stream=True)) == NOT_FOUND


@pytest.mark.parametrize("identity", [5, {}, [], True])
def test_a_previous_id_must_be_a_string(client: FlaskClient, identity: Any) -> None:
    status, _, param = refused(post(client, previous_response_id=identity))
    assert (status, param) == (400, "previous_response_id")


@pytest.mark.parametrize("identity", ["conv_1", "../x", "a\x00b", ids.new("conv")])
def test_a_conversation_that_is_not_there(client: FlaskClient, identity: str) -> None:
    assert refused(post(client, conversation=identity))[0] == 404
    assert refused(post(client, conversation={"id": identity}, stream=True))[0] == 404


TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_output_follows(client: FlaskClient, streamed: bool) -> None:
    first = final(post(client, 'call add {"a": 1}', tools=[TOOL], stream=streamed))
    (call,) = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "one more is two"}
    second = final(post(client, [output], tools=[TOOL], previous_response_id=first["id"], stream=streamed))
    assert second["output"][0]["content"][0]["text"] == "one more is two"


def test_a_tool_output_without_its_call_is_refused(client: FlaskClient) -> None:
    first = final(post(client))
    output = {"type": "function_call_output", "call_id": "call_nobody", "output": "x"}
    answer = post(client, [output], previous_response_id=first["id"])
    assert refused(answer) == (400, None, "input[0].call_id")
    assert "No tool call found for function call output with call_id call_nobody." in answer.json["error"]["message"]


def test_a_reference_is_resolved(client: FlaskClient) -> None:
    first = final(post(client, "remember me"))
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    user = {"role": "user", "content": "and now"}
    second = final(post(client, [reference, user]))
    listed = client.get(f"/v1/responses/{second['id']}/input_items?order=asc", headers=KEY).json["data"]
    assert [item["content"][0]["text"] for item in listed] == ["remember me", "and now"]
    assert final(post(client, [reference, user], previous_response_id=first["id"]))


@pytest.mark.parametrize("identity", ["msg_1", "../x", "a\x00b", "\ud800", "msg_" + "0" * 52, 5, None])
def test_a_reference_to_nothing_is_404(client: FlaskClient, identity: Any) -> None:
    answer = post(client, [{"type": "item_reference", "id": identity}])
    assert refused(answer) in ((404, None, "input"), (400, None, "input[0].id"))


def test_a_reference_to_another_tenant_is_404(client: FlaskClient) -> None:
    first = final(post(client))
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    assert refused(post(client, [reference], key="sk-two")) == (404, None, "input")


@pytest.mark.parametrize("identity", ["a\x00b", "x" * 500, "../x", "a b/c?d", "é"])
def test_a_client_may_name_its_items_as_it_likes(client: FlaskClient, identity: str) -> None:
    """In a conversation they are keys of the database, which knows neither NUL nor long ones."""
    message = {"type": "message", "role": "user", "content": "Hi", "id": identity}
    name = client.post("/v1/conversations", json={}, headers=KEY).json["id"]
    for further in ({}, {"conversation": name}, {"conversation": name, "stream": True}):
        assert final(post(client, [message], **further))["status"] == "completed"

    def listed(**query: str) -> list[Any]:
        asked = {"order": "asc", **query}
        found = client.get(f"/v1/conversations/{name}/items", query_string=asked, headers=KEY).json["data"]
        return list(found)

    assert [item["id"] for item in listed()].count(identity) == 1 and len(listed()) == 3
    assert listed(after=identity) == listed()[1:]


@pytest.mark.parametrize("identity", [5, ["x"], {}, True])
def test_the_id_of_an_item_must_be_a_string(client: FlaskClient, identity: Any) -> None:
    message = {"type": "message", "role": "user", "content": "Hi", "id": identity}
    assert refused(post(client, [message])) == (400, None, "input[0].id")


@pytest.mark.parametrize("identity", ["%00", "a%00b", "..%2Fx", "x" * 1000, "%F0%9F%98%80"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/{}", "/v1/responses/{}/input_items", "/v1/conversations/{}", "/v1/conversations/{}/items",
        "/v1/conversations/" + "{conversation}/items/{}", "/v1/chat/completions/{}",
        "/v1/chat/completions/{}/messages",
    ],
)  # fmt: skip
def test_an_id_that_none_can_be_is_404(client: FlaskClient, path: str, identity: str) -> None:
    name = client.post("/v1/conversations", json={}, headers=KEY).json["id"]
    answer = client.get(path.replace("{conversation}", name).replace("{}", identity), headers=KEY)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    "path", ["/v1/conversations/{conversation}/items", "/v1/chat/completions", "/v1/responses/{response}/input_items"]
)
@pytest.mark.parametrize("cursor", ["", "a\x00b", "../x", "x" * 1000])
def test_a_cursor_that_none_can_be_does_not_exist(client: FlaskClient, path: str, cursor: str) -> None:
    name = client.post("/v1/conversations", json={}, headers=KEY).json["id"]
    path = path.replace("{conversation}", name).replace("{response}", final(post(client))["id"])
    assert client.get(path, query_string={"after": cursor}, headers=KEY).status_code in (400, 404)


def test_when_the_database_is_down_the_stateless_go_on(make: Make) -> None:
    client = make(DATABASE_URL=DOWN)
    for further in ({}, {"stream": True}, {"previous_response_id": ids.new("resp")}, {"conversation": ids.new("conv")}):
        answer = post(client, **further)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "database" in answer.json["error"]["message"]
    assert final(post(client, store=False))["store"] is False
    assert final(post(client, store=False, stream=True))["status"] == "completed"
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert client.post("/v1/chat/completions", json=body).status_code == 200
    assert client.get("/health").status_code == 200


def test_switched_off_nothing_is_kept(make: Make, tmp_path: Path) -> None:
    client = make(CONVERT_STORE="0", DATABASE_URL=f"sqlite:///{tmp_path / 'none.db'}")
    assert final(post(client))["store"] is False
    assert final(post(client, store=True, stream=True))["store"] is False
    assert refused(post(client, previous_response_id=ids.new("resp"))) == NOT_FOUND
    assert not (tmp_path / "none.db").exists()


def test_without_a_place_for_the_default_file_requests_go_on(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(settings, "DATABASE", f"sqlite:///{tmp_path / 'file' / 'convert.db'}")
    client = make()
    with caplog.at_level(logging.WARNING):
        for streamed in (False, True):
            assert final(post(client, store=True, stream=streamed))["store"] is False
    assert caplog.text.count("nothing is stored") == 1
    assert refused(post(client, previous_response_id=ids.new("resp"))) == NOT_FOUND


FULL = """
import resource, sys
from convert import create_app
from convert.settings import load
client = create_app(load(None, {"DATABASE_URL": sys.argv[1]})).test_client()
def ask(words, **further):
    return client.post("/v1/responses", json={"model": "m", "input": words, **further})
kept = ask("small").json["id"]
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
large = "x" * 3_000_000
answer = ask(large)
print(answer.status_code, answer.headers.get("Retry-After"))
answer = ask(large, stream=True)
print(answer.status_code if answer.status_code != 200 else answer.get_data()[-2000:].count(b"response.failed"))
print(ask(large, store=False).status_code)
print(client.get("/v1/responses/" + kept).status_code)
"""


def test_a_full_disk_is_an_error_and_no_half_written_row(tmp_path: Path) -> None:
    """The limit on the size of files stands for the disk's."""
    path = tmp_path / "full.db"
    script = [sys.executable, "-c", FULL, f"sqlite:///{path}", "1000000"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["503 5", "503"], done.stderr
    assert done.stdout.split("\n")[2:4] == ["200", "200"], done.stderr
    found = rows(f"sqlite:///{path}")
    assert (found["responses"], found["events"]) == (1, 0)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()
