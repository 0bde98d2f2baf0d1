import pytest

from convert import hub, stream
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.providers import named
from tests.formats.converting import completion

CHAT, RESPONSES = FORMATS["chat"], FORMATS["responses"]
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_lane_0_is_the_very_object():
    exchange = Exchange(CHAT, CHAT, ASKED, CHAT.flavor())
    assert exchange.request() is ASKED and exchange.untouched and not exchange.streaming


def test_lane_1_changes_the_model_and_nothing_else():
    asked = {**ASKED, "a_field_of_the_future": 1}
    exchange = Exchange(CHAT, CHAT, asked, CHAT.flavor(), model="other")
    assert exchange.request() == {**asked, "model": "other"} and exchange.untouched
    assert asked["model"] == "m"


def test_lane_1_with_a_providers_patch():
    dialect = named("deepseek").dialect("chat", "deepseek-chat")
    asked = {**ASKED, "max_completion_tokens": 9}
    exchange = Exchange(CHAT, CHAT, asked, CHAT.flavor(), patch=dialect.patch)
    assert exchange.request() == {**ASKED, "max_tokens": 9} and exchange.untouched


def test_lane_2_goes_through_the_hub():
    exchange = Exchange(RESPONSES, CHAT, {"model": "m", "input": "hi", "stream": True}, CHAT.flavor())
    assert exchange.request()["messages"] == ASKED["messages"]
    assert exchange.streaming and not exchange.untouched


def test_the_same_format_with_renamed_tools_is_not_untouched():
    tool = {"type": "custom", "custom": {"name": "f"}}
    exchange = Exchange(CHAT, CHAT, {**ASKED, "tools": [tool]}, CHAT.flavor(strict=False))
    assert exchange.request()["tools"][0]["type"] == "function" and not exchange.untouched
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"input": "x"}'}}
    body = exchange.response(completion({"content": None, "tool_calls": [call]}))
    assert body["choices"][0]["message"]["tool_calls"][0]["custom"] == {"name": "f", "input": "x"}


CHUNKS = [
    b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]


def test_a_stream_for_a_client_that_wants_none_and_the_reverse():
    exchange = Exchange(RESPONSES, CHAT, {"model": "m", "input": "hi"}, CHAT.flavor())
    assert exchange.folded(exchange.events(CHUNKS))["output"][0]["content"][0]["text"] == "Hi"
    written = b"".join(exchange.written(exchange.unfolded(completion())))
    assert written.count(b"response.completed") == 2  # event and data


def test_a_folded_failure_is_raised():
    exchange = Exchange(RESPONSES, CHAT, {"model": "m", "input": "hi"}, CHAT.flavor())
    with pytest.raises(ProxyError):
        exchange.folded(exchange.events(CHUNKS[:0]))


def test_silence_lets_the_caller_look_at_its_client():
    seen = []
    exchange = Exchange(RESPONSES, CHAT, {"model": "m", "input": "hi"}, CHAT.flavor())
    exchange.folded(exchange.events([b"", *CHUNKS]), lambda: seen.append(1))
    assert seen == [1]


def test_events_are_checked():
    exchange = Exchange(RESPONSES, CHAT, {"model": "m", "input": "hi"}, CHAT.flavor())
    events = list(exchange.events([b"data: {torn"]))
    assert len(events) == 1 and isinstance(events[0], hub.Failure)
    assert next(stream.check(iter([]))).error.kind == "upstream"


def test_a_request_that_no_reader_foresaw_is_the_clients_fault():
    words = {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation", "url": 7}]}
    asked = {"model": "m", "input": [{"role": "assistant", "content": [words]}]}
    with pytest.raises(ProxyError) as caught:
        Exchange(RESPONSES, CHAT, asked, CHAT.flavor()).request()
    assert (caught.value.status, caught.value.param) == (400, "input[0].content[0].annotations[0]")
