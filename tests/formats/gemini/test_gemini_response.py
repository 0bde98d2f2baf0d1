import pytest

from convert import hub, sealed
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.response import read_response, write_response
from convert.losses import Report
from tests.formats.converting import answered, completion, response

FLAVOR = GeminiFlavor()


def candidate(*parts, finish="STOP", **members):
    content = {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, "index": 0, **members}
    return {"candidates": [content], "modelVersion": "m", "responseId": "r"}


def parts_of(*parts):
    return read_response(candidate(*parts), FLAVOR).choices[0].parts


CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
SIGNED = hub.Sealed("gemini", "AAAA")


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ([{"text": "a"}, {"text": "b"}], [hub.Text(text="ab")]),
        ([{"text": ""}], []),
        ([{"text": "a", "thought": True}, {"text": "b", "thought": True}], [hub.Reasoning(text="ab", kind="summary")]),
        ([{"text": "a", "thought": True}, {"text": "b", "thought": True, "thoughtSignature": "AAAA"}],
         [hub.Reasoning(text="ab", kind="summary", sealed=SIGNED)]),
        ([{"text": "a"}, {"text": "", "thoughtSignature": "AAAA"}],
         [hub.Text(text="a"), hub.Reasoning(kind="summary", sealed=SIGNED)]),
        ([{"inlineData": {"mimeType": "image/png", "data": "AA"}}],
         [hub.Media(kind="image", mime="image/png", data="AA")]),
        ([{"executableCode": {"code": "1"}}], [hub.Raw(format="gemini", value={"executableCode": {"code": "1"}})]),
    ],
)  # fmt: skip
def test_what_the_parts_mean(parts, read):
    assert parts_of(*parts) == read


def test_a_call_without_an_id_gets_the_same_one_each_time():
    first, second = (parts_of({**CALL, "thoughtSignature": "AAAA"}, CALL) for _ in range(2))
    assert first == second and first[0].id != first[1].id
    assert (first[0].text, first[0].sealed, first[1].sealed) == ('{"a":1}', SIGNED, None)


def test_a_refused_prompt_is_filtered():
    read = read_response({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r"}, FLAVOR)
    assert [choice.reason for choice in read.choices] == [hub.Reason("filter")] and read.choices[0].parts == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"candidates": []}, {"candidates": [7]}, candidate(7), candidate({"functionCall": {}}),
        candidate({"inlineData": {}}),
    ],
)
def test_a_wrong_shape_is_malformed(body):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read_response(body, FLAVOR)


@pytest.mark.parametrize(
    "body", [{"error": {"code": 503, "message": "busy"}}, candidate(finish="MALFORMED_FUNCTION_CALL")]
)
def test_an_error_in_a_good_answer_is_an_error(body):
    with pytest.raises(ProxyError):
        read_response(body, FLAVOR)


def test_an_answer_of_another_format():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = {"content": "Hi", "reasoning_content": "hm", "tool_calls": [call]}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert answered("chat", "gemini", completion(message, "tool_calls", usage=usage)) == {
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"text": "hm", "thought": True}, {"text": "Hi"},
                {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}},
            ]},
            "finishReason": "STOP", "index": 0,
        }],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
        "modelVersion": "m", "responseId": "chatcmpl-1",
    }  # fmt: skip


def test_two_thoughts_are_parted_by_a_blank_line_and_a_seal_is_tagged():
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    item = {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "gAAA"}
    parts = answered("responses", "gemini", response(item))["candidates"][0]["content"]["parts"]
    assert [part["text"] for part in parts] == ["a", "\n\nb"]
    assert sealed.untag(parts[1]["thoughtSignature"]) == hub.Sealed("responses", "gAAA")


@pytest.mark.parametrize(
    ("part", "written", "lost"),
    [
        (hub.Refusal(text="no"), [{"text": "no"}], ["output.refusal approximated (told as text)"]),
        (hub.Raw(format="responses", value={"type": "x_call"}), [{"text": ""}], ["output.x_call dropped"]),
        (hub.Text(text="a", citations=[hub.Citation(file_id="f")]), [{"text": "a"}],
         ["annotations dropped (a citation without a URL)"]),
        (hub.ToolCall(id="c", name="f", text="{"),
         [{"functionCall": {"id": "c", "name": "f", "args": {"arguments": "{"}}}],
         ["output.tool_call.arguments approximated (they are no JSON object)"]),
        (hub.Media(kind="image", url="https://x.com/a"),
         [{"fileData": {"mimeType": "image/png", "fileUri": "https://x.com/a"}}], []),
        (hub.Media(kind="audio", text="hi", extra={"data": "AA"}),
         [{"text": "hi"}, {"inlineData": {"mimeType": "audio/wav", "data": "AA"}}], []),
    ],
)  # fmt: skip
def test_what_has_no_place_is_told(part, written, lost):
    report = Report()
    body = write_response(hub.Response(choices=[hub.Choice(parts=[part])]), {"model": "m"}, report)
    assert body["candidates"][0]["content"]["parts"] == written
    assert [str(loss) for loss in report.losses] == lost


def test_a_renamed_call_comes_back_under_its_name():
    tools = [{"functionDeclarations": [{"name": "f" * 70}]}]
    asked = {"model": "m", "contents": "hi", "tools": tools}
    exchange = Exchange(FORMATS["gemini"], FORMATS["gemini"], asked, GeminiFlavor(mixed_tools=True))
    sent = exchange.request()["tools"][0]["functionDeclarations"][0]["name"]
    assert len(sent) == 64
    body = candidate({"text": "a"}, {"functionCall": {"name": sent}, "thoughtSignature": "AAAA"})
    parts = exchange.response(body)["candidates"][0]["content"]["parts"]
    assert parts == [{"text": "a"}, {"functionCall": {"name": "f" * 70}, "thoughtSignature": "AAAA"}]
