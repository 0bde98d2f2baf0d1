import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.response import read_response, write_response
from convert.hub import Sealed
from convert.losses import Report
from convert.sealed import tag
from tests.formats.converting import answered, completion

TEXT = {"type": "text", "text": "Hi", "citations": None}


def message(*content, stop="end_turn", **members):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
        **members,
    }


def written(*parts, **members):
    report = Report()
    choices = [hub.Choice(parts=list(parts))]
    asked = {"model": "m", "thinking": {"type": "adaptive"}}
    body = write_response(hub.Response(id="1", choices=choices, **members), asked, report)
    return body["content"], [str(loss) for loss in report.losses]


def test_an_answer_of_another_format_is_whole():
    body = answered("chat", "messages", completion({"content": "Hi"}))
    assert body == {
        "id": "msg_chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [TEXT],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }


@pytest.mark.parametrize(
    ("part", "content", "losses"),
    [
        (hub.Text(text=""), [], 0),
        (hub.Refusal(text="Hi"), [TEXT], 0),
        (hub.Media(kind="audio", text="Hi"), [TEXT], 1),
        (hub.Media(kind="image", data="x"), [], 1),
        (hub.Reasoning(text="t"), [{"type": "thinking", "thinking": "t", "signature": ""}], 0),
        (hub.Reasoning(), [], 0),
        (
            hub.Reasoning(sealed=Sealed("responses", "b")),
            [{"type": "thinking", "thinking": "", "signature": tag(Sealed("responses", "b"))}],
            0,
        ),
        (
            hub.Reasoning(sealed=Sealed("messages", {"redacted_thinking": "d"})),
            [{"type": "redacted_thinking", "data": "d"}],
            0,
        ),
        (hub.ToolCall(id="c", name="f"), [{"type": "tool_use", "id": "c", "name": "f", "input": {}}], 0),
        (
            hub.ToolCall(id="c", name="f", text="{"),
            [{"type": "tool_use", "id": "c", "name": "f", "input": {"arguments": "{"}}],
            1,
        ),
        (hub.Raw(format="responses", value={"type": "web_search_call"}), [], 1),
        (hub.Text(text="Hi", logprobs=[{"token": "Hi"}]), [TEXT], 1),
    ],
)
def test_a_part_is_a_block(part, content, losses):
    assert written(part)[0] == content
    assert len(written(part)[1]) == losses


def test_several_choices_are_one_message():
    response = hub.Response(choices=[hub.Choice(parts=[hub.Text(text="a")]), hub.Choice(parts=[hub.Text(text="b")])])
    report = Report()
    assert [block["text"] for block in write_response(response, {}, report)["content"]] == ["a", "b"]
    assert [loss.path for loss in report.losses] == ["choices"]


def test_an_answer_is_read():
    call = {"type": "tool_use", "id": "", "name": "f", "input": {"a": 1}}
    body = message(
        {"type": "thinking", "thinking": "t", "signature": "s"}, call, call, stop="tool_use", container={"id": "c"}
    )
    response = read_response(body, MessagesFlavor())
    thought, first, second = response.choices[0].parts
    assert thought.sealed == Sealed("messages", "s") and first.text == '{"a":1}' and first.id != second.id
    assert response.extra == {"container": {"id": "c"}} and response.choices[0].reason.kind == "tool_calls"


def test_at_home_calls_have_the_names_that_the_client_knows():
    body = message({"type": "tool_use", "id": "c", "name": "n__f", "input": {}}, TEXT, stop="tool_use")
    response = read_response(body, MessagesFlavor())
    response.choices[0].parts[0].name = "f"
    assert write_response(response, {}, Report())["content"][0]["name"] == "f"


@pytest.mark.parametrize(
    "body", [{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, {"error": "x"}]
)
def test_an_error_in_a_successful_answer(body):
    with pytest.raises(ProxyError):
        read_response(body, MessagesFlavor())


def test_a_faulty_block_is_the_upstreams_fault():
    with pytest.raises(ValueError, match="content"):
        read_response(message({"type": "text"}), MessagesFlavor())


@pytest.mark.parametrize(
    ("thinking", "kinds", "losses"),
    [
        ({"type": "adaptive"}, ["thinking", "text"], 0),
        ({"type": "disabled"}, ["text"], 1),
        (None, ["text"], 1),
    ],
)
def test_who_did_not_ask_for_thinking_is_given_none(thinking, kinds, losses):
    report = Report()
    choice = hub.Choice(parts=[hub.Reasoning(text="hm"), hub.Text(text="a")])
    body = write_response(hub.Response(id="1", choices=[choice]), {"thinking": thinking}, report)
    assert [block["type"] for block in body["content"]] == kinds and len(report.losses) == losses


def test_who_enabled_thinking_finds_some_first_if_only_empty():
    response = hub.Response(id="1", choices=[hub.Choice(parts=[hub.Text(text="a")])])
    body = write_response(response, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, Report())
    assert body["content"][0] == {"type": "thinking", "thinking": "", "signature": ""}
