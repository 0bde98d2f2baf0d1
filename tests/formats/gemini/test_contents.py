import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.gemini.contents import read_contents, read_system


def call(name="f", **more):
    return {"functionCall": {"name": name, **more}}


def result(name="f", **more):
    return {"functionResponse": {"name": name, "response": {"output": "1"}, **more}}


def ids(*contents):
    parts = [part for message in read_contents(list(contents)) for part in message.parts]
    return [part.id if isinstance(part, hub.ToolCall) else part.call_id for part in parts]


@pytest.mark.parametrize(
    ("contents", "roles"),
    [
        ("hi", ["user"]),
        ({"parts": [{"text": "hi"}]}, ["user"]),
        (["hi", {"role": "model", "parts": {"text": "a"}}], ["user", "assistant"]),
        ([{"role": "user", "parts": [result()]}], ["tool"]),
        ([{"role": "function", "parts": [result()]}], ["tool"]),
        ([{"role": "user", "parts": [result(), {"text": "and?"}]}], ["user"]),
        ([{"role": "model"}], ["assistant"]),
    ],
)
def test_who_speaks(contents, roles):
    assert [message.role for message in read_contents(contents)] == roles


@pytest.mark.parametrize(
    ("calls", "results", "expected"),
    [
        ([call(id="x")], [result(id="x")], ["x", "x"]),
        ([call()], [result()], ["call_1", "call_1"]),
        ([call("f"), call("g")], [result("g"), result("f")], ["call_1", "call_2", "call_2", "call_1"]),
        ([call(), call()], [result(), result()], ["call_1", "call_2", "call_1", "call_2"]),
        ([call()], [result(id="own")], ["call_1", "call_1"]),
        ([call(id="x")], [result()], ["x", "x"]),
        ([call()], [result("g")], ["call_1", "call_2"]),
        ([call(id="call_2"), call()], [], ["call_2", "call_2_"]),
    ],
)
def test_calls_and_results_are_matched_by_id_else_by_name_and_order(calls, results, expected):
    assert ids({"role": "model", "parts": calls}, {"role": "user", "parts": results}) == expected


def test_media_behind_a_response_belong_to_it():
    image = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    (message,) = read_contents([{"role": "user", "parts": [result(parts=[image]), image, {"text": "x"}, image]}])
    first, text, last = message.parts
    assert [type(part).__name__ for part in first.parts] == ["Text", "Media", "Media"]
    assert isinstance(text, hub.Text) and isinstance(last, hub.Media)


def test_the_dummy_signature_is_no_state():
    signed = {**call(), "thoughtSignature": "skip_thought_signature_validator"}
    (message,) = read_contents([{"role": "model", "parts": [signed]}])
    assert message.parts[0].sealed is None


@pytest.mark.parametrize(
    ("contents", "path"),
    [
        (7, "contents"),
        ([7], "contents[0]"),
        ([{"role": "system", "parts": []}], "contents[0].role"),
        ([{"role": [], "parts": []}], "contents[0].role"),
        ([{"role": "user"}], "contents[0].parts"),
        ([{"parts": 7}], "contents[0].parts"),
        ([{"parts": [7]}], "contents[0].parts[0]"),
        ([{"parts": [{"functionCall": 7}]}], "contents[0].parts[0].functionCall"),
        ([{"parts": [call("")]}], "contents[0].parts[0].functionCall.name"),
        ([{"parts": [call(args=[])]}], "contents[0].parts[0].functionCall.args"),
        ([{"parts": [result(response="x")]}], "contents[0].parts[0].functionResponse.response"),
        ([{"parts": [result(parts=7)]}], "contents[0].parts[0].functionResponse.parts"),
        ([{"parts": [result(parts=[7])]}], "contents[0].parts[0].functionResponse.parts[0]"),
    ],
)
def test_the_path_of_a_fault(contents, path):
    with pytest.raises(ProxyError) as caught:
        read_contents(contents)
    assert (caught.value.kind, caught.value.param) == ("invalid_request", path)


@pytest.mark.parametrize(
    "instruction", ["Be brief.", {"parts": [{"text": "Be brief."}]}, {"parts": {"text": "Be brief."}}]
)
def test_the_system_instruction(instruction):
    message = read_system(instruction, "systemInstruction")
    assert message.role == "system" and message.parts == [hub.Text(text="Be brief.")]
