from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from tests.api.sdk import sdk
from tests.conftest import Make

TOOL: Any = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": False}
OWNED = "https://responses.test/v1"


def create(api: openai.OpenAI, text: Any = "Hello", **further: Any) -> Any:
    return api.responses.create(model="m", input=text, **further)


def valid(kind: str, body: Any) -> None:
    """Checks a body against the published schemas, where the conformance kit is at hand."""
    if kit := os.environ.get("CONVERT_CONFORMANCE"):
        from tests.laws.schemas import violations

        assert violations(kind, body) == [], kit


def test_every_endpoint_with_the_official_sdk(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url)
    api = sdk(client)
    first = create(api, "one", instructions="Be brief.", metadata={"a": "b"})
    found = api.responses.retrieve(first.id)
    assert found == first and found.metadata == {"a": "b"} and found.store
    second = create(api, "two", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    listed = api.responses.input_items.list(second.id, order="asc")
    assert [item.content[0].text for item in listed] == ["one", "one", "two"]  # type: ignore[union-attr]
    assert len({item.id for item in api.responses.input_items.list(second.id, limit=1)}) == 3  # page by page
    valid("responses.response", client.get(f"/v1/responses/{second.id}", headers=KEY).get_json())
    api.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        api.responses.retrieve(second.id)
    assert api.responses.retrieve(first.id).id == first.id


KEY = {"Authorization": "Bearer sk-one"}


def test_a_streamed_response_is_stored_as_the_object_that_it_ended_with(make: Make, database_url: str) -> None:
    api = sdk(make(DATABASE_URL=database_url))
    with api.responses.stream(model="m", input='call add {"a": 1}', tools=[TOOL]) as stream:
        final = stream.get_final_response()
    assert api.responses.retrieve(final.id).output[0].arguments == '{"a": 1}'  # type: ignore[union-attr]
    call = final.output[0]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "1"}  # type: ignore[union-attr]
    third = create(api, [output], previous_response_id=final.id, tools=[TOOL])
    kinds = [item.type for item in api.responses.input_items.list(third.id, order="asc")]
    assert kinds == ["message", "function_call", "function_call_output"]


def test_input_items_are_valid_whatever_they_were_sent_as(make: Make) -> None:
    client = make()
    given = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "1"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "user", "content": [{"type": "input_text", "text": "And?"}]},
    ]
    made = client.post("/v1/responses", json={"model": "m", "input": given, "tools": [TOOL]}).get_json()
    listed = client.get(f"/v1/responses/{made['id']}/input_items?order=asc&limit=100").get_json()
    assert [item["type"] for item in listed["data"]] == [
        "message", "message", "function_call", "function_call_output", "reasoning", "message",
    ]  # fmt: skip
    assert all(item["id"] for item in listed["data"]) and not listed["has_more"]
    assert (listed["first_id"], listed["last_id"]) == (listed["data"][0]["id"], listed["data"][-1]["id"])
    if kit := os.environ.get("CONVERT_CONFORMANCE"):
        assert _violations(Path(kit), "ResponseItemList", listed) == []


def _violations(kit: Path, schema: str, body: Any) -> list[str]:
    """What of a body is against a schema of OpenAI's document."""
    sys.path.insert(0, str(kit))
    import jsonschema_rs

    document = json.loads((kit / "specs" / "openai.openapi.json").read_text())
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    return [error.message for error in jsonschema_rs.validator_for(whole).iter_errors(body)]


@pytest.mark.parametrize("identity", ["resp_nothing", "..%2f..%2fetc%2fpasswd", "%00", "a" * 200, "' OR 1=1", "a b"])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("GET", "/input_items")])
def test_an_id_that_does_not_exist(make: Make, identity: str, method: str, rest: str) -> None:
    answer = make().open(f"/v1/responses/{identity}{rest}", method=method)
    assert answer.status_code == 404 and answer.get_json()["error"]["type"] == "invalid_request_error"
    valid("responses.error", answer.get_json())


CALLS: list[Callable[[openai.OpenAI, str], Any]] = [
    lambda api, identity: api.responses.retrieve(identity),
    lambda api, identity: api.responses.delete(identity),
    lambda api, identity: api.responses.input_items.list(identity),
    lambda api, identity: create(api, "x", previous_response_id=identity),
]


@pytest.mark.parametrize("keys", [{}, {"CONVERT_KEYS": "sk-one,sk-two"}])
def test_another_tenant_sees_no_difference_to_an_unknown_id(
    make: Make, database_url: str, keys: dict[str, str]
) -> None:
    client = make(DATABASE_URL=database_url, **keys)
    made = create(sdk(client)).id
    unknown = made[:-1] + ("0" if made[-1] != "0" else "1")
    for call in CALLS:
        said = []
        for identity in (made, unknown):
            with pytest.raises(openai.APIStatusError) as caught:
                call(sdk(client, "sk-two"), identity)
            said.append((caught.value.status_code, str(caught.value.body).replace(identity, "ID")))
        assert said[0] == said[1] and said[0][0] in (400, 404)
    assert sdk(client).responses.retrieve(made).id == made


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=²", "order=up", "include=nothing", "include[]=x"])
def test_a_wrong_query_is_refused_by_name(make: Make, query: str) -> None:
    client = make()
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).get_json()["id"]
    refused = client.get(f"/v1/responses/{made}/input_items?{query}")
    name = query.partition("=")[0].removesuffix("[]")
    assert refused.status_code == 400 and refused.get_json()["error"]["param"].startswith(name)


def test_a_cursor_that_does_not_exist(make: Make) -> None:
    client = make()
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).get_json()["id"]
    assert client.get(f"/v1/responses/{made}/input_items?after=msg_x").status_code == 404


def test_what_has_expired_is_not_there(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make(CONVERT_RETENTION="1")
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).get_json()["id"]
    later = time.time() + 86401
    monkeypatch.setattr("convert.state.memory.time.time", lambda: later)
    assert client.get(f"/v1/responses/{made}").status_code == 404
    refused = client.post("/v1/responses", json={"model": "m", "input": "Hi", "previous_response_id": made})
    assert refused.get_json()["error"]["code"] == "previous_response_not_found"


def test_an_upstream_that_keeps_its_responses_is_asked_for_them(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL=OWNED, UPSTREAM_FORMAT="responses", UPSTREAM_API_KEY="sk-up")
    upstream.get(f"{OWNED}/responses/resp_up", body=b'{"id": "resp_up",  "as": "it is"}')
    upstream.delete(f"{OWNED}/responses/resp_up", json={"deleted": True})
    upstream.get(f"{OWNED}/responses/resp_up/input_items", json={"data": []})
    upstream.get(f"{OWNED}/responses/resp_gone", status=404, json={"error": {"message": "gone"}})
    found = client.get("/v1/responses/resp_up?include[]=anything&key=sk-client")
    assert found.data == b'{"id": "resp_up",  "as": "it is"}'
    assert client.delete("/v1/responses/resp_up").get_json() == {"deleted": True}
    assert client.get("/v1/responses/resp_up/input_items?limit=3").get_json() == {"data": []}
    assert client.get("/v1/responses/resp_gone").status_code == 404
    assert [call.request.headers["Authorization"] for call in upstream.calls[:1]] == ["Bearer sk-up"]
    urls = [call.request.url.removeprefix(OWNED) for call in upstream.calls]
    assert urls == [
        "/responses/resp_up?include%5B%5D=anything", "/responses/resp_up", "/responses/resp_up/input_items?limit=3",
        "/responses/resp_gone",
    ]  # fmt: skip


def test_a_server_with_keys_asks_for_one(make: Make) -> None:
    assert make(CONVERT_KEYS="sk-mine").get("/v1/responses/resp_1").status_code == 401


def test_the_sdk_has_the_type_of_what_is_stored(make: Make) -> None:
    client = make()
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).get_json()
    Response.model_validate(client.get(f"/v1/responses/{made['id']}").get_json())
