from __future__ import annotations

from typing import Any

import pytest

from convert.errors import ProxyError
from convert.state import ids, items

RESPONSE = ids.new("resp")
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "done"}


def test_a_string_is_a_message_of_the_user() -> None:
    (item,) = items.listed("Hi", RESPONSE)
    assert ids.owner(item.pop("id")) == RESPONSE
    assert item == {
        "type": "message", "role": "user", "status": "completed", "content": [{"type": "input_text", "text": "Hi"}],
    }  # fmt: skip


def test_items_are_whole_and_have_ids() -> None:
    given = [{"role": "assistant", "content": "Yes"}, CALL, {**OUTPUT, "id": "mine", "status": "incomplete"}]
    message, call, output = items.listed(given, RESPONSE)
    assert message["content"] == [{"type": "output_text", "text": "Yes", "annotations": [], "logprobs": []}]
    assert (call["status"], call["id"][:3]) == ("completed", "fc_")
    assert (output["status"], output["id"]) == ("incomplete", "mine")
    assert len({item["id"] for item in (message, call, output)}) == 3
    assert "id" not in CALL  # the client's own items are not changed


def test_a_reference_stays_one_and_nothing_is_nothing() -> None:
    reference = {"type": "item_reference", "id": "x"}
    assert items.listed([reference], RESPONSE) == [reference]
    assert items.listed(None, RESPONSE) == items.listed([], RESPONSE) == []


def test_parts_of_content_stay_as_they_are() -> None:
    parts = [{"type": "input_image", "image_url": "data:x"}]
    assert items.listed([{"role": "user", "content": parts}], RESPONSE)[0]["content"] == parts


@pytest.mark.parametrize(
    ("given", "path"),
    [(5, "input"), ({}, "input"), ([5], "input[0]"), ([CALL, None], "input[1]"), ([{"type": 5}], "input[0].type")],
)
def test_what_is_no_list_of_items(given: Any, path: str) -> None:
    with pytest.raises(ProxyError) as caught:
        items.listed(given, RESPONSE)
    assert (caught.value.status, caught.value.param) == (400, path)


def test_an_output_needs_its_call() -> None:
    items.check_outputs([CALL], [OUTPUT])
    items.check_outputs([], [CALL, OUTPUT])
    for history, new, path in ([], [OUTPUT], 0), ([OUTPUT], [OUTPUT], 0), ([], [OUTPUT, CALL], 0):
        with pytest.raises(ProxyError, match="No tool call found for function call output with call_id c1") as caught:
            items.check_outputs(history, new)
        assert (caught.value.status, caught.value.param) == (400, f"input[{path}].call_id")


def test_an_output_of_a_custom_tool_needs_its_call() -> None:
    custom = {"type": "custom_tool_call_output", "call_id": "c2", "output": "x"}
    with pytest.raises(ProxyError, match="No tool call found for custom tool call output"):
        items.check_outputs([CALL], [custom])


def test_references_become_what_they_refer_to() -> None:
    reference = {"type": "item_reference", "id": "x"}
    assert items.references([CALL, reference]) == ["x"]
    assert items.resolved([CALL, reference], {"x": OUTPUT}) == [CALL, OUTPUT]
    with pytest.raises(ProxyError) as caught:
        items.resolved([reference], {})
    assert (caught.value.status, caught.value.param) == (404, "input")
