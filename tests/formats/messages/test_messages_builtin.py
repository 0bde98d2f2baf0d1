import pytest

from convert.formats.messages.builtin import BUILTINS
from tests.formats.converting import USER, answered, completion, sent


@pytest.mark.parametrize("family", BUILTINS)
@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_a_built_in_tool_is_a_function_elsewhere(family, wire):
    tool = {"type": f"{family}_20250124", "name": "it"}
    body, losses = sent("messages", wire, {"messages": [USER], "tools": [tool]})
    written = body["tools"][0]
    assert written.get("function", written)["parameters"] == BUILTINS[family].schema
    assert losses == ["tools[0] approximated ('it' is offered as a function)"]


def test_a_call_of_a_built_in_tool_comes_back():
    asked = {"model": "m", "messages": [USER], "tools": [{"type": "bash_20250124", "name": "bash"}]}
    call = {"id": "c", "type": "function", "function": {"name": "bash", "arguments": '{"command":"ls"}'}}
    answer = answered("chat", "messages", completion({"content": None, "tool_calls": [call]}, "tool_calls"), asked)
    assert answer["content"] == [{"type": "tool_use", "id": "c", "name": "bash", "input": {"command": "ls"}}]
