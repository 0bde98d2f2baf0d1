import pytest

from tests.formats.converting import fault, sent, to_chat, to_responses

FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
FLAT = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}


def test_a_function_is_nested_here_and_flat_there():
    assert to_responses({"tools": [FUNCTION]})["tools"] == [{**FLAT, "strict": False}]
    assert to_chat({"input": "hi", "tools": [FLAT]})["tools"] == [FUNCTION]


def test_a_function_without_parameters_gets_an_empty_schema():
    bare = {"type": "function", "function": {"name": "f"}}
    assert to_responses({"tools": [bare]})["tools"][0]["parameters"] == {"type": "object", "properties": {}}


def test_strict_is_kept_and_is_left_out_where_it_is_refused():
    tool = {**FLAT, "strict": True}
    assert to_chat({"input": "hi", "tools": [tool]})["tools"][0]["function"]["strict"] is True
    written, lost = sent("responses", "chat", {"input": "hi", "tools": [tool]}, strict=False)
    assert "strict" not in written["tools"][0]["function"] and lost == ["tools[0].strict dropped"]


def test_a_custom_tool_with_a_grammar_is_native_where_the_provider_has_them():
    tool = {"type": "custom", "name": "p", "description": "d", "format": GRAMMAR}
    native = to_chat({"input": "hi", "tools": [tool]}, custom_tools=True)["tools"]
    inner = {"syntax": "lark", "definition": "start: WORD"}
    form = {"type": "grammar", "grammar": inner}
    assert native == [{"type": "custom", "custom": {"name": "p", "description": "d", "format": form}}]
    assert to_responses({"tools": native})["tools"] == [tool]


def test_a_custom_tool_becomes_a_function_that_tells_its_grammar():
    tool = {"type": "custom", "name": "p", "description": "Patches.", "format": GRAMMAR}
    (written,) = to_chat({"input": "hi", "tools": [tool]})["tools"]
    assert written["type"] == "function" and written["function"]["name"] == "p"
    assert written["function"]["parameters"]["required"] == ["input"]
    assert "start: WORD" in written["function"]["description"]


def test_legacy_functions_become_tools():
    written = to_responses(
        {"functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"}}
    )
    assert [tool["name"] for tool in written["tools"]] == ["f"]
    assert written["tool_choice"] == {"type": "function", "name": "f"}


@pytest.mark.parametrize("word", ["auto", "none", "required"])
def test_a_choice_in_a_word(word):
    assert to_chat({"input": "hi", "tools": [FLAT], "tool_choice": word})["tool_choice"] == word
    assert to_responses({"tools": [FUNCTION], "tool_choice": word})["tool_choice"] == word


def test_mistrals_word_for_required():
    assert to_responses({"tools": [FUNCTION], "tool_choice": "any"})["tool_choice"] == "required"


def test_a_named_choice_both_ways():
    chosen = to_chat({"input": "hi", "tools": [FLAT], "tool_choice": {"type": "function", "name": "f"}})["tool_choice"]
    assert chosen == {"type": "function", "function": {"name": "f"}}
    assert to_responses({"tools": [FUNCTION], "tool_choice": chosen})["tool_choice"] == {
        "type": "function",
        "name": "f",
    }


@pytest.mark.parametrize(
    ("accepted", "written"),
    [(("auto", "none", "required"), "required"), (("auto", "none"), "auto"), (("auto",), "auto")],
)
def test_a_choice_that_the_provider_refuses_becomes_the_nearest(accepted, written):
    body = {"input": "hi", "tools": [FLAT], "tool_choice": {"type": "function", "name": "f"}}
    got, lost = sent("responses", "chat", body, tool_choice=accepted)
    assert got["tool_choice"] == written and lost[-1].startswith("tool_choice approximated")


def test_no_call_at_all_where_the_provider_has_no_word_for_that():
    body = {"input": "hi", "tools": [FLAT], "tool_choice": "none"}
    written, lost = sent("responses", "chat", body, tool_choice=("auto", "required"))
    assert "tools" not in written and "tool_choice" not in written
    assert lost == ["tool_choice approximated (no tool is offered, because this upstream does not know 'none')"]


def test_a_choice_is_approximated_once():
    body = {"input": "hi", "tools": [FLAT], "tool_choice": "required"}
    _, lost = sent("responses", "chat", body, tool_choice=("auto",))
    assert lost == ["tool_choice approximated (required became auto)"]


def test_allowed_tools_are_native_or_the_only_ones_on_offer():
    tools = [FLAT, {**FLAT, "name": "g"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}
    body = {"input": "hi", "tools": tools, "tool_choice": choice}
    every = ("auto", "none", "required", "named", "allowed")
    native = to_chat(body, tool_choice=every)
    assert len(native["tools"]) == 2
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
    assert native["tool_choice"] == {"type": "allowed_tools", "allowed_tools": allowed}
    fewer = to_chat(body)
    assert [tool["function"]["name"] for tool in fewer["tools"]] == ["g"] and fewer["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([{"type": "function"}], "tools[0].function"),
        ([{"type": "function", "function": {}}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": ""}}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": "f", "parameters": "x"}}], "tools[0].function.parameters"),
        ([{"type": "function", "function": {"name": "f", "description": 7}}], "tools[0].function.description"),
        ([{"type": "function", "function": {"name": "f", "strict": "yes"}}], "tools[0].function.strict"),
        ([FUNCTION, {"type": "custom"}], "tools[1].custom.name"),
        ([FUNCTION, {"type": "custom", "custom": {"name": "g", "format": 7}}], "tools[1].custom.format"),
    ],
)
def test_the_path_of_a_faulty_tool(tools, param):
    assert fault("chat", {"messages": [{"role": "user", "content": "hi"}], "tools": tools})[0] == param


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("maybe", "tool_choice"), (7, "tool_choice"), ({"type": "function"}, "tool_choice.function.name"),
        ({"name": "f"}, "tool_choice.type"), ({"type": "allowed_tools"}, "tool_choice.allowed_tools.tools"),
    ],
)  # fmt: skip
def test_the_path_of_a_faulty_choice(choice, param):
    body = {"messages": [{"role": "user", "content": "hi"}], "tools": [FUNCTION], "tool_choice": choice}
    assert fault("chat", body)[0] == param


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def test_structured_output_both_ways():
    flat = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    nested = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    assert to_chat({"input": "hi", "text": {"format": flat}})["response_format"] == nested
    assert to_responses({"response_format": nested})["text"]["format"] == flat


@pytest.mark.parametrize("kind", ["text", "json_object"])
def test_the_other_forms_of_output(kind):
    assert to_chat({"input": "hi", "text": {"format": {"type": kind}}})["response_format"] == {"type": kind}
    assert to_responses({"response_format": {"type": kind}})["text"]["format"] == {"type": kind}


def test_a_schema_without_a_name_gets_one():
    nested = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
    assert to_responses({"response_format": nested})["text"]["format"]["name"] == "answer"


def test_where_no_schema_is_taken_it_is_told_in_words():
    body = {
        "input": "hi",
        "instructions": "Be brief.",
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
    }
    written, lost = sent("responses", "chat", body, json_schema=False, tool_choice=("auto",))
    assert written["response_format"] == {"type": "json_object"}
    system = str(written["messages"][0]["content"])
    assert "Be brief." in system and '"properties"' in system
    assert lost == ["text.format approximated (the form of the answer is told in words)"]


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": 7}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": 7}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": []}}, "response_format.json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"name": "n", "strict": 1}}, "response_format.json_schema.strict"),
    ],
)
def test_the_path_of_a_faulty_output(form, param):
    assert fault("chat", {"messages": [{"role": "user", "content": "hi"}], "response_format": form})[0] == param
