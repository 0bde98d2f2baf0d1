import pytest

from tests.formats.converting import fault, sent

USER = {"input": "hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
F = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": False}
G = {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": False}
SEARCH = {"type": "web_search"}


def tools(*listed, choice=None, **flavor):
    body = {**USER, "tools": list(listed), **({"tool_choice": choice} if choice else {})}
    return sent("responses", "gemini", body, **flavor)


def config(*listed, choice):
    return tools(*listed, choice=choice)[0]["toolConfig"]["functionCallingConfig"]


def test_functions_are_sent_with_their_schema():
    written, lost = tools(F)
    function = {"name": "f", "description": "d", "parametersJsonSchema": SCHEMA}
    assert (written["tools"], lost) == ([{"functionDeclarations": [function]}], [])


def test_functions_in_the_subset_of_json_schema():
    written, lost = tools(F, G, json_schema=False)
    parameters = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
    assert written["tools"][0]["functionDeclarations"] == [
        {"name": "f", "description": "d", "parameters": parameters}, {"name": "g"},
    ]  # fmt: skip
    assert lost == ["tools[0].parameters.additionalProperties dropped (not a word of this API's schemas)"]


def test_a_search_beside_functions_is_for_models_that_take_both():
    written, lost = tools(SEARCH, F)
    assert len(written["tools"]) == 1 and lost == ["tools[0] dropped (hosted tool 'web_search' beside functions)"]
    written, lost = tools(SEARCH, F, mixed_tools=True)
    assert written["tools"][1] == {"googleSearch": {}} and lost == []
    assert written["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert tools(SEARCH)[0]["tools"] == [{"googleSearch": {}}] and "toolConfig" not in tools(SEARCH)[0]


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
         {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
         {"mode": "VALIDATED", "allowedFunctionNames": ["g"]}),
    ],
)  # fmt: skip
def test_a_choice_of_another_format(choice, written):
    assert config(F, G, choice=choice) == written


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({"mode": "AUTO"}, "auto"),
        ({"mode": "any"}, "required"),
        ({"mode": "NONE", "allowedFunctionNames": ["f"]}, "none"),
        ({"mode": "VALIDATED"}, "auto"),
        ({}, "auto"),
        ({"mode": "ANY", "allowed_function_names": ["f"]}, {"type": "function", "name": "f"}),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
         {"type": "allowed_tools", "mode": "required",
          "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]}),
    ],
)  # fmt: skip
def test_a_choice_for_another_format(given, choice):
    declared = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    body = {"contents": "hi", "tools": declared, "toolConfig": {"functionCallingConfig": given}}
    assert sent("gemini", "responses", body)[0]["tool_choice"] == choice


def test_schemas_become_json_schema():
    subset = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}
    declared = [{"function_declarations": [{"name": "f", "parameters": subset}]}, {"google_search": {}}]
    written, lost = sent("gemini", "responses", {"contents": "hi", "tools": declared})
    function, search = written["tools"]
    assert function["parameters"] == {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    assert search == {"type": "web_search"} and lost == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"tools": 7}, "tools"),
        ({"tools": [7]}, "tools[0]"),
        ({"tools": [{"functionDeclarations": 7}]}, "tools[0].functionDeclarations"),
        ({"tools": [{"functionDeclarations": [7]}]}, "tools[0].functionDeclarations[0]"),
        ({"tools": [{"functionDeclarations": [{"name": ""}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"toolConfig": 7}, "toolConfig"),
        ({"toolConfig": {"functionCallingConfig": 7}}, "toolConfig.functionCallingConfig"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "toolConfig.functionCallingConfig.mode"),
        ({"toolConfig": {"functionCallingConfig": {"allowedFunctionNames": [7]}}},
         "toolConfig.functionCallingConfig.allowedFunctionNames[0]"),
    ],
)  # fmt: skip
def test_the_path_of_a_fault(body, path):
    assert fault("gemini", {"contents": "hi", **body})[0] == path


@pytest.mark.parametrize(
    ("name", "legal"),
    [("a.b:c-d_1", True), ("_a", True), ("1a", False), ("a b", False), ("é", False), ("a" * 65, False)],
)
def test_names_that_the_api_takes(name, legal):
    tool = {"type": "function", "function": {"name": name}}
    body = {"messages": [{"role": "user", "content": "hi"}], "tools": [tool]}
    written = sent("chat", "gemini", body)[0]["tools"][0]["functionDeclarations"][0]["name"]
    assert (written == name) is legal and len(written) <= 64
