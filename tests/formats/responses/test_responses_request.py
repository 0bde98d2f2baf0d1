import pytest

from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from tests.formats.converting import USER, fault, sent, to_responses


def test_a_chat_request_whole():
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    written = to_responses(
        {
            "messages": [{"role": "system", "content": "Be brief."}, USER],
            "tools": [tool],
            "tool_choice": "auto",
            "max_completion_tokens": 99,
            "stream": True,
            "reasoning_effort": "low",
            "parallel_tool_calls": False,
        }
    )
    assert written == {
        "model": "m",
        "input": [
            {"type": "message", "role": "system", "content": "Be brief."},
            {"type": "message", "role": "user", "content": "hi"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}],
        "tool_choice": "auto", "max_output_tokens": 99, "parallel_tool_calls": False, "reasoning": {"effort": "low"},
        "stream": True, "store": False, "include": ["reasoning.encrypted_content"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "param", "code"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
        ({"conversation": "conv_1"}, "conversation", None),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", None),
        ({"background": True}, "background", None),
    ],
)
def test_state_that_the_upstream_does_not_hold_is_refused_not_ignored(state, param, code):
    with pytest.raises(ProxyError) as caught:
        sent("responses", "chat", {"input": "hi", **state})
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code)


def test_state_passes_to_an_upstream_of_the_same_api():
    form, body = FORMATS["responses"], {"model": "m", "input": "hi", "previous_response_id": "resp_1", "store": True}
    assert Exchange(form, form, body, form.flavor()).request() is body


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": 7}, "input"),
        ({"input": "hi", "instructions": 7}, "instructions"),
        ({"input": "hi", "text": 7}, "text"),
        ({"input": "hi", "reasoning": "high"}, "reasoning"),
        ({"input": "hi", "include": "all"}, "include"),
    ],
)
def test_the_path_of_a_fault(body, param):
    assert fault("responses", body)[0] == param


def test_what_is_asked_beyond_the_text_is_told():
    _, lost = sent(
        "responses", "chat", {"input": "hi", "include": ["reasoning.encrypted_content"], "truncation": "auto"}
    )
    assert sorted(lost) == ["include dropped", "truncation dropped"]
    assert sent("responses", "chat", {"input": "hi", "truncation": "disabled"})[1] == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("temperature", "hot"), ("top_p", []), ("max_output_tokens", "many"), ("top_logprobs", "2"), ("user", 7),
        ("parallel_tool_calls", "x"), ("service_tier", 7), ("prompt_cache_key", 7), ("safety_identifier", []),
        ("metadata", []), ("store", "x"), ("truncation", 7), ("max_tool_calls", "x"), ("stream", "x"), ("tools", 7),
    ],
)  # fmt: skip
def test_a_parameter_of_the_wrong_type_is_named(name, wrong):
    assert fault("responses", {"input": "hi", name: wrong})[0] == name


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"text": {"verbosity": 7}}, "text.verbosity"),
        ({"reasoning": {"effort": 7}}, "reasoning.effort"),
        ({"reasoning": {"summary": []}}, "reasoning.summary"),
        ({"include": [7]}, "include[0]"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(body, param):
    assert fault("responses", {"input": "hi", **body})[0] == param


@pytest.mark.parametrize(
    ("client", "thinking", "flavor", "include"),
    [
        ("chat", {"reasoning_effort": "high"}, {}, ["reasoning.encrypted_content"]),
        ("chat", {"reasoning_effort": "none"}, {}, None),
        ("chat", {}, {}, None),
        ("chat", {"reasoning_effort": "high"}, {"encrypted": False}, None),
        ("messages", {"output_config": {"effort": "low"}, "max_tokens": 9}, {}, ["reasoning.encrypted_content"]),
    ],
)
def test_reasoning_is_asked_for_in_the_form_in_which_it_can_return(client, thinking, flavor, include):
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **thinking}
    wire = FORMATS["responses"]
    body = Exchange(FORMATS[client], wire, asked, wire.flavor(**flavor)).request()
    assert body.get("include") == include
