import pytest

from convert.errors import ProxyError
from tests.formats.converting import USER, fault, sent, to_chat, to_responses

BOTH = [  # (in Chat, in Responses)
    ({"temperature": 0.3}, {"temperature": 0.3}),
    ({"top_p": 0.9}, {"top_p": 0.9}),
    ({"max_completion_tokens": 99}, {"max_output_tokens": 99}),
    ({"user": "u"}, {"user": "u"}),
    ({"safety_identifier": "s"}, {"safety_identifier": "s"}),
    ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
    ({"prompt_cache_retention": "24h"}, {"prompt_cache_retention": "24h"}),
    ({"service_tier": "flex"}, {"service_tier": "flex"}),
    ({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
    ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
    ({"store": True}, {"store": True}),
]


@pytest.mark.parametrize(("chat", "responses"), BOTH, ids=str)
def test_a_parameter_that_both_have(chat, responses):
    written, lost = sent("responses", "chat", {"input": "hi", **responses})
    assert written.items() >= chat.items() and lost == []
    written, lost = sent("chat", "responses", {"messages": [USER], **chat})
    assert written.items() >= responses.items() and lost == []


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_either_spelling_of_the_limit(name):
    assert to_responses({name: 50})["max_output_tokens"] == 50


def test_log_probabilities_are_asked_for_otherwise():
    there = to_responses({"logprobs": True, "top_logprobs": 2})
    assert there["include"] == ["message.output_text.logprobs"] and there["top_logprobs"] == 2
    here = to_chat({"input": "hi", "include": ["message.output_text.logprobs"], "top_logprobs": 2})
    assert here["logprobs"] is True and here["top_logprobs"] == 2


def test_the_usage_of_a_stream_is_asked_for_where_the_provider_takes_the_option():
    body = {"input": "hi", "stream": True}
    assert to_chat(body)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in to_chat(body, stream_options=False)
    assert "stream_options" not in to_chat({"input": "hi"})


def test_parallel_calls_are_a_setting_of_requests_with_tools():
    tool = {"type": "function", "name": "f", "parameters": {}}
    assert to_chat({"input": "hi", "tools": [tool], "parallel_tool_calls": False})["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in to_chat({"input": "hi", "parallel_tool_calls": False})


def test_instructions_come_first():
    written = to_chat({"instructions": "Be brief.", "input": [{"role": "developer", "content": "d"}, USER]})
    assert [message["content"] for message in written["messages"]] == ["Be brief.", "d", "hi"]


def test_a_web_search_becomes_the_providers_own_option():
    location = {"type": "approximate", "city": "Paris"}
    tool = {"type": "web_search", "search_context_size": "low", "user_location": location}
    written = to_chat({"input": "hi", "tools": [tool]}, web_search=True)
    nested = {"type": "approximate", "approximate": {"city": "Paris"}}
    assert written["web_search_options"] == {"search_context_size": "low", "user_location": nested}
    assert "tools" not in written
    back = to_responses({"web_search_options": written["web_search_options"]})
    assert back["tools"] == [tool]


def test_a_client_that_stores_nothing_stores_nothing_there():
    assert to_responses({})["store"] is False


@pytest.mark.parametrize(("limit", "written"), [(1, 16), (15, 16), (16, 16)])
def test_a_limit_that_the_other_api_refuses_is_raised_to_its_least(limit, written):
    assert to_responses({"max_tokens": limit})["max_output_tokens"] == written


def test_parameters_that_ask_for_the_default_are_no_loss():
    assert sent("chat", "responses", {"messages": [USER], "n": 1, "frequency_penalty": 0})[1] == []
    assert sent("chat", "responses", {"messages": [USER], "n": 2})[1] == ["n dropped"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("temperature", "hot"), ("top_p", []), ("max_tokens", "many"), ("max_completion_tokens", 1.5), ("n", "2"),
        ("stop", 7), ("stop", {}), ("seed", "x"), ("frequency_penalty", "x"), ("presence_penalty", []),
        ("logit_bias", []), ("logprobs", "x"), ("top_logprobs", "2"), ("parallel_tool_calls", "x"), ("user", 7),
        ("service_tier", {}), ("metadata", []), ("store", "x"), ("verbosity", 7), ("prompt_cache_key", 7),
        ("safety_identifier", []), ("prediction", "x"), ("modalities", "text"), ("audio", "wav"),
        ("reasoning_effort", 7), ("web_search_options", "x"), ("temperature", True), ("seed", True),
    ],
)  # fmt: skip
def test_a_parameter_of_the_wrong_type_is_named(name, wrong):
    assert fault("chat", {"messages": [USER], name: wrong})[0] == name


def test_a_stop_sequence_of_the_wrong_type_is_named():
    assert fault("chat", {"messages": [USER], "stop": ["a", 7]})[0] == "stop[1]"


def test_a_choice_of_tools_without_tools_is_told():
    assert sent("chat", "responses", {"messages": [USER], "tool_choice": "required"}) == (
        to_responses({}), ["tool_choice dropped (there are no tools)"],
    )  # fmt: skip
    assert sent("responses", "chat", {"input": "hi", "tool_choice": "required"})[1] == [
        "tool_choice dropped (there are no tools)"
    ]
    assert sent("chat", "responses", {"messages": [USER], "tool_choice": "none"})[1] == []


def test_an_upstream_never_gets_an_empty_conversation():
    assert fault("responses", {"input": []})[0] == "input"
    assert fault("responses", {"input": None})[0] == "input"
    assert to_chat({"input": [], "instructions": "Greet."})["messages"] == [{"role": "system", "content": "Greet."}]


def test_a_conversation_of_which_nothing_is_left_is_refused():
    with pytest.raises(ProxyError) as caught:
        to_chat({"input": [{"type": "web_search_call", "id": "ws_1"}]})
    assert (caught.value.status, caught.value.param) == (400, "input")


def test_the_path_of_a_fault():
    assert fault("chat", {"messages": 7})[0] == "messages"
    assert fault("chat", {"messages": [USER], "stream_options": 7})[0] == "stream_options"


def test_nothing_is_sent_that_was_not_asked_for():
    assert to_chat({"input": "hi"}) == {"model": "m", "messages": [USER]}


@pytest.mark.parametrize("temperature", [0, 0.7, 1, 0.1 + 0.2, 1e-7])
def test_numbers_stay_as_they_are(temperature):
    written = to_chat({"input": "hi", "temperature": temperature})["temperature"]
    assert written == temperature and type(written) is type(temperature)


@pytest.mark.parametrize(
    ("client", "body", "lost"),
    [
        ("chat", {"stop": ["x"]}, "stop"), ("chat", {"seed": 4}, "seed"),
        ("chat", {"logit_bias": {"1": 2}}, "logit_bias"),
        ("chat", {"presence_penalty": 1}, "presence_penalty"), ("chat", {"frequency_penalty": 1}, "frequency_penalty"),
        ("chat", {"prediction": {"type": "content", "content": "x"}}, "prediction"), ("chat", {"top_k": 4}, "top_k"),
        ("chat", {"modalities": ["audio"]}, "modalities"), ("chat", {"a_future_field": 1}, "a_future_field"),
        ("responses", {"max_tool_calls": 3}, "max_tool_calls"), ("responses", {"truncation": "auto"}, "truncation"),
        ("responses", {"include": ["file_search_call.results"]}, "include"),
        ("responses", {"reasoning": {"summary": "auto"}}, "reasoning.summary"),
        ("responses", {"context_management": [{"type": "compaction"}]}, "context_management"),
    ],
)  # fmt: skip
def test_a_parameter_that_only_one_api_has_is_told(client, body, lost):
    base = {"messages": [USER]} if client == "chat" else {"input": "hi"}
    wire = "responses" if client == "chat" else "chat"
    written, losses = sent(client, wire, {**base, **body})
    assert losses == [f"{lost} dropped"] and written == sent(client, wire, base)[0]
