import pytest

from tests.formats.converting import USER, fault, sent

CHAT = {"messages": [USER]}
BOTH = [  # (in Chat, in generationConfig)
    ({"temperature": 0.3}, {"temperature": 0.3}),
    ({"top_p": 0.9}, {"topP": 0.9}),
    ({"top_k": 40}, {"topK": 40}),
    ({"max_completion_tokens": 99}, {"maxOutputTokens": 99}),
    ({"stop": ["END"]}, {"stopSequences": ["END"]}),
    ({"seed": 7}, {"seed": 7}),
    ({"presence_penalty": 0.5}, {"presencePenalty": 0.5}),
    ({"frequency_penalty": 0.5}, {"frequencyPenalty": 0.5}),
    ({"n": 2}, {"candidateCount": 2}),
    ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
    ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
    ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
    ({"response_format": {"type": "text"}}, {"responseMimeType": "text/plain"}),
    ({"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "LOW"}}),
]


@pytest.mark.parametrize(("chat", "gemini"), BOTH, ids=str)
def test_a_parameter_that_both_have(chat, gemini):
    written, lost = sent("chat", "gemini", {**CHAT, **chat})
    assert (written["generationConfig"], lost) == (gemini, [])
    written, lost = sent("gemini", "chat", {"contents": "hi", "generationConfig": gemini})
    assert written.items() >= chat.items() and lost == []


@pytest.mark.parametrize(
    ("chat", "gemini"),
    [
        ({"stop": "END"}, {"stopSequences": ["END"]}),
        ({"top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"logprobs": True, "top_logprobs": 0}, {"responseLogprobs": True}),
    ],
)
def test_the_form_that_the_api_wants(chat, gemini):
    assert sent("chat", "gemini", {**CHAT, **chat})[0]["generationConfig"] == gemini


def test_snake_case_and_a_whole_number_with_a_point():
    config = {"max_output_tokens": 99, "topK": 40.0}
    written = sent("gemini", "chat", {"contents": "hi", "generation_config": config})[0]
    assert (written["max_completion_tokens"], written["top_k"]) == (99, 40)


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
FORM = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}


@pytest.mark.parametrize(
    ("flavor", "member", "lost"),
    [
        ({}, {"responseJsonSchema": SCHEMA}, []),
        ({"json_schema": False},
         {"responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}},
         ["response_format.schema.additionalProperties dropped (not a word of this API's schemas)"]),
    ],
)  # fmt: skip
def test_a_schema_for_the_output(flavor, member, lost):
    written, told = sent("chat", "gemini", {**CHAT, "response_format": FORM}, **flavor)
    assert written["generationConfig"] == {"responseMimeType": "application/json", **member} and told == lost


@pytest.mark.parametrize("key", ["responseSchema", "responseJsonSchema", "_responseJsonSchema", "response_schema"])
def test_any_of_the_fields_for_a_schema(key):
    config = {"responseMimeType": "application/json", key: {"type": "OBJECT"}}
    form = sent("gemini", "chat", {"contents": "hi", "generationConfig": config})[0]["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


def test_a_media_type_of_its_own_is_told():
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    lost = sent("gemini", "chat", {"contents": "hi", "generationConfig": config})[1]
    assert lost == ["generationConfig.responseMimeType dropped", "generationConfig.responseSchema dropped"]


@pytest.mark.parametrize(
    ("asked", "flavor", "written", "lost"),
    [
        ({"reasoning_effort": "high"}, {"thinking": "budget"}, {"thinkingBudget": 24576},
         ["reasoning_effort.effort approximated (high became a budget of 24576 tokens)"]),
        ({"reasoning_effort": "none"}, {}, {"thinkingBudget": 0},
         ["reasoning_effort.effort approximated (none became a budget of 0 tokens)"]),
        ({"reasoning_effort": "xhigh"}, {}, {"thinkingLevel": "HIGH"},
         ["reasoning_effort.effort approximated (xhigh became HIGH)"]),
        ({"reasoning": {"max_tokens": 500}}, {}, {"thinkingBudget": 500, "includeThoughts": True}, []),
        ({"thinking": {"type": "enabled"}}, {}, {"includeThoughts": True}, []),
        ({"thinking": {"type": "disabled"}}, {}, {"thinkingBudget": 0}, []),
        ({"reasoning": {"effort": "low", "max_tokens": 500}}, {}, {"thinkingLevel": "LOW", "includeThoughts": True},
         ["reasoning.budget dropped (the effort says it)"]),
    ],
)  # fmt: skip
def test_how_much_to_think(asked, flavor, written, lost):
    body, told = sent("chat", "gemini", {**CHAT, **asked}, **flavor)
    assert (body["generationConfig"]["thinkingConfig"], told) == (written, lost)


@pytest.mark.parametrize(
    ("config", "reasoning"),
    [
        ({"thinkingLevel": "HIGH", "includeThoughts": True}, {"effort": "high", "summary": "auto"}),
        ({"thinking_budget": 0}, {"effort": "none"}),
        ({"thinkingBudget": 2000}, {"effort": "medium"}),
        ({"thinkingBudget": -1, "include_thoughts": True}, {"summary": "auto"}),
    ],
)
def test_how_much_to_think_elsewhere(config, reasoning):
    body = {"contents": "hi", "generationConfig": {"thinkingConfig": config}}
    assert sent("gemini", "responses", body)[0]["reasoning"] == reasoning


@pytest.mark.parametrize(
    ("config", "path"),
    [
        (7, ""), ({"temperature": "x"}, ".temperature"), ({"topK": 1.5}, ".topK"),
        ({"stopSequences": "x"}, ".stopSequences"),
        ({"stopSequences": [7]}, ".stopSequences[0]"), ({"responseMimeType": 7}, ".responseMimeType"),
        ({"responseSchema": 7}, ".responseSchema"), ({"thinkingConfig": 7}, ".thinkingConfig"),
        ({"thinkingConfig": {"thinkingBudget": "x"}}, ".thinkingConfig.thinkingBudget"),
        ({"thinkingConfig": {"thinkingLevel": 7}}, ".thinkingConfig.thinkingLevel"),
    ],
)  # fmt: skip
def test_the_path_of_a_fault(config, path):
    assert fault("gemini", {"contents": "hi", "generationConfig": config})[0] == f"generationConfig{path}"
