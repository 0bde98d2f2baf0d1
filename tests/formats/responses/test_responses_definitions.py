import pytest

from tests.formats.converting import answered, completion, fault, sent, streamed, to_chat

FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
SPACE = {"type": "namespace", "name": "mcp__github", "description": "GitHub.", "tools": [{**FUNCTION, "name": "list"}]}
LONG = "a_tool_with_a_name_" + "x" * 60


def called(name, arguments="{}", **asked):
    """The output item and the finished stream item for a call of `name` that a Chat upstream makes."""
    body = {"model": "m", "input": "hi", **asked}
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    (item,) = answered("chat", "responses", completion({"content": None, "tool_calls": [call]}), body)["output"]
    chunks = [
        {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}}]},
        {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    done = [each for each in streamed("chat", "responses", chunks, body) if each["type"] == "response.output_item.done"]
    streamed_item = done[0]["item"]
    assert {k: v for k, v in streamed_item.items() if k != "id"} == {k: v for k, v in item.items() if k != "id"}
    return item


def names(**body):
    return [tool["function"]["name"] for tool in to_chat({"input": "hi", **body})["tools"]]


def test_a_namespace_is_flattened_and_its_calls_come_back_with_it():
    assert names(tools=[SPACE]) == ["mcp__github__list"]
    item = called("mcp__github__list", tools=[SPACE])
    assert (item["type"], item["name"], item["namespace"]) == ("function_call", "list", "mcp__github")


@pytest.mark.parametrize("spelled", ["list", "mcp__github.list", "mcp__github__list"])
def test_a_model_that_misspells_a_namespace_is_understood(spelled):
    assert called(spelled, tools=[SPACE])["namespace"] == "mcp__github"


def test_a_custom_tool_comes_back_with_its_bare_input():
    tool = {"type": "custom", "name": "apply", "format": {"type": "text"}}
    item = called("apply", '{"input": "*** Begin\\n+a \\"b\\""}', tools=[tool])
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "apply", '*** Begin\n+a "b"')


def test_names_over_64_characters_come_back_whole():
    (short,) = names(tools=[{**FUNCTION, "name": LONG}])
    assert len(short) <= 64 and called(short, tools=[{**FUNCTION, "name": LONG}])["name"] == LONG


def test_names_that_the_wire_refuses_come_back_as_they_were():
    (legal,) = names(tools=[{**FUNCTION, "name": "my.tool/x"}])
    assert (
        legal.replace("_", "").isalnum()
        and called(legal, tools=[{**FUNCTION, "name": "my.tool/x"}])["name"] == "my.tool/x"
    )


def test_tools_that_are_announced_in_the_conversation_are_offered():
    announced = {"type": "additional_tools", "role": "developer", "tools": [SPACE, {**FUNCTION, "name": "g"}]}
    body = {"input": [announced, {"role": "user", "content": "hi"}], "tools": [FUNCTION]}
    written, lost = sent("responses", "chat", body)
    assert [tool["function"]["name"] for tool in written["tools"]] == ["f", "mcp__github__list", "g"]
    assert "input[0].tools moved (to the request's tools)" in lost


def test_tools_that_a_search_found_are_offered():
    search = {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "a"}}
    found = {"type": "tool_search_output", "call_id": "s", "execution": "client", "tools": [{**FUNCTION, "name": "g"}]}
    offered = [{"type": "tool_search", "execution": "client"}]
    written = to_chat({"input": [{"role": "user", "content": "hi"}, search, found], "tools": offered})
    assert [tool["function"]["name"] for tool in written["tools"]] == ["tool_search", "g"]
    assert "g" in written["messages"][-1]["content"]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"},
        {"type": "file_search", "vector_store_ids": ["v"]},
        {"type": "image_generation"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "mcp", "server_label": "l", "server_url": "u"},
        {"type": "computer_use_preview"},
        {"type": "a_future_tool"},
    ],
    ids=lambda tool: tool["type"],
)
def test_a_hosted_tool_is_reported_and_never_an_empty_function(tool):
    written, lost = sent("responses", "chat", {"input": "hi", "tools": [tool]})
    assert "tools" not in written and lost == [f"tools[0] dropped (hosted tool '{tool['type']}')"]


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        (7, "tools[1]"),
        ({}, "tools[1]"),
        ({"type": "function"}, "tools[1].name"),
        ({"type": "function", "name": ""}, "tools[1].name"),
        ({"type": "function", "name": "g", "parameters": "x"}, "tools[1].parameters"),
        ({"type": "function", "name": "g", "description": 7}, "tools[1].description"),
        ({"type": "function", "name": "g", "strict": "yes"}, "tools[1].strict"),
        ({"type": "custom", "name": "g", "format": "text"}, "tools[1].format"),
        ({"type": "custom"}, "tools[1].name"),
        ({"type": "namespace", "name": "n", "tools": [{"type": "function"}]}, "tools[1].tools[0].name"),
        ({"type": "namespace", "name": "n", "tools": 7}, "tools[1].tools"),
    ],
)
def test_the_path_of_a_faulty_tool(tool, param):
    assert fault("responses", {"input": "hi", "tools": [FUNCTION, tool]})[0] == param


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("maybe", "tool_choice"),
        (7, "tool_choice"),
        ({}, "tool_choice"),
        ({"type": "allowed_tools"}, "tool_choice.tools"),
    ],
)
def test_the_path_of_a_faulty_choice(choice, param):
    assert fault("responses", {"input": "hi", "tools": [FUNCTION], "tool_choice": choice})[0] == param


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "xml"}, "text.format.type"),
        (7, "text.format.type"),
        ({"type": "json_schema"}, "text.format.schema"),
        ({"type": "json_schema", "schema": {}, "name": 7}, "text.format.name"),
        ({"type": "json_schema", "schema": {}, "strict": "yes"}, "text.format.strict"),
    ],
)
def test_the_path_of_a_faulty_output(form, param):
    assert fault("responses", {"input": "hi", "text": {"format": form}})[0] == param


@pytest.mark.parametrize("tool", [SPACE, {"type": "custom", "name": "f"}, {**FUNCTION, "name": LONG}])
def test_a_choice_names_the_tool_as_it_is_offered(tool):
    name = tool["tools"][0]["name"] if "tools" in tool else tool["name"]
    kind = "function" if "tools" in tool else tool["type"]
    written = to_chat({"input": "hi", "tools": [tool], "tool_choice": {"type": kind, "name": name}})
    assert written["tool_choice"]["function"]["name"] == written["tools"][0]["function"]["name"]


def test_a_predefined_tool_wins_over_one_of_the_same_name_that_a_search_found():
    search = {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "a"}}
    found = {
        "type": "tool_search_output",
        "call_id": "s",
        "execution": "client",
        "tools": [{**FUNCTION, "description": "2"}],
    }
    written = to_chat({"input": [{"role": "user", "content": "hi"}, search, found], "tools": [FUNCTION]})
    assert [tool["function"]["description"] for tool in written["tools"]] == ["d"]


def test_another_providers_web_search_keeps_what_this_one_knows():
    tool = {"type": "web_search", "web_search": {"enable": True}, "search_context_size": "low"}
    written, lost = sent("chat", "responses", {"messages": [{"role": "user", "content": "hi"}], "tools": [tool]})
    assert written["tools"] == [{"type": "web_search", "search_context_size": "low"}]
    assert lost == ["tools[0].web_search dropped"]
