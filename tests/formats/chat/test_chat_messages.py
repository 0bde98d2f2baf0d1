import pytest

from convert import hub
from convert.formats.chat.messages import read_messages
from tests.formats.converting import fault, to_responses


def call(identity, name="f", arguments="{}"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_roles_and_order_stay():
    roles = ["system", "developer", "user", "assistant", "system", "user"]
    written = to_responses({"messages": [{"role": role, "content": role} for role in roles]})
    assert [(item["role"], item["content"]) for item in written["input"]] == [(role, role) for role in roles]


def test_an_answer_with_calls_and_their_results():
    thought = {
        "role": "assistant",
        "content": "I look.",
        "reasoning_content": "hm",
        "tool_calls": [call("a"), call("b")],
    }
    results = [{"role": "tool", "tool_call_id": each, "content": each} for each in "ab"]
    written = to_responses({"messages": [{"role": "user", "content": "hi"}, thought, *results]})
    assert [item["type"] for item in written["input"]] == [
        "message", "reasoning", "message", "function_call", "function_call",
        "function_call_output", "function_call_output",
    ]  # fmt: skip
    assert written["input"][1]["content"] == [{"type": "reasoning_text", "text": "hm"}]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_under_either_name(field):
    (message,) = read_messages([{"role": "assistant", "content": "a", field: "hm"}])
    assert message.parts[0] == hub.Reasoning(text="hm")


def test_the_same_reasoning_under_both_names_is_one():
    (message,) = read_messages([{"role": "assistant", "content": "a", "reasoning_content": "hm", "reasoning": "hm"}])
    assert [type(part).__name__ for part in message.parts] == ["Reasoning", "Text"]


def test_a_refusal_of_an_earlier_answer():
    (message,) = read_messages([{"role": "assistant", "content": None, "refusal": "No."}])
    assert message.parts == [hub.Refusal(text="No.")]


def test_legacy_calls_and_results_are_paired_by_order():
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "2"},
    ]
    items = to_responses({"messages": messages})["input"][1:]
    ids = [item["call_id"] for item in items]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert [item.get("output") for item in items] == [None, "1", None, "2"]


def test_arguments_as_an_object_are_taken_for_their_text():
    body = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
    messages = [{"role": "assistant", "tool_calls": [body]}, {"role": "tool", "tool_call_id": "a", "content": "1"}]
    assert to_responses({"messages": messages})["input"][0]["arguments"] == '{"x":1}'


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (7, ""), ({}, ".role"), ({"role": "robot", "content": "a"}, ".role"), ({"role": "user"}, ".content"),
        ({"role": "tool", "content": "a"}, ".tool_call_id"),
        ({"role": "assistant", "tool_calls": 7}, ".tool_calls"),
        ({"role": "assistant", "tool_calls": [7]}, ".tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, ".tool_calls[0].function.name"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, ".tool_calls[0].id"),
        ({"role": "assistant", "tool_calls": [call("a", arguments=7)]}, ".tool_calls[0].function.arguments"),
        ({"role": "assistant", "tool_calls": [{"id": "a", "custom": {"name": "f", "input": 7}}]},
         ".tool_calls[0].custom.input"),
        ({"role": "assistant", "content": "a", "refusal": 7}, ".refusal"),
        ({"role": "assistant", "content": "a", "reasoning_content": ["a"]}, ".reasoning_content"),
        ({"role": "user", "content": "a", "name": 7}, ".name"),
        ({"role": "assistant", "function_call": {}}, ".function_call.name"),
        ({"role": "assistant", "function_call": {"name": "f", "arguments": 7}}, ".function_call.arguments"),
    ],
)  # fmt: skip
def test_the_path_of_a_faulty_message(message, param):
    assert fault("chat", {"messages": [{"role": "user", "content": "a"}, message]})[0] == f"messages[1]{param}"
