import pytest

from convert import hub
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.responses.flavor import ResponsesFlavor
from convert.formats.responses.response import read_response, response_id, write_response
from convert.losses import Report
from tests.formats.converting import answered, chunk, completion, response, said, spoiled, streamed


def test_the_settings_of_the_request_are_repeated():
    asked = {
        "model": "m", "input": "hi", "instructions": "Be brief.", "temperature": 0.2, "metadata": {"a": "b"},
        "text": {"verbosity": "low"}, "reasoning": {"effort": "low"}, "tools": [{"type": "function", "name": "f"}],
    }  # fmt: skip
    body = answered("chat", "responses", completion(), asked)
    assert body.items() >= {"instructions": "Be brief.", "temperature": 0.2, "metadata": {"a": "b"}}.items()
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert body["reasoning"] == {"effort": "low", "summary": None}
    assert body["tools"] == [{"type": "function", "name": "f", "description": None, "parameters": None, "strict": None}]


def test_usage_is_never_missing():
    assert answered("chat", "responses", completion())["usage"] == {
        "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_an_answer_that_was_cut_off_is_incomplete(finish, status, reason):
    body = answered("chat", "responses", completion(finish=finish))
    assert body["status"] == status and (body["incomplete_details"] or {}).get("reason") == reason
    assert body["output"][-1]["status"] == status


def test_several_choices_are_several_messages():
    body = completion()
    body["choices"].append({"index": 1, "message": {"role": "assistant", "content": "Ho"}, "finish_reason": "stop"})
    texts = [item["content"][0]["text"] for item in answered("chat", "responses", body)["output"]]
    assert texts == ["Hi", "Ho"]


@pytest.mark.parametrize("body", [{}, {"output": None}, {"id": "r", "output": [7]}, {"id": "r", "output": [{}]}])
def test_a_malformed_answer_is_one_clear_error(body):
    with pytest.raises(ProxyError) as caught:
        answered("responses", "chat", body)
    assert caught.value.kind == "upstream"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_response_is_an_error(status):
    with pytest.raises(ProxyError) as caught:
        answered("responses", "chat", response(status=status, error={"code": "server_error", "message": "m"}))
    assert caught.value.message == "m"


def test_a_response_is_restored_from_its_parts():
    body = response(said("Hi"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}, usage=None, extra=1)
    assert write_response(read_response(body, ResponsesFlavor()), {}, Report()) == body


@pytest.mark.parametrize(
    ("given", "written"), [("resp_7", "resp_7"), ("chatcmpl-7", "resp_chatcmpl-7"), ("a b", "resp_ab")]
)
def test_the_id_still_shows_the_upstreams(given, written):
    assert response_id(given) == written


def test_what_has_no_place_is_told():
    report = Report()
    part = hub.Raw(format="messages", value={}, path="content[0]")
    write_response(hub.Response(choices=[hub.Choice(parts=[part])]), {}, report)
    assert [str(loss) for loss in report.losses] == ["content[0] dropped (no place in a response)"]


def test_a_fault_anywhere_in_an_answer_is_the_upstreams():
    note = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
    words = {"type": "output_text", "text": "Hi", "annotations": [note], "logprobs": [{"token": "a", "logprob": -1}]}
    whole = response(
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}]},
        {**said(""), "content": [words, {"type": "refusal", "refusal": "r"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "d", "name": "f", "input": "x"},
        {"type": "local_shell_call", "id": "l", "call_id": "e", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "web_search_call", "id": "w", "status": "completed"},
        usage={"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1},
    )
    for body in spoiled(whole):
        try:
            answered("responses", "chat", body)
        except ProxyError as error:
            assert (error.kind, error.param) == ("upstream", None)


def test_calls_of_openais_own_tools_are_told_as_lost():
    exchange = Exchange(FORMATS["chat"], FORMATS["responses"], {}, ResponsesFlavor())
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    body = exchange.response(response(item, said("Hi")))
    assert body["choices"][0]["message"]["content"] == "Hi" and body["choices"][0]["finish_reason"] == "stop"
    assert [str(loss) for loss in exchange.report.losses] == ["output.web_search_call dropped"]


@pytest.mark.parametrize("arguments", ["", '{"x', '{"x": 1}'])
def test_a_call_that_was_cut_off_is_not_told_as_complete(arguments):
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    body = answered("chat", "responses", completion({"content": None, "tool_calls": [call]}, "length"))
    assert (body["status"], body["output"][0]["status"]) == ("incomplete", "incomplete")
    chunks = [chunk({"tool_calls": [call]}), chunk(finish="length")]
    done = [each for each in streamed("chat", "responses", chunks) if each["type"] == "response.output_item.done"]
    assert [each["item"]["status"] for each in done] == ["incomplete"]


def test_a_cut_call_of_a_built_in_is_not_told_as_complete():
    asked = {"model": "m", "input": "hi", "tools": [{"type": "local_shell"}]}
    call = {"id": "c", "type": "function", "function": {"name": "local_shell", "arguments": '{"comm'}}
    body = answered("chat", "responses", completion({"content": None, "tool_calls": [call]}, "length"), asked)
    assert (body["output"][0]["type"], body["output"][0]["status"]) == ("function_call", "incomplete")
