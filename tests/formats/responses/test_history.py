import pytest

from convert.errors import ProxyError
from convert.formats.responses.history import item_id
from tests.formats.converting import USER, sent, to_responses


def call(identity="c", name="f"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": '{"x": 1.50}'}}


def test_a_message_of_many_parts_becomes_items_in_order():
    turn = {"role": "assistant", "content": "I look.", "reasoning_content": "hm", "tool_calls": [call()]}
    result = {"role": "tool", "tool_call_id": "c", "content": "1"}
    _, thought, words, called, output = to_responses({"messages": [USER, turn, result]})["input"]
    assert thought["type"] == "reasoning" and thought["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert words == {"type": "message", "role": "assistant", "content": "I look."}
    assert called == {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x": 1.50}'}
    assert output == {"type": "function_call_output", "call_id": "c", "output": "1"}


def test_open_reasoning_stays_away_from_an_upstream_that_refuses_it():
    turn = {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    written, lost = sent("chat", "responses", {"messages": [USER, turn]}, reasoning_text=False)
    assert [item["type"] for item in written["input"]] == ["message", "message"]
    assert lost == ["messages[1].reasoning_content dropped (this upstream takes back no reasoning in the open)"]


def test_a_refusal_is_written_in_full_with_an_id():
    (_, item) = to_responses({"messages": [USER, {"role": "assistant", "refusal": "No."}]})["input"]
    assert item["id"].startswith("msg_") and item["content"] == [{"type": "refusal", "refusal": "No."}]


def test_an_image_of_a_result_stays_in_the_result():
    image = {"type": "image_url", "image_url": {"url": "https://x.com/a.png"}}
    result = {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "seen"}, image]}
    written = to_responses({"messages": [USER, {"role": "assistant", "tool_calls": [call()]}, result]})
    assert written["input"][2]["output"] == [
        {"type": "input_text", "text": "seen"},
        {"type": "input_image", "image_url": "https://x.com/a.png", "detail": "auto"},
    ]


def test_the_same_history_gives_the_same_bytes():
    body = {"messages": [USER, {"role": "assistant", "content": "a", "reasoning_content": "hm"}, USER]}
    assert to_responses(body) == to_responses(body)
    assert item_id("rs_", "a") == item_id("rs_", "a") != item_id("rs_", "b")


def test_a_name_of_the_author_is_told():
    written, lost = sent("chat", "responses", {"messages": [{**USER, "name": "ann"}]})
    assert "name" not in written["input"][0] and lost == ["messages[0].name dropped"]


def test_calls_and_results_that_do_not_match():
    written, lost = sent(
        "chat", "responses", {"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": "1"}]}
    )
    assert [item["type"] for item in written["input"]] == ["message", "message"] and len(lost) == 1
    written, lost = sent("chat", "responses", {"messages": [USER, {"role": "assistant", "tool_calls": [call()]}, USER]})
    kinds = [item["type"] for item in written["input"]]
    assert kinds == ["message", "function_call", "function_call_output", "message"] and len(lost) == 1


def test_media_without_a_place_are_refused():
    sound = {"type": "input_audio", "input_audio": {"data": "U", "format": "wav"}}
    with pytest.raises(ProxyError) as caught:
        to_responses({"messages": [{"role": "user", "content": [sound]}]})
    assert caught.value.param == "messages[0].content[0]"


@pytest.mark.parametrize("turn", [{"content": ""}, {"content": None}, {"content": "", "tool_calls": []}])
def test_an_earlier_answer_without_words_is_left_out(turn):
    written, lost = sent("chat", "responses", {"messages": [USER, {"role": "assistant", **turn}, USER]})
    assert [item["role"] for item in written["input"]] == ["user", "user"] and lost == []
