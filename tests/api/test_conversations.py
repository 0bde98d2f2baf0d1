from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.api.sdk import sdk
from tests.api.test_stored import _violations
from tests.conftest import Make

USER: Any = {"type": "message", "role": "user", "content": "Hi"}


def test_every_endpoint_with_the_official_sdk(make: Make, database_url: str) -> None:
    api = sdk(make(DATABASE_URL=database_url))
    made = api.conversations.create(metadata={"a": "b"}, items=[USER])
    assert made.metadata == {"a": "b"} and api.conversations.retrieve(made.id) == made
    assert api.conversations.update(made.id, metadata={"c": "d"}).metadata == {"c": "d"}
    added = api.conversations.items.create(made.id, items=[{**USER, "content": f"{n}"} for n in range(3)])
    assert len(added.data) == 3 and not added.has_more
    listed = [*api.conversations.items.list(made.id, limit=2, order="asc")]  # page by page
    assert [item.content[0].text for item in listed] == ["Hi", "0", "1", "2"]  # type: ignore[union-attr]
    assert [item.id for item in api.conversations.items.list(made.id)] == [item.id for item in listed[::-1]]
    one = api.conversations.items.retrieve(listed[1].id or "", conversation_id=made.id)
    assert one == listed[1]
    assert api.conversations.items.delete(one.id or "", conversation_id=made.id).id == made.id
    assert len(api.conversations.items.list(made.id).data) == 3
    assert api.conversations.delete(made.id).deleted
    for call in (api.conversations.retrieve, api.conversations.items.list, api.conversations.delete):
        with pytest.raises(openai.NotFoundError):
            call(made.id)


@pytest.mark.parametrize("streamed", [False, True])
def test_responses_go_on_in_a_conversation(make: Make, database_url: str, streamed: bool) -> None:
    client = make(DATABASE_URL=database_url)
    api = sdk(client)
    made = api.conversations.create()
    for text in ("one", "two"):
        body = {"model": "m", "input": text, "conversation": made.id, "stream": streamed}
        answer = client.post("/v1/responses", json=body, headers={"Authorization": "Bearer sk-one"})
        assert f'"conversation":{{"id":"{made.id}"}}' in answer.get_data(as_text=True)
    texts = [item.content[0].text for item in api.conversations.items.list(made.id, order="asc")]  # type: ignore[union-attr]
    assert texts == ["one", "one", "two", "two"]


def test_lists_are_valid(make: Make) -> None:
    client = make()
    made = client.post("/v1/conversations", json={"items": [USER]}).get_json()
    listed = client.get(f"/v1/conversations/{made['id']}/items").get_json()
    if kit := os.environ.get("CONVERT_CONFORMANCE"):
        assert _violations(Path(kit), "ConversationResource", made) == []
        assert _violations(Path(kit), "ConversationItemList", listed) == []
    assert listed["data"][0]["content"] == [{"type": "input_text", "text": "Hi"}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"items": [USER] * 21}, "items"),
        ({"items": "Hi"}, "items"),
        ({"items": ["Hi"]}, "items[0]"),
        ({"items": [{"type": "message", "role": "robot", "content": "x"}]}, "items[0].role"),
        ({"items": [{"type": "item_reference", "id": "msg_1"}]}, "items"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"k": "x" * 513}}, "metadata.k"),
    ],
)
def test_a_mistake_is_told_at_its_place(make: Make, body: Any, param: str) -> None:
    refused = make().post("/v1/conversations", json=body)
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (400, param)


def test_metadata_and_items_must_be_given(make: Make) -> None:
    client = make()
    path = f"/v1/conversations/{client.post('/v1/conversations').get_json()['id']}"
    assert client.post(path, json={}).get_json()["error"]["param"] == "metadata"
    assert client.post(f"{path}/items", json={}).get_json()["error"]["param"] == "items"
    assert client.get(f"{path}/items?after=msg_x").status_code == 404
    assert client.get(f"{path}/items/msg_x").status_code == 404
    assert client.delete(f"{path}/items/msg_x").status_code == 404


def test_another_tenant_sees_no_difference_to_an_unknown_id(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url)
    made = sdk(client).conversations.create(items=[USER])
    item = sdk(client).conversations.items.list(made.id).data[0].id or ""
    unknown = made.id[:-1] + ("0" if made.id[-1] != "0" else "1")
    other = sdk(client, "sk-two")
    calls: list[Any] = [
        other.conversations.retrieve, other.conversations.delete, other.conversations.items.list,
        lambda each: other.conversations.update(each, metadata={}),
        lambda each: other.conversations.items.create(each, items=[USER]),
        lambda each: other.conversations.items.retrieve(item, conversation_id=each),
        lambda each: other.conversations.items.delete(item, conversation_id=each),
        lambda each: other.responses.create(model="m", input="Hi", conversation=each),
    ]  # fmt: skip
    for call in calls:
        said = []
        for identity in (made.id, unknown):
            with pytest.raises(openai.NotFoundError) as caught:
                call(identity)
            said.append(str(caught.value.body).replace(identity, "ID"))
        assert said[0] == said[1]
    assert len(sdk(client).conversations.items.list(made.id).data) == 1


def test_a_conversation_and_a_previous_response_exclude_each_other(make: Make) -> None:
    body = {"model": "m", "input": "Hi", "conversation": "conv_x", "previous_response_id": "resp_x"}
    refused = make().post("/v1/responses", json=body)
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (400, "conversation")


def test_an_upstream_that_keeps_conversations_is_asked_for_them(make: Make, upstream: Any) -> None:
    client = make(UPSTREAM_URL="https://r.test/v1", UPSTREAM_FORMAT="responses", UPSTREAM_API_KEY="sk-up")
    upstream.post("https://r.test/v1/conversations", json={"id": "conv_up"})
    upstream.get("https://r.test/v1/conversations/conv_up/items", json={"data": []})
    assert client.post("/v1/conversations", json={}).get_json() == {"id": "conv_up"}
    assert client.get("/v1/conversations/conv_up/items?limit=2").get_json() == {"data": []}


def test_a_server_without_a_store_has_none(make: Make) -> None:
    client = make(CONVERT_STORE="0")
    assert client.post("/v1/conversations", json={}).status_code == 404
    assert client.get("/v1/conversations/conv_x").status_code == 404
