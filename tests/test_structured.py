"""Structured output on a wire that has no way to ask for it: each client format, plain and streamed."""

import json

import pytest

from convert import hub, stream, structured
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.losses import Report
from convert.sse import DONE, chunks, event
from convert.tools import Support
from tests.formats.converting import USER, chunk, completion

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANSWER = '{"city": "Rome"}'
TOOL = Support(schemas=False, json=False)
WORDS = Support(schemas=False, json=True, named_choice=False)


def fit(support=TOOL, home=False, **members):
    members.setdefault("output", hub.Output(kind="schema", schema=SCHEMA, path="format", strict=True))
    report = Report()
    request, name = structured.fit(hub.Request(**members), support, report, home)
    return request, name, [str(loss) for loss in report.losses]


def test_what_the_wire_can_say_stays():
    request, name, losses = fit(Support())
    assert (request.output.schema, name, losses) == (SCHEMA, "", [])
    assert fit(TOOL, output=hub.Output(kind="text"))[1:] == ("", [])


def test_without_tools_the_one_that_gives_the_answer_must_be_called():
    request, name, losses = fit()
    assert request.output is None and name == "structured_answer"
    assert [(tool.name, tool.schema, tool.strict) for tool in request.tools] == [(name, SCHEMA, True)]
    assert (request.choice.kind, request.choice.tool.name) == ("named", name)
    assert request.instructions is None
    assert losses == ["format approximated (the schema became a tool, whose call is the answer)"]


def test_beside_the_clients_tools_it_is_asked_for_in_words():
    request, name, _ = fit(tools=[hub.Tool(name="look")], instructions=hub.Message(parts=[hub.Text(text="Hi.")]))
    assert [tool.name for tool in request.tools] == ["look", name] and request.choice is None
    assert request.instructions.parts[0].text == f"Hi.\n\n{structured.INSTRUCTION.format(name)}"


def test_where_no_call_is_wanted_the_answer_is_one():
    request, name, _ = fit(tools=[hub.Tool(name="look")], choice=hub.ToolChoice(kind="none"))
    assert (request.choice.kind, request.choice.tool.name) == ("named", name)


@pytest.mark.parametrize("kind", ["required", "named"])
def test_where_a_tool_must_be_called_there_is_no_answer_to_form(kind):
    request, name, losses = fit(tools=[hub.Tool(name="look")], choice=hub.ToolChoice(kind=kind))
    assert (request.output, name, len(request.tools)) == (None, "", 1)
    assert losses == ["format dropped (a tool must be called, so that there is no answer in words)"]


@pytest.mark.parametrize(
    ("wanted", "taken", "name"),
    [("city report", (), "city_report"), ("a", ("a",), "a_"), ("x" * 70, ("x" * 64,), "_" + "x" * 63)],
)
def test_its_name_is_legal_and_its_own(wanted, taken, name):
    output = hub.Output(kind="schema", schema=SCHEMA, name=wanted)
    assert fit(output=output, tools=[hub.Tool(name=each) for each in taken])[1] == name


@pytest.mark.parametrize("schema", [None, {"type": "array"}, {"anyOf": [SCHEMA]}])
def test_a_schema_that_is_no_objects_is_told_in_words(schema):
    request, name, losses = fit(output=hub.Output(kind="schema", schema=schema, path="format"))
    assert name == "" and request.tools == [] and request.output is None
    assert request.instructions.parts[0].text.startswith(structured.SCHEMA_IN_WORDS)
    assert losses == ["format approximated (the form of the answer is told in words)"]


def test_words_join_the_clients_own_and_keep_a_cached_beginning():
    request = fit(WORDS, messages=[hub.Message(role="system", parts=[hub.Text(text="Hi.")]), hub.Message()])[0]
    assert request.output.kind == "json" and request.instructions is None
    assert request.messages[0].parts[0].text.startswith("Hi.\n\nAnswer with")
    cached = hub.Message(role="system", parts=[hub.Text(text="Hi.", cache={"type": "ephemeral"})])
    assert [part.text[:6] for part in fit(WORDS, instructions=cached)[0].instructions.parts] == ["Hi.", "Answer"]


def test_json_beside_functions_may_be_impossible():
    support = Support(output_beside_tools=False)
    assert fit(support)[1] == ""
    assert fit(support, tools=[hub.Tool(name="look")])[1] == "structured_answer"
    assert fit(support, tools=[hub.Tool(name="look")], home=True)[1] == ""


# --- the way back ----------------------------------------------------------------------------------


def answered(*parts, reason="tool_calls"):
    response = hub.Response(choices=[hub.Choice(parts=list(parts), reason=hub.Reason(reason))])
    plain = structured.restore(response, "answer").choices[0]
    events = structured.restored(stream.unfold(response), "answer")
    assert stream.fold(stream.check(events)).choices[0] == plain  # a stream says the same
    return plain


def test_the_call_is_the_text():
    choice = answered(hub.ToolCall(text=ANSWER, name="answer", id="c"))
    assert (choice.parts, choice.reason.kind) == ([hub.Text(text=ANSWER)], "stop")


def test_words_on_the_way_are_reasoning():
    thought, words = hub.Reasoning(text="hm"), hub.Text(text="Here it is:")
    choice = answered(thought, words, hub.ToolCall(text=ANSWER, name="answer", id="c"), hub.Text(text="Done."))
    before, after = hub.Reasoning(text="Here it is:"), hub.Reasoning(text="Done.")
    assert choice.parts == [thought, before, hub.Text(text=ANSWER), after]


def test_other_calls_stay_calls():
    call, words = hub.ToolCall(text="{}", name="look", id="c"), hub.Text(text="I look.")
    choice = answered(words, call)
    assert (choice.parts, choice.reason.kind) == ([words, call], "tool_calls")
    choice = answered(call, hub.ToolCall(text=ANSWER, name="answer", id="d"))
    assert (choice.parts, choice.reason.kind) == ([call, hub.Text(text=ANSWER)], "tool_calls")


def test_an_answer_in_words_after_all_is_the_answer():
    assert answered(hub.Text(text=ANSWER), reason="stop").parts == [hub.Text(text=ANSWER)]
    assert answered(hub.ToolCall(text='{"ci', name="answer", id="c"), reason="length").reason.kind == "length"


def test_a_stream_that_breaks_off_gives_what_it_has():
    begun = [hub.Start(), hub.PartStart(0, hub.Text()), hub.Delta(0, "x"), hub.Failure(ProxyError("upstream", "broke"))]
    assert list(structured.restored(iter(begun), "answer")) == begun


def test_overlapping_parts_keep_their_own_text():
    call = hub.ToolCall(name="answer", id="c")
    events = [
        hub.Start(), hub.PartStart(0, hub.Text()), hub.PartStart(1, call), hub.Delta(1, "{"), hub.Delta(0, "hm"),
        hub.Delta(1, "}"), hub.PartEnd(0), hub.PartEnd(1), hub.End([hub.Reason("tool_calls")]),
    ]  # fmt: skip
    parts = stream.fold(stream.check(structured.restored(iter(events), "answer"))).choices[0].parts
    assert parts == [hub.Reasoning(text="hm"), hub.Text(text="{}")]


# --- whole exchanges: each client format over upstreams that take no schema ---------------------------

FORM = {"type": "json_schema", "schema": SCHEMA}
ASKED = {
    "chat": {"messages": [USER], "response_format": {"type": "json_schema", "json_schema": {**FORM, "name": "n"}}},
    "responses": {"input": "hi", "text": {"format": {**FORM, "name": "n"}}},
    "messages": {"messages": [USER], "max_tokens": 9, "output_config": {"format": FORM}},
    "gemini": {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
    },
}  # fmt: skip
TEXT = {
    "chat": lambda body: body["choices"][0]["message"]["content"],
    "responses": lambda body: body["output"][0]["content"][0]["text"],
    "messages": lambda body: body["content"][0]["text"],
    "gemini": lambda body: body["candidates"][0]["content"]["parts"][0]["text"],
}
ENDED = {
    "chat": lambda body: body["choices"][0]["finish_reason"] == "stop",
    "responses": lambda body: body["status"] == "completed",
    "messages": lambda body: body["stop_reason"] == "end_turn",
    "gemini": lambda body: body["candidates"][0]["finishReason"] == "STOP",
}
WITHOUT = {"chat": {"json_schema": False, "json_object": False}, "messages": {"json_schema": False}}


def grown(text):
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def exchange(client, wire, **more):
    form = FORMATS[wire]
    asked = {"model": "m", **ASKED[client], **more}
    return Exchange(FORMATS[client], form, asked, form.flavor(**WITHOUT[wire]))


@pytest.mark.parametrize("client", FORMATS)
@pytest.mark.parametrize("wire", WITHOUT)
def test_the_answer_comes_back_as_text(client, wire):
    asking = exchange(client, wire)
    body = asking.request()
    (tool,) = body["tools"]
    name = tool["function"]["name"] if wire == "chat" else tool["name"]
    told = tool["function"]["parameters"] if wire == "chat" else tool["input_schema"]
    assert told == SCHEMA and name in json.dumps(body["tool_choice"]) and "response_format" not in body
    assert body.get("output_config") is None and not asking.untouched
    assert [loss.how for loss in asking.report.losses if "schema became a tool" in loss.what] == ["approximated"]
    if wire == "chat":
        call = {"id": "c", "type": "function", "function": {"name": name, "arguments": ANSWER}}
        finished = completion({"content": None, "tool_calls": [call]}, "tool_calls")
        first = {"index": 0, **call, "function": {"name": name, "arguments": ""}}
        pieces = [
            chunk({"tool_calls": [first]}),
            *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": each}}]}) for each in ANSWER),
            chunk(finish="tool_calls"),
        ]  # fmt: skip
    else:
        block = {"type": "tool_use", "id": "c", "name": name, "input": json.loads(ANSWER)}
        finished = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [block],
            "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        pieces = [
            {"type": "message_start", "message": {**finished, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}},
            *(grown(each) for each in ANSWER),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ]  # fmt: skip
    answer = asking.response(finished)
    assert json.loads(TEXT[client](answer)) == json.loads(ANSWER) and ENDED[client](answer)
    frames = [event(each) for each in pieces] + ([b"data: [DONE]\n\n"] if wire == "chat" else [])
    streamed = b"".join(asking.written(asking.events(frames)))
    read = FORMATS[client].read_stream(chunks([streamed]), FORMATS[client].flavor())
    choice = stream.fold(stream.check(read)).choices[0]
    assert [part.text for part in choice.parts if isinstance(part, hub.Text)] == [ANSWER]
    assert choice.reason.kind == "stop" and not any(isinstance(part, hub.ToolCall) for part in choice.parts)
    assert all(each is DONE or "structured_answer" not in str(each) for each in chunks([streamed]))


def test_thinking_is_left_out_where_the_answer_must_be_a_call():
    asking = exchange("messages", "messages", thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=9000)
    assert "thinking" not in asking.request()
    assert "thinking approximated (no thinking, because a tool must be called)" in map(str, asking.report.losses)
