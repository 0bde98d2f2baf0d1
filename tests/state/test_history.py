from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from convert.errors import ProxyError
from convert.settings import load as settings
from convert.state import history, ids
from convert.state.memory import Memory
from convert.store import conversations, responses
from convert.store.conversations import Conversation
from convert.store.responses import Row

FIRST, SECOND = ids.new("resp"), ids.new("resp")
PATHS = ["", "resp_1", "../../etc/passwd", "a\x00b", "\ud800", "x" * 10_000]
MALFORMED: list[Any] = [*PATHS, 5, 1.5, True, {}, [], ["a"]]


@pytest.fixture
def memory(database_url: str) -> Iterator[Memory]:
    made = Memory(settings(None, {"DATABASE_URL": database_url}))
    yield made
    made.database.close()


def item(name: str) -> dict[str, Any]:
    return {"type": "message", "id": name, "role": "user", "content": []}


def add(memory: Memory, name: str, previous: str | None = None, **changes: Any) -> None:
    given = {"created": time.time(), "status": "completed", **changes}
    row = Row(
        tenant="t", id=name, thread=FIRST, previous=previous, **given,
        input=json.dumps([item(f"{name} in")]).encode(), output=json.dumps([item(f"{name} out")]).encode(),
    )  # fmt: skip
    memory.run(lambda connection: responses.begin(connection, row))


def load(memory: Memory, tenant: str = "t", **asked: Any) -> history.History:
    return history.load(memory, tenant, asked)


def refusal(memory: Memory, tenant: str = "t", **asked: Any) -> tuple[int, str | None, str | None]:
    with pytest.raises(ProxyError) as caught:
        load(memory, tenant, **asked)
    return caught.value.status, caught.value.code, caught.value.param


def test_what_continues_nothing_has_no_history(memory: Memory) -> None:
    assert load(memory) == load(memory, previous_response_id=None, conversation=None) == history.History()


def test_the_items_of_a_chain_in_order(memory: Memory) -> None:
    add(memory, FIRST)
    add(memory, SECOND, FIRST)
    found = load(memory, previous_response_id=SECOND)
    assert [each["id"] for each in found.items] == [
        f"{FIRST} in", f"{FIRST} out", f"{SECOND} in", f"{SECOND} out",
    ]  # fmt: skip
    assert (found.thread, found.previous, found.conversation) == (FIRST, SECOND, None)


NOT_FOUND = (400, "previous_response_not_found", "previous_response_id")


def test_a_previous_response_that_is_not_there(memory: Memory) -> None:
    add(memory, FIRST)
    assert refusal(memory, previous_response_id=SECOND) == NOT_FOUND
    assert refusal(memory, tenant="other", previous_response_id=FIRST) == NOT_FOUND


@pytest.mark.parametrize("identity", MALFORMED, ids=lambda value: repr(value)[:20])
def test_a_malformed_previous_id_is_one_that_is_not_there(memory: Memory, identity: Any) -> None:
    assert refusal(memory, previous_response_id=identity) == NOT_FOUND


def test_a_chain_with_a_deleted_link_is_broken(memory: Memory) -> None:
    add(memory, FIRST)
    add(memory, SECOND, FIRST)
    memory.run(lambda connection: responses.remove(connection, "t", FIRST))
    assert refusal(memory, previous_response_id=SECOND) == NOT_FOUND


def test_what_has_expired_is_not_there(memory: Memory) -> None:
    add(memory, FIRST, created=time.time() - 31 * 86400)
    assert refusal(memory, previous_response_id=FIRST) == NOT_FOUND
    add(memory, SECOND, FIRST)
    assert load(memory, previous_response_id=FIRST).previous == FIRST  # a later one of its chain is in use


@pytest.mark.parametrize("status", ["in_progress", "queued"])
def test_what_is_under_way_cannot_be_continued_yet(memory: Memory, status: str) -> None:
    add(memory, FIRST, status=status)
    assert refusal(memory, previous_response_id=FIRST) == (400, None, "previous_response_id")


def test_the_items_of_a_conversation(memory: Memory) -> None:
    name = ids.new("conv")
    made = Conversation(name, time.time(), b"{}")
    entries = [(each, json.dumps(item(each)).encode()) for each in ("a", "b")]

    def fill(connection: Any) -> None:
        conversations.create(connection, "t", made)
        conversations.append(connection, "t", name, entries)

    memory.run(fill)
    for given in (name, {"id": name}):
        found = load(memory, conversation=given)
        assert [each["id"] for each in found.items] == ["a", "b"] and found.conversation == name
    assert refusal(memory, tenant="other", conversation=name) == (404, None, "conversation")


@pytest.mark.parametrize("identity", PATHS, ids=lambda value: repr(value)[:20])
def test_a_malformed_conversation_is_one_that_is_not_there(memory: Memory, identity: str) -> None:
    assert refusal(memory, conversation=identity) == (404, None, "conversation")
    assert refusal(memory, conversation={"id": identity}) == (404, None, "conversation")


@pytest.mark.parametrize("given", [5, [], ["conv_1"], {"id": 5}, True])
def test_a_conversation_must_be_an_id(memory: Memory, given: Any) -> None:
    status, _, param = refusal(memory, conversation=given)
    assert (status, param) == (400, "conversation")


def test_a_conversation_and_a_previous_response_exclude_each_other(memory: Memory) -> None:
    found = refusal(memory, conversation="conv_1", previous_response_id=FIRST)
    assert found == (400, "mutually_exclusive_parameters", "conversation")


def test_references_into_the_history_and_into_other_responses(memory: Memory) -> None:
    inner = ids.of_item("message", FIRST, 0)
    row = Row(
        tenant="t", id=FIRST, thread=FIRST, created=time.time(), status="completed",
        input=json.dumps([item(inner)]).encode(),
    )  # fmt: skip
    memory.run(lambda connection: responses.begin(connection, row))
    new = [{"type": "item_reference", "id": inner}, {"type": "item_reference", "id": "here"}]
    assert history.referred(memory, "t", [item("here")], new) == [item(inner), item("here")]
    for tenant, wanted in (("other", inner), ("t", ids.of_item("message", FIRST, 1)), ("t", "../x"), ("t", "a\x00")):
        with pytest.raises(ProxyError) as caught:
            history.referred(memory, tenant, [], [{"type": "item_reference", "id": wanted}])
        assert caught.value.status == 404
