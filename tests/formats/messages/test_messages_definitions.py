import pytest

from tests.formats.converting import USER, fault, sent

FUNCTION = {"name": "f", "description": "F.", "input_schema": {"type": "object", "properties": {}}}
AS_CHAT = {"type": "function", "function": {"name": "f", "description": "F.", "parameters": FUNCTION["input_schema"]}}


def from_chat(body, **flavor):
    return sent("chat", "messages", {"messages": [USER], **body}, **flavor)


def to_chat(body):
    return sent("messages", "chat", {"messages": [USER], **body})


@pytest.mark.parametrize("more", [{}, {"type": "custom"}, {"type": None}])
def test_a_function_is_a_function_in_chat(more):
    body, _ = to_chat({"tools": [{**FUNCTION, **more}]})
    assert body["tools"] == [AS_CHAT]


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"anyOf": []}, {"anyOf": [], "type": "object"}),
        ({"type": "object"}, {"type": "object"}),
    ],
)
def test_a_schema_says_that_it_is_an_objects(schema, written):
    function = {"name": "f", **({"parameters": schema} if schema is not None else {})}
    body, _ = from_chat({"tools": [{"type": "function", "function": function}]})
    assert body["tools"] == [{"name": "f", "input_schema": written}]


@pytest.mark.parametrize(("strict", "flavor", "losses"), [(True, {}, 0), (False, {}, 0), (True, {"strict": False}, 1)])
def test_strict_is_said_where_it_is_accepted(strict, flavor, losses):
    tool = {"type": "function", "function": {"name": "f", "strict": strict}}
    body, lost = from_chat({"tools": [tool]}, **flavor)
    assert body["tools"][0].get("strict", False) == (strict and not losses)
    assert len(lost) == losses


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", {"type": "auto"}), ("none", {"type": "none"}), ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)  # fmt: skip
def test_a_choice_goes_both_ways(choice, written):
    body, losses = from_chat({"tools": [AS_CHAT], "tool_choice": choice})
    assert body["tool_choice"] == written and losses == []
    assert to_chat({"tools": [FUNCTION], "tool_choice": written})[0]["tool_choice"] == choice


@pytest.mark.parametrize("parallel", [True, False])
def test_several_calls_at_once_are_a_matter_of_the_choice(parallel):
    body, losses = from_chat({"tools": [AS_CHAT], "parallel_tool_calls": parallel})
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": not parallel}
    assert to_chat({"tools": [FUNCTION], "tool_choice": body["tool_choice"]})[0]["parallel_tool_calls"] is parallel
    assert losses == []
    assert from_chat({"parallel_tool_calls": parallel})[1] == ["parallel_tool_calls dropped (there are no tools)"]


def test_a_choice_without_tools_is_told():
    assert from_chat({"tool_choice": "required"})[1] == ["tool_choice dropped (there are no tools)"]


def test_a_web_search_goes_both_ways():
    theirs = {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}
    body, losses = sent("responses", "messages", {"input": "hi", "tools": [theirs]})
    ours = {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.example"]}
    assert (body["tools"], losses) == ([ours], [])
    assert sent("messages", "responses", {"messages": [USER], "tools": [ours]})[0]["tools"] == [theirs]
    assert sent("responses", "messages", {"input": "hi", "tools": [theirs]}, web_search="")[1] == [
        "tools[0] dropped (hosted tool 'web_search')"
    ]


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        (7, "tools[0]"), ({"name": "f"}, "tools[0].input_schema"),
        ({"input_schema": {}}, "tools[0].name"), ({"type": 7}, "tools[0].type"),
        ({**FUNCTION, "description": 7}, "tools[0].description"), ({**FUNCTION, "strict": "x"}, "tools[0].strict"),
    ],
)  # fmt: skip
def test_the_path_of_a_faulty_tool_is_told(tool, param):
    assert fault("messages", {"messages": [USER], "tools": [tool]})[0] == param


@pytest.mark.parametrize(
    ("choice", "param"),
    [("auto", "tool_choice"), ({"type": "x"}, "tool_choice.type"), ({"type": "tool"}, "tool_choice.name")],
)
def test_the_path_of_a_faulty_choice_is_told(choice, param):
    assert fault("messages", {"messages": [USER], "tool_choice": choice})[0] == param
