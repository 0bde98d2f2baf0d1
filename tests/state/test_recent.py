from __future__ import annotations

import json
from typing import Any

import pytest

from convert.errors import ProxyError
from convert.state.recent import COUNT, Recent

LIMIT = 100_000


def said(text: str, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text, "id": f"msg_{text}"}


def test_a_request_that_continues_nothing_is_left_as_it_is() -> None:
    for asked in ({"input": "hi"}, {"previous_response_id": "resp_0", "input": "hi"}, {"previous_response_id": 3}):
        assert Recent(LIMIT).whole(asked) == (asked, 0)


def test_a_chain_is_made_whole() -> None:
    recent = Recent(LIMIT)
    recent.remember("resp_1", {"input": "a"}, [said("b", "assistant")])
    whole, before = recent.whole({"previous_response_id": "resp_1", "input": [said("c")], "store": False})
    assert before == 2 and whole["store"] is False and "previous_response_id" not in whole
    recent.remember("resp_2", whole, [said("d", "assistant")])
    whole, before = recent.whole({"previous_response_id": "resp_2", "input": "e"})
    assert before == 4 and [item["content"] for item in whole["input"]] == ["a", "b", "c", "d", "e"]
    assert recent.whole({"previous_response_id": "resp_1"})[1] == 2  # an earlier one can be continued too


def test_what_is_stored_elsewhere_stays_there() -> None:
    recent = Recent(LIMIT)
    recent.remember("resp_2", {"previous_response_id": "resp_1", "input": "b"}, [said("c")])
    whole, before = recent.whole({"previous_response_id": "resp_2", "input": "d"})
    assert whole["previous_response_id"] == "resp_1" and before == 2
    output = {"type": "function_call_output", "call_id": "of resp_1", "output": ""}
    assert recent.whole({"previous_response_id": "resp_2", "input": [output]})[1] == 2


def test_references_to_remembered_items() -> None:
    recent = Recent(LIMIT)
    recent.remember("resp_1", {"input": [said("a")]}, [])
    reference, unknown = {"type": "item_reference", "id": "msg_a"}, {"type": "item_reference", "id": "msg_b"}
    whole, _ = recent.whole({"previous_response_id": "resp_1", "input": [reference, unknown]})
    assert whole["input"] == [said("a"), said("a"), unknown]


def test_a_tool_output_without_its_call() -> None:
    recent = Recent(LIMIT)
    call = {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}
    recent.remember("resp_1", {"input": "a"}, [call])
    output = {"type": "function_call_output", "call_id": "1", "output": "x"}
    assert recent.whole({"previous_response_id": "resp_1", "input": [output]})[1] == 2
    with pytest.raises(ProxyError, match="No tool call found") as caught:
        recent.whole({"previous_response_id": "resp_1", "input": [output, output | {"call_id": "2"}]})
    assert caught.value.param == "input[1].call_id"


@pytest.mark.parametrize("given", [3, {"a": 1}, ["text"]])
def test_input_that_is_none(given: Any) -> None:
    recent = Recent(LIMIT)
    recent.remember("resp_1", {"input": "a"}, [])
    with pytest.raises(ProxyError) as caught:
        recent.whole({"previous_response_id": "resp_1", "input": given})
    assert caught.value.status == 400


def test_the_oldest_is_forgotten_by_number_and_by_size() -> None:
    recent = Recent(LIMIT)
    for number in range(COUNT + 1):
        recent.remember(f"resp_{number}", {"input": "a"}, [])
    assert recent.whole({"previous_response_id": "resp_0"})[1] == 0
    assert recent.whole({"previous_response_id": "resp_1"})[1] == 1
    recent.remember("resp_large", {"input": "x" * (LIMIT - 200)}, [])
    assert recent.whole({"previous_response_id": "resp_1"})[1] == 0
    assert len(json.dumps(recent.whole({"previous_response_id": "resp_large"})[0])) > LIMIT - 200
    recent.remember("resp_larger", {"input": "x" * LIMIT}, [])
    assert recent.whole({"previous_response_id": "resp_larger"})[1] == 0
