from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.api.sdk import sdk
from tests.conftest import Make

PARTS = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]


def create(api: openai.OpenAI, text: str = "Hello", **further: Any) -> Any:
    return api.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], store=True, **further)


def test_every_endpoint_with_the_official_sdk(make: Make, database_url: str) -> None:
    api = sdk(make(DATABASE_URL=database_url))
    first = create(api, "one", metadata={"kind": "a"})
    second = create(api, "two")
    assert api.chat.completions.retrieve(first.id).choices[0].message.content == "one"
    assert [each.id for each in api.chat.completions.list(limit=1)] == [first.id, second.id]  # goes on by `after`
    assert [each.id for each in api.chat.completions.list(order="desc")] == [second.id, first.id]
    assert [each.id for each in api.chat.completions.list(metadata={"kind": "a"})] == [first.id]
    assert api.chat.completions.update(first.id, metadata={"kind": "b"}).metadata == {"kind": "b"}  # type: ignore[attr-defined]
    assert api.chat.completions.messages.list(first.id).data[0].content == "one"
    assert api.chat.completions.delete(first.id).deleted
    with pytest.raises(openai.NotFoundError):
        api.chat.completions.retrieve(first.id)


def test_messages_show_their_parts(make: Make) -> None:
    client = make()
    body = {"model": "m", "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": PARTS}]}
    made = client.post("/v1/chat/completions", json={**body, "store": True}).get_json()["id"]
    path = f"/v1/chat/completions/{made}/messages"
    listed = client.get(path).get_json()
    assert [each["content"] for each in listed["data"]] == ["S", "Look"]
    assert listed["data"][1]["content_parts"] == PARTS
    assert client.get(f"{path}?after={made}-0").get_json()["data"] == listed["data"][1:]
    assert client.get(f"{path}?order=desc&limit=1").get_json()["data"] == listed["data"][1:]
    assert client.get(f"{path}?after=nothing").status_code == 404


def test_another_tenant_sees_nothing(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url)
    made = create(sdk(client)).id
    other = sdk(client, "sk-two")
    unknown = made[:-1] + ("0" if made[-1] != "0" else "1")
    calls = (other.chat.completions.retrieve, other.chat.completions.delete, other.chat.completions.messages.list,
             lambda each: other.chat.completions.update(each, metadata={}))  # fmt: skip
    for call in calls:
        said = []
        for identity in (made, unknown):
            with pytest.raises(openai.NotFoundError) as caught:
                call(identity)
            said.append(caught.value.message.replace(identity, "ID"))
        assert said[0] == said[1]
    assert other.chat.completions.list().data == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "limit=-1"])
def test_a_wrong_query_is_refused_by_name(make: Make, query: str) -> None:
    refused = make().get(f"/v1/chat/completions?{query}")
    assert refused.status_code == 400 and refused.get_json()["error"]["param"] == query.partition("=")[0]


@pytest.mark.parametrize("identity", ["nothing", "..%2f..%2fetc", "%00", "a" * 300, "'; drop table"])
def test_a_malformed_id_is_an_unknown_one(make: Make, identity: str) -> None:
    assert make().get(f"/v1/chat/completions/{identity}").status_code == 404


def test_metadata_must_be_given(make: Make) -> None:
    client = make()
    made = create(sdk(client)).id
    assert client.post(f"/v1/chat/completions/{made}", json={}).get_json()["error"]["param"] == "metadata"
    assert client.get("/v1/chat/completions?after=nothing").status_code == 404


def test_a_server_without_a_store_has_none_of_them(make: Make) -> None:
    assert make(CONVERT_STORE="0").get("/v1/chat/completions").status_code == 404


def test_a_server_with_keys_asks_for_one(make: Make) -> None:
    assert make(CONVERT_KEYS="sk-mine").get("/v1/chat/completions").status_code == 401
