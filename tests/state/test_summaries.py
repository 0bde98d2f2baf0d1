from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convert.errors import ProxyError
from convert.settings import load
from convert.state import summaries
from convert.state.memory import Memory

Json = dict[str, Any]
ITEMS: list[Json] = [
    {"type": "message", "role": "developer", "content": "Be brief."},
    {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:x"}]},
    {"type": "message", "role": "assistant", "content": "Hello"},
    {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    {"type": "compaction", "encrypted_content": "older"},
    {"type": "additional_tools", "tools": []},
]


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(load(None, {"DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}"}))


def sealed(memory: Memory, tenant: str = "t") -> Json:
    return summaries.compacted(memory, tenant, [], "The summary")[-1]


def opened(memory: Memory, item: Json, tenant: str = "t", foreign: bool = False) -> Any:
    request = {"model": "m", "input": [{"role": "user", "content": "a"}, item]}
    return summaries.opened(memory, lambda: tenant, request, foreign)["input"][1]


def test_what_people_and_developers_said_stays(memory: Memory) -> None:
    items = summaries.compacted(memory, "t", ITEMS, "The summary")
    assert [item.get("role", item["type"]) for item in items] == ["developer", "user", "additional_tools", "compaction"]
    assert items[1]["content"][0]["detail"] == "auto"
    assert items[-1].keys() == {"type", "id", "encrypted_content"} and items[-1]["id"].startswith("cmp_")
    assert "summary" not in items[-1]["encrypted_content"]


@pytest.mark.parametrize("kind", sorted(summaries.KINDS))
def test_it_comes_back_as_the_summary(memory: Memory, kind: str) -> None:
    item = opened(memory, sealed(memory) | {"type": kind, "id": None})
    assert item["role"] == "user" and item["content"][0]["text"].endswith("\n\nThe summary")


def test_the_same_item_is_the_same_text_each_time(memory: Memory) -> None:
    item = sealed(memory)
    assert opened(memory, item) == opened(memory, item)


def test_a_request_without_one_is_left_as_it_is(memory: Memory) -> None:
    for given in ("text", None, [], ITEMS[:3], [3, "x"], [{"type": []}, {"type": {}}]):
        request = {"input": given}
        assert summaries.opened(memory, lambda: "t", request, False) is request


@pytest.mark.parametrize("content", ["", "x", "gAAAAABx", None, 3, {"a": 1}, "é", "convert:\x00"])
def test_what_others_have_sealed(memory: Memory, content: Any) -> None:
    item = {"type": "compaction", "encrypted_content": content}
    with pytest.raises(ProxyError) as caught:
        opened(memory, item)
    assert (caught.value.status, caught.value.param) == (400, "input[1].encrypted_content")
    assert opened(memory, item, foreign=True) == item


def test_an_item_that_was_changed(memory: Memory) -> None:
    item = sealed(memory)
    text = item["encrypted_content"]
    middle = len(text) // 2
    for changed in (text[:-4], text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]):
        with pytest.raises(ProxyError):
            opened(memory, item | {"encrypted_content": changed})


@pytest.mark.parametrize("foreign", [False, True])
def test_another_tenants_item_is_of_no_use(memory: Memory, foreign: bool) -> None:
    with pytest.raises(ProxyError) as caught:
        opened(memory, sealed(memory), tenant="other", foreign=foreign)
    assert caught.value.status == 400 and "summary" not in caught.value.message.lower()


def test_a_database_that_is_down_is_not_called_a_wrong_item(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convert.state import secrets

    def down(*_: object) -> bytes:
        raise ProxyError("overloaded", "down", retry_after="5")

    item = sealed(memory)
    monkeypatch.setattr(secrets, "open_sealed", down)
    with pytest.raises(ProxyError) as caught:
        opened(memory, item)
    assert caught.value.status == 503


def test_the_request_for_a_summary() -> None:
    asked = summaries.asked("m", ITEMS, "You are X.")
    assert asked["model"] == "m" and asked["store"] is False and "tools" not in asked
    assert asked["input"].startswith("[instructions of the assistant]\nYou are X.\n\n[developer]\nBe brief.")
    assert "[function_call f]\n{}" in asked["input"]
    with pytest.raises(ProxyError) as caught:
        summaries.asked("m", [{"type": "reasoning"}], None)
    assert caught.value.status == 400
