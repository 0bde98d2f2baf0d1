from __future__ import annotations

from typing import Any

import pytest

from convert.errors import ProxyError
from convert.state import ids, items

RESPONSE = ids.new("resp")
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "1"}


def test_a_text_is_a_message_of_the_user() -> None:
    assert items.listed("Hi", RESPONSE) == [{
        "status": "completed", "type": "message", "role": "user", "id": ids.of_item("message", RESPONSE, 0),
        "content": [{"type": "input_text", "text": "Hi"}],
    }]  # fmt: skip


def test_items_keep_what_they_have_and_get_what_they_lack() -> None:
    given: list[Any] = [{"role": "assistant", "content": "Hello", "id": "msg_1"}, CALL, OUTPUT]
    whole = items.listed(given, RESPONSE)
    assert whole[0]["content"] == [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}]
    assert whole[0]["id"] == "msg_1" and whole[1]["id"].startswith("fc_")
    assert [each["status"] for each in whole] == ["completed"] * 3
    assert given[1] is CALL and "id" not in CALL


@pytest.mark.parametrize(
    ("given", "param"), [(7, "input"), (["x"], "input[0]"), ([{"type": 3}], "input[0].type")]
)
def test_what_is_no_item(given: Any, param: str) -> None:
    with pytest.raises(ProxyError) as caught:
        items.listed(given, RESPONSE)
    assert caught.value.param == param


def test_an_output_needs_its_call() -> None:
    items.check_outputs([CALL], [OUTPUT])
    items.check_outputs([], [CALL, OUTPUT])
    with pytest.raises(ProxyError, match="No tool call found for function call output with call_id c") as caught:
        items.check_outputs([], [OUTPUT, CALL])
    assert caught.value.param == "input[0].call_id"


def test_references_are_replaced_by_what_they_refer_to() -> None:
    given = [{"type": "item_reference", "id": "fc_1"}, OUTPUT]
    assert items.references(given) == ["fc_1"]
    assert items.resolved(given, {"fc_1": CALL}) == [CALL, OUTPUT]
    with pytest.raises(ProxyError) as caught:
        items.resolved(given, {})
    assert caught.value.status == 404
