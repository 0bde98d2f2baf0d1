import pytest

from convert import hub, sealed
from convert.exchange import Exchange
from convert.formats import FORMATS
from tests.formats.converting import USER, sent

DUMMY = "skip_thought_signature_validator"


def call(identity="c", arguments="{}"):
    return {"id": identity, "type": "function", "function": {"name": "f", "arguments": arguments}}


def result(identity="c", content="1"):
    return {"role": "tool", "tool_call_id": identity, "content": content}


def to_gemini(*messages, **flavor):
    written, lost = sent("chat", "gemini", {"messages": list(messages)}, **flavor)
    return written, lost


def contents(*messages, **flavor):
    return to_gemini(*messages, **flavor)[0]["contents"]


HI = {"role": "user", "parts": [{"text": "hi"}]}


def test_all_results_of_a_turn_stand_in_one_content():
    assistant = {"role": "assistant", "content": "a", "tool_calls": [call("c"), call("d")]}
    written = contents(USER, assistant, result("d", "2"), result("c"), USER)
    assert written == [
        HI,
        {"role": "model", "parts": [
            {"text": "a"},
            {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": DUMMY},
            {"functionCall": {"id": "d", "name": "f", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c", "name": "f", "response": {"output": "1"}}},
            {"functionResponse": {"id": "d", "name": "f", "response": {"output": "2"}}},
        ]},
        HI,
    ]  # fmt: skip


def test_each_step_has_its_dummy_signature_unless_the_server_wants_none():
    turn = [{"role": "assistant", "tool_calls": [call()]}, result()]
    assert str(contents(USER, *turn, *turn)).count(DUMMY) == 2
    assert DUMMY not in str(contents(USER, *turn, dummy_signature=False))


def test_googles_own_signature_comes_back_to_it():
    seal = sealed.tag(hub.Sealed("gemini", "AAAA"))
    item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": seal}
    written, lost = sent("responses", "gemini", {"input": [item, {"role": "assistant", "content": "a"}, USER]})
    parts = [part for content in written["contents"] for part in content["parts"]]
    assert {"text": "hm", "thought": True, "thoughtSignature": "AAAA"} in parts and lost == []


def test_media_of_a_result_stand_behind_it():
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    items = [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "see"}, image]},
    ]
    parts = sent("responses", "gemini", {"input": items})[0]["contents"][1]["parts"]
    assert parts[0]["functionResponse"]["response"] == {"output": "see"}
    assert parts[1:] == [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]


@pytest.mark.parametrize(
    ("messages", "system", "texts"),
    [
        ([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, USER], ["a", "b"], ["hi"]),
        ([USER, {"role": "system", "content": "a"}], None, ["hi", "<system>\na\n</system>"]),
        ([{"role": "system", "content": "a"}], None, ["a"]),
        ([{"role": "system", "content": "a"}, {"role": "system", "content": "b"}], ["a"], ["b"]),
    ],
)
def test_where_system_messages_go(messages, system, texts):
    written = to_gemini(*messages)[0]
    instruction = written.get("systemInstruction")
    assert (instruction and [part["text"] for part in instruction["parts"]]) == system
    assert [part["text"] for content in written["contents"] for part in content["parts"]] == texts


def test_arguments_that_are_no_object():
    written, lost = to_gemini(USER, {"role": "assistant", "tool_calls": [call(arguments="{")]}, result())
    assert written["contents"][1]["parts"][0]["functionCall"]["args"] == {"arguments": "{"}
    assert lost == ["messages[1].tool_calls[0] approximated (arguments that are no JSON object became a text)"]


def test_empty_texts_are_left_out():
    assert contents(USER, {"role": "assistant", "content": ""}, USER) == [HI, HI]


@pytest.mark.parametrize(
    "content",
    [
        "hi",
        {"parts": "hi"},
        {"role": "model"},
        {"role": "model", "parts": []},
        {"role": "user", "parts": {"text": "hi", "unknown_field": 1}},
        {"role": "model", "parts": [{"text": "a", "thought_signature": "AAAA"}, {}]},
        {"role": "model", "parts": [{"thoughtSignature": "AAAA"}, {"text": "", "thought": True}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thought_signature": DUMMY, "thought": True}]},
        {"role": "function", "parts": [{"function_response": {"name": "f", "parts": [], "will_continue": False}}]},
        {"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA", "display_name": "n"}, "a_b": 1}]},
        {"parts": [{"fileData": {"fileUri": "files/1"}}, {"toolCall": {"id": "1"}}]},
    ],
    ids=str,
)
def test_a_content_comes_home_as_it_was(content):
    gemini = FORMATS["gemini"]
    body = {"model": "m", "contents": ["first", content]}
    assert Exchange(gemini, gemini, body, gemini.flavor(mixed_tools=True)).request() == body
