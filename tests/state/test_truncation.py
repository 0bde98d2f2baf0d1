from __future__ import annotations

from typing import Any

from convert.state.truncation import TRIES, shorter

Json = dict[str, Any]


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def call(number: int) -> list[Json]:
    return [
        {"type": "function_call", "call_id": str(number), "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": str(number), "output": "x"},
    ]


def test_half_of_what_may_go_goes_each_time() -> None:
    items = [user(str(number)) for number in range(9)]
    said = [[item["content"] for item in each] for each in shorter(items)]
    assert said == [["4", "5", "6", "7", "8"], ["6", "7", "8"], ["7", "8"], ["8"]] and len(said) <= TRIES


def test_what_instructs_stays_and_so_does_the_last_word_with_all_that_follows() -> None:
    instructions: list[Json] = [{"role": "developer", "content": "x"}, {"type": "additional_tools", "tools": []}]
    last = [user("now"), *call(7), *call(8)]
    found = [*shorter([*instructions, user("a"), {"role": "system", "content": "y"}, user("b"), *last])]
    assert found[-1] == [*instructions, {"role": "system", "content": "y"}, *last]


def test_no_result_is_left_without_its_call() -> None:
    items = [user("a"), *call(1), *call(2), user("b")]
    for each in shorter(items):
        called = {item["call_id"] for item in each if item.get("type") == "function_call"}
        assert called == {item["call_id"] for item in each if item.get("type") == "function_call_output"}


def test_where_nothing_may_go() -> None:
    assert [*shorter([])] == [*shorter([user("a")])] == [*shorter([*call(1), *call(2)])] == []
