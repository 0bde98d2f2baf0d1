import pytest

from convert.formats.responses import builtin
from tests.formats.converting import answered, completion, streamed, to_chat


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ({"type": "local_shell"}, True),
        ({"type": "apply_patch"}, True),
        ({"type": "shell"}, True),
        ({"type": "shell", "environment": {"type": "local"}}, True),
        ({"type": "shell", "environment": {"type": "container_auto"}}, False),
        ({"type": "tool_search", "execution": "client"}, True),
        ({"type": "tool_search"}, False),
        ({"type": "web_search"}, False),
    ],
)
def test_who_runs_a_tool(tool, expected):
    assert builtin.runs_at_client(tool) is expected


ROUND = [  # (tool, what the model calls, the item that the client gets)
    (
        {"type": "local_shell"}, '{"command": ["ls"]}',
        {"type": "local_shell_call", "action": {"type": "exec", "env": {}, "command": ["ls"]}},
    ),
    (
        {"type": "shell"}, '{"commands": ["ls"], "timeout_ms": 9}',
        {"type": "shell_call", "action": {"commands": ["ls"], "timeout_ms": 9, "max_output_length": None}},
    ),
    (
        {"type": "apply_patch"}, '{"type": "delete_file", "path": "a"}',
        {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}},
    ),
    (
        {"type": "tool_search", "execution": "client"}, '{"query": "a"}',
        {"type": "tool_search_call", "arguments": {"query": "a"}, "execution": "client"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "item"), ROUND, ids=lambda value: str(value)[:40])
def test_a_built_in_is_offered_as_a_function_and_its_call_comes_back_as_its_item(tool, arguments, item):
    asked = {"model": "m", "input": "hi", "tools": [tool]}
    (offered,) = to_chat(asked)["tools"]
    assert offered["type"] == "function" and offered["function"]["name"] == tool["type"]
    assert offered["function"]["parameters"]["type"] == "object" and offered["function"]["description"]
    function = {"name": tool["type"], "arguments": arguments}
    calls = [{"id": "c", "type": "function", "function": function}]
    (call,) = answered("chat", "responses", completion({"content": None, "tool_calls": calls}), asked)["output"]
    assert call.items() >= {**item, "call_id": "c", "status": "completed"}.items()
    chunks = [
        {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **calls[0]}]}}]},
        {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    done = [
        each for each in streamed("chat", "responses", chunks, asked) if each["type"] == "response.output_item.done"
    ]
    assert done[0]["item"].items() >= item.items()


def test_a_call_with_broken_arguments_is_given_as_a_function_call():
    asked = {"model": "m", "input": "hi", "tools": [{"type": "apply_patch"}]}
    calls = [{"id": "c", "type": "function", "function": {"name": "apply_patch", "arguments": "{torn"}}]
    (call,) = answered("chat", "responses", completion({"content": None, "tool_calls": calls}), asked)["output"]
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "apply_patch", "{torn")


def test_arguments_must_be_an_object():
    kind = builtin.BY_TOOL["shell"]
    assert builtin.call_arguments(kind, "")["timeout_ms"] is None
    with pytest.raises(ValueError, match="not an object"):
        builtin.call_arguments(kind, "[1]")
