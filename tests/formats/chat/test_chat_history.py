import json

import pytest

from tests.formats.converting import sent, to_chat

PNG = "data:image/png;base64,iVBORw0KGgo="
THOUGHT = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x": 1.50}'}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "1"}
ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}
USER = {"role": "user", "content": "hi"}


def history(*items, **flavor):
    return to_chat({"input": list(items)}, **flavor)["messages"]


def test_a_turn_of_several_items_is_one_message():
    _, turn, result = history(USER, THOUGHT, ANSWER, CALL, RESULT)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 1.50}'}}
    assert turn == {"role": "assistant", "reasoning_content": "hm", "content": "Done.", "tool_calls": [call]}
    assert result == {"role": "tool", "tool_call_id": "c", "content": "1"}


@pytest.mark.parametrize(
    ("flavor", "reasoning"),
    [
        ({}, {"reasoning_content": "hm"}),
        ({"reasoning_field": "reasoning"}, {"reasoning": "hm"}),
        ({"reasoning_field": ""}, {}),
        ({"replay": "calls"}, {}),
        ({"reasoning_field": "think"}, {"content": "<think>\nhm\n</think>\n\nDone."}),
    ],
)
def test_earlier_reasoning_goes_where_the_provider_reads_it(flavor, reasoning):
    assert history(USER, THOUGHT, ANSWER, **flavor)[1] == {"role": "assistant", "content": "Done.", **reasoning}


def test_reasoning_of_a_turn_with_calls_goes_back_where_only_that_is_wanted():
    assert history(USER, THOUGHT, CALL, RESULT, replay="calls")[1]["reasoning_content"] == "hm"


@pytest.mark.parametrize("content", [None, ""])
def test_the_content_beside_calls_alone_is_what_the_provider_takes(content):
    assert history(USER, CALL, RESULT, empty_content=content)[1]["content"] == content


@pytest.mark.parametrize("role", ["developer", "system", "user"])
def test_developer_messages_go_under_the_role_that_the_provider_has(role):
    written = history({"role": "developer", "content": "d"}, USER, developer_role=role)
    assert [message["role"] for message in written] == [role, "user"]


def test_system_messages_are_merged_where_templates_take_one_only():
    body = {"instructions": "A", "input": [USER, {"role": "developer", "content": "B"}, USER]}
    inline = to_chat(body)["messages"]
    assert [message["role"] for message in inline] == ["system", "user", "system", "user"]
    merged = to_chat(body, system="merged")["messages"]
    assert [message["role"] for message in merged] == ["system", "user", "user"]
    assert merged[0]["content"] == "A\n\nB"


def test_an_image_in_a_result_follows_in_a_user_message():
    image = {"type": "input_image", "image_url": PNG, "detail": "auto"}
    output = [{"type": "input_text", "text": "seen"}, image]
    second = {"type": "function_call", "call_id": "d", "name": "f", "arguments": "{}"}
    results = [{**RESULT, "output": output}, {"type": "function_call_output", "call_id": "d", "output": "2"}]
    written, lost = sent("responses", "chat", {"input": [USER, CALL, second, *results]})
    roles = [message["role"] for message in written["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "user"]  # after all results of the turn
    assert written["messages"][2]["content"] == "seen"
    assert written["messages"][4]["content"][1] == {"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}}
    assert lost == ["input[3].output[1] moved (from the tool's result to a user message)"]


def test_an_image_stays_in_the_result_where_the_provider_takes_it():
    image = {"type": "input_image", "image_url": PNG, "detail": "auto"}
    written = history(USER, CALL, {**RESULT, "output": [image]}, tool_media=True)
    assert written[2]["content"] == [{"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}}]


def test_a_result_without_its_call_and_a_call_without_its_result():
    written, lost = sent("responses", "chat", {"input": [USER, RESULT]})
    assert [message["role"] for message in written["messages"]] == ["user", "user"] and len(lost) == 1
    written, lost = sent("responses", "chat", {"input": [USER, CALL, USER]})
    assert [message["role"] for message in written["messages"]] == ["user", "assistant", "tool", "user"]
    assert "No output" in written["messages"][2]["content"] and len(lost) == 1


def test_long_call_ids_are_shortened_alike_on_call_and_result():
    long = "call_" + "x" * 90
    written = history(USER, {**CALL, "call_id": long}, {**RESULT, "call_id": long})
    short = written[1]["tool_calls"][0]["id"]
    assert len(short) <= 64 and written[2]["tool_call_id"] == short


def test_sealed_reasoning_is_told_and_its_summary_kept():
    sealed = {"type": "reasoning", "encrypted_content": "gA", "summary": [{"type": "summary_text", "text": "s"}]}
    written, lost = sent("responses", "chat", {"input": [USER, sealed, ANSWER]})
    assert written["messages"][1]["reasoning_content"] == "s"
    assert lost == ["input[1].summary[0] dropped (sealed reasoning)"]


def test_ids_of_exactly_nine_letters_and_digits():
    flavor = {"call_id": "[A-Za-z0-9]{9}", "call_id_length": 9}
    turn, result = history(USER, CALL, RESULT, **flavor)[1:]
    identity = turn["tool_calls"][0]["id"]
    assert len(identity) == 9 and identity.isalnum() and result["tool_call_id"] == identity
    kept = history(USER, {**CALL, "call_id": "abcDEF123"}, {**RESULT, "call_id": "abcDEF123"}, **flavor)
    assert kept[1]["tool_calls"][0]["id"] == "abcDEF123"


def test_calls_in_turn_stay_in_turn_and_parallel_ones_together():
    second = {**CALL, "call_id": "d"}
    answer = {**RESULT, "call_id": "d"}
    in_turn = history(USER, CALL, RESULT, second, answer)
    assert [message["role"] for message in in_turn] == ["user", "assistant", "tool", "assistant", "tool"]
    parallel = history(USER, CALL, second, answer, RESULT)
    assert [call["id"] for call in parallel[1]["tool_calls"]] == ["c", "d"]
    assert [message["tool_call_id"] for message in parallel[2:]] == ["c", "d"]


def test_words_after_a_call_belong_to_its_turn():
    _, turn, result = history(USER, CALL, ANSWER, RESULT)
    assert turn["content"] == "Done." and len(turn["tool_calls"]) == 1 and result["role"] == "tool"


def test_the_same_turn_twice_stays_twice():
    assert [message["content"] for message in history(USER, ANSWER, USER, ANSWER, USER)] == [
        "hi", "Done.", "hi", "Done.", "hi",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "result", "name", "arguments"),
    [
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "p", "input": 'x "q"\n'},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"},
            "p", {"input": 'x "q"\n'},
        ),
        (
            {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"], "env": {}}},
            {"type": "local_shell_call_output", "id": "c", "output": "ok"},
            "local_shell", {"type": "exec", "command": ["ls"], "env": {}},
        ),
        (
            {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}},
            {"type": "apply_patch_call_output", "call_id": "c", "status": "completed", "output": "ok"},
            "apply_patch", {"type": "delete_file", "path": "a"},
        ),
        (
            {**CALL, "name": "list", "namespace": "mcp__github"}, {**RESULT, "output": "ok"},
            "mcp__github__list", {"x": 1.5},
        ),
    ],
    ids=["custom", "local_shell", "apply_patch", "namespace"],
)  # fmt: skip
def test_an_earlier_call_of_any_type_is_replayed_as_a_function_call(call, result, name, arguments):
    _, turn, answer = history(USER, call, result)
    (written,) = turn["tool_calls"]
    assert written["type"] == "function" and written["function"]["name"] == name
    assert json.loads(written["function"]["arguments"]) == arguments
    assert answer == {"role": "tool", "tool_call_id": written["id"], "content": "ok"}


@pytest.mark.parametrize("arguments", ["", "  "])
def test_arguments_are_never_empty(arguments):
    assert history(USER, {**CALL, "arguments": arguments}, RESULT)[1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_empty_content_is_left_out():
    empty = {"role": "assistant", "content": [{"type": "output_text", "text": ""}]}
    assert history(USER, empty, CALL, RESULT)[1]["content"] is None
