import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.chat.flavor import ChatFlavor
from convert.formats.chat.response import completion_id, read_response, write_message
from convert.losses import Report
from tests.formats.converting import answered, completion, response, said, spoiled


def parts(message, **flavor):
    return read_response(completion(message), ChatFlavor(**flavor)).choices[0].parts


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "Hi"}, [hub.Text(text="Hi")]),
        ({"content": "Hi", "reasoning_content": "hm"}, [hub.Reasoning(text="hm"), hub.Text(text="Hi")]),
        ({"content": "Hi", "reasoning": "hm"}, [hub.Reasoning(text="hm"), hub.Text(text="Hi")]),
        ({"content": "<think>hm</think>Hi"}, [hub.Reasoning(text="hm"), hub.Text(text="Hi")]),
        ({"content": None, "refusal": "No."}, [hub.Refusal(text="No.")]),
        ({"content": ""}, []),
    ],
)
def test_the_parts_of_a_message(message, expected):
    assert parts(message) == expected


def test_what_only_the_server_knows_of_a_choice_and_its_message_is_kept_with_its_place():
    body = completion({"content": "Hi", "reasoning_details": [{"type": "reasoning.text"}], "annotations": []})
    body["choices"][0]["native_finish_reason"] = "end_turn"
    assert read_response(body | {"provider": "Azure"}, ChatFlavor()).extra == {
        "provider": "Azure", "choices[0].native_finish_reason": "end_turn",
        "choices[0].message.reasoning_details": [{"type": "reasoning.text"}],
    }  # fmt: skip


def test_tags_stay_where_the_provider_sets_none():
    assert parts({"content": "<think>hm</think>Hi"}, think_tags=False) == [hub.Text(text="<think>hm</think>Hi")]


def test_calls_without_ids_and_with_the_same_id():
    function = {"name": "f", "arguments": "{}"}
    calls = [{"function": function}, {"id": "a", "function": function}, {"id": "a", "function": function}]
    ids = [part.id for part in parts({"content": None, "tool_calls": calls})]
    assert len(set(ids)) == 3 and all(ids) and ids[1] == "a"


@pytest.mark.parametrize("name", ["", None, 7, ["f"]])
def test_a_call_without_a_name_is_an_upstreams_fault(name):
    calls = [{"id": "a", "function": {"name": name, "arguments": "{}"}}]
    with pytest.raises(ProxyError) as caught:
        answered("chat", "responses", completion({"content": None, "tool_calls": calls}))
    assert caught.value.kind == "upstream"


def test_an_answer_for_a_responses_client():
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}]
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    message = {"content": "Hi", "reasoning_content": "hm", "tool_calls": calls}
    body = answered("chat", "responses", completion(message, "tool_calls", usage=usage))
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call"]
    assert [item["id"][:3] for item in body["output"]] == ["rs_", "msg", "fc_"]
    assert body["output"][2]["arguments"] == '{"x": 1}' and body["usage"]["total_tokens"] == 12
    assert body["status"] == "completed" and body["id"] == "resp_chatcmpl-1"


def test_an_answer_of_a_responses_upstream():
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": s} for s in "ab"]}
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": ""}
    body = answered("responses", "chat", response(thought, said("Hi"), call))
    (choice,) = body["choices"]
    assert choice["message"]["reasoning_content"] == "a\n\nb" and choice["message"]["content"] == "Hi"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "tool_calls" and body["id"] == "chatcmpl-1"


def test_citations_count_from_the_start_of_the_joined_text():
    def cited(text):
        note = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}
        return {"type": "output_text", "text": text, "annotations": [note], "logprobs": []}

    message = {**said(""), "content": [cited("ab"), cited("cd")]}
    notes = answered("responses", "chat", response(message))["choices"][0]["message"]["annotations"]
    assert [note["url_citation"]["start_index"] for note in notes] == [0, 2]


def test_a_client_of_the_legacy_api_gets_the_legacy_call():
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "functions": [{"name": "f"}]}
    (choice,) = answered("responses", "chat", response(call), asked)["choices"]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [{}]}, {"choices": [7]}, {"choices": None}])
def test_a_malformed_answer_is_one_clear_error(body):
    with pytest.raises(ProxyError) as caught:
        answered("chat", "responses", body)
    assert caught.value.kind == "upstream" and caught.value.status == 502


def test_an_error_with_status_200():
    with pytest.raises(ProxyError) as caught:
        answered("chat", "responses", {"error": {"message": "busy", "code": 429}})
    assert caught.value.kind == "rate_limited"


@pytest.mark.parametrize(
    ("given", "written"), [("chatcmpl-7", "chatcmpl-7"), ("resp_7", "chatcmpl-7"), ("x/7", "chatcmpl-x7")]
)
def test_the_id_still_shows_the_upstreams(given, written):
    assert completion_id(given) == written


def test_an_answer_without_an_id_gets_one():
    assert completion_id("") != completion_id("") and completion_id("").startswith("chatcmpl-")


def test_a_fault_anywhere_in_an_answer_is_the_upstreams():
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
    token = {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": [{"token": "a", "logprob": -1}]}
    calls = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "d", "type": "custom", "custom": {"name": "g", "input": "x"}},
    ]
    message = {"content": "Hi", "reasoning_content": "h", "refusal": "r", "annotations": [note], "tool_calls": calls}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}}
    whole = completion(message, "tool_calls", usage=usage, service_tier="default")
    whole["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    for body in spoiled(whole):
        try:
            answered("chat", "responses", body)
        except ProxyError as error:
            assert (error.kind, error.status, error.param) == ("upstream", 502, None)


def test_content_beside_calls_may_be_null_and_arguments_empty():
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]
    (item,) = answered("chat", "responses", completion({"content": None, "tool_calls": calls}, "tool_calls"))["output"]
    assert (item["type"], item["call_id"], item["arguments"]) == ("function_call", "c", "{}")


def test_text_is_not_altered():
    text = '<parameter name="x"> &lt; <invoke> \\u003c </think> \x00 \u2028'
    body = answered("chat", "responses", completion({"content": text}))
    assert body["output"][0]["content"][0]["text"] == text
    assert answered("responses", "chat", response(said(text)))["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize("nested", [True, False])
def test_citations_of_either_shape_reach_a_responses_client(nested):
    cited = {"url": "u", "title": "t", "start_index": 0, "end_index": 2}
    note = {"type": "url_citation", "url_citation": cited} if nested else {"type": "url_citation", **cited}
    body = answered("chat", "responses", completion({"content": "Hi", "annotations": [note]}))
    assert body["output"][0]["content"][0]["annotations"] == [{"type": "url_citation", **cited}]


def test_deepseeks_cache_counts_reach_a_responses_client():
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 2}
    written = answered("chat", "responses", completion(usage=usage))["usage"]
    assert written["input_tokens"] == 9 and written["input_tokens_details"]["cached_tokens"] == 7


def test_a_sound_of_another_api_has_what_clients_need():
    message = write_message([hub.Media(kind="audio", mime="audio/wav", data="AA")], False, Report())
    assert message["audio"] == {"id": "audio_0", "expires_at": 0, "data": "AA", "transcript": ""}
