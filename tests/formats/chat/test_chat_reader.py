import pytest

from convert import hub
from convert.errors import ProxyError
from tests.formats.converting import chunk, events, folded

DONE = "data: [DONE]\n\n"


def call(index=None, identity=None, name=None, arguments=None):
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    body = {"index": index, "id": identity, "function": function or None}
    return chunk({"tool_calls": [{key: value for key, value in body.items() if value is not None}]})


def calls(*chunks, finish="tool_calls"):
    response = folded("chat", [*chunks, chunk(finish=finish), DONE])
    return [(part.id, part.name, part.text) for part in response.choices[0].parts if isinstance(part, hub.ToolCall)]


def test_reasoning_then_text():
    deltas = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {"content": "Hi"},
    ]
    response = folded("chat", [*map(chunk, deltas), chunk(finish="stop"), DONE])
    assert response.choices[0].parts == [hub.Reasoning(text="hm"), hub.Text(text="Hi")]


def test_tags_in_the_content_split_anywhere():
    text = "<think>hm</think>\n\nHi"
    response = folded("chat", [*(chunk({"content": letter}) for letter in text), chunk(finish="stop"), DONE])
    assert response.choices[0].parts == [hub.Reasoning(text="hm"), hub.Text(text="Hi")]


@pytest.mark.parametrize(
    "chunks",
    [
        [call(0, "a", "f", ""), call(0, arguments="{}"), call(1, "b", "g", "{}")],
        [call(0, "a", "f"), call(1, "b", "g"), call(0, arguments="{"), call(1, arguments="{}"), call(0, arguments="}")],
        [call(0, "a", "f", "{}"), call(0, "b", "g", "{}")],  # one index for all
        [call(None, "a", "f", "{}"), call(None, "b", "g", "{}")],  # no index
        [call(0, "a"), call(0, None, "f"), call(0, arguments="{}"), call(1, "b", "g", "{}")],  # the name comes later
        [call(0, "a", "f", "{}"), call(0, "a", "f", ""), call(1, "b", "g", "{}")],  # id and name in each piece
    ],
    ids=["in turn", "interleaved", "one index", "no index", "late name", "repeated"],
)
def test_two_calls_however_they_are_numbered(chunks):
    assert calls(*chunks) == [("a", "f", "{}"), ("b", "g", "{}")]


def test_calls_without_ids_get_some():
    first, second = calls(call(0, None, "f", "{}"), call(1, None, "f", "{}"))
    assert first[0] and second[0] and first[0] != second[0]


def test_the_reason_is_a_call_whatever_the_server_says():
    response = folded("chat", [call(0, "a", "f", "{}"), chunk(finish="stop"), DONE])
    assert response.choices[0].reason.kind == "tool_calls"


def test_usage_in_a_chunk_of_its_own_after_the_end():
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    last = {"id": "chatcmpl-1", "choices": [], "usage": usage}
    response = folded("chat", [chunk({"content": "Hi"}), chunk(finish="stop"), last, DONE])
    assert response.usage == hub.Usage(1, 2)


def test_several_choices_keep_apart():
    def of(number, delta, finish=None):
        return {"id": "x", "choices": [{"index": number, "delta": delta, "finish_reason": finish}]}

    chunks = [
        of(0, {"content": "a"}),
        of(1, {"content": "b"}),
        of(0, {"content": "a"}),
        of(1, {}, "stop"),
        of(0, {}, "length"),
    ]
    response = folded("chat", [*chunks, DONE])
    assert [(choice.parts, choice.reason.kind) for choice in response.choices] == [
        ([hub.Text(text="aa")], "length"), ([hub.Text(text="b")], "stop"),
    ]  # fmt: skip


def test_without_the_terminator_only_a_finish_reason_is_an_end():
    assert isinstance(events("chat", [chunk({"content": "Hi"}), chunk(finish="stop")])[-1], hub.End)
    assert isinstance(events("chat", [chunk({"content": "Hi"})])[-1], hub.Failure)
    assert isinstance(events("chat", [])[-1], hub.Failure)


@pytest.mark.parametrize(
    "broken",
    [
        {"error": {"message": "busy", "code": 503}},
        "data: {torn\n\n",
        "data: 7\n\n",
        {"id": "x", "choices": [7]},
        {"id": "x", "choices": [{"delta": {"content": 7}}]},
        call(0, "a", None, "{}"),
    ],
)
def test_what_breaks_a_stream_is_one_failure(broken):
    seen = events("chat", [chunk({"content": "Hi"}), broken, chunk(finish="stop"), DONE])
    assert isinstance(seen[-1], hub.Failure) and not any(isinstance(event, hub.End) for event in seen)


def test_a_server_that_gives_up_says_so_in_the_finish_reason():
    assert isinstance(events("chat", [chunk({"content": "Hi"}), chunk(finish="network_error"), DONE])[-1], hub.Failure)


def test_the_error_of_a_chunk_keeps_its_kind():
    with pytest.raises(ProxyError) as caught:
        folded("chat", [chunk({"content": "Hi"}), {"error": {"message": "busy", "code": 503}}])
    assert (caught.value.kind, caught.value.message) == ("overloaded", "busy")


def test_log_probabilities_stay_with_their_text():
    token = {"token": "Hi", "logprob": -1, "bytes": None, "top_logprobs": []}
    body = {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token]}}]}
    response = folded("chat", [body, chunk(finish="stop"), DONE])
    assert response.choices[0].parts[0].logprobs == [token]


@pytest.mark.parametrize(
    "chunks",
    [
        [call(0, "a", "f", ""), call(0, "", "", '{"x":'), call(0, "", "", "1}")],  # blank id and name in later pieces
        [call(0, "a", "f", '{"x":1}'), chunk(finish="tool_calls")],  # the finish reason twice
        [call(0, "a", "f", '{"x":1}'), chunk({"role": "assistant", "content": ""})],
    ],
)
def test_one_call_stays_one(chunks):
    assert calls(*chunks) == [("a", "f", '{"x":1}')]


def test_a_call_without_any_finish_reason_is_not_lost():
    response = folded("chat", [call(0, "a", "f", "{}"), DONE])
    assert response.choices[0].parts[0].name == "f" and response.choices[0].reason.kind == "tool_calls"


def test_the_latest_usage_counts_wherever_it_stands():
    chunks = [
        chunk({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 1}),
        chunk(finish="stop", usage={"prompt_tokens": 3, "completion_tokens": 2}),
    ]
    assert folded("chat", [*chunks, DONE]).usage == hub.Usage(3, 2)


def test_a_refusal_and_citations_grow_too():
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
    response = folded("chat", [chunk({"content": "a"}), chunk({"annotations": [note]}), chunk(finish="stop"), DONE])
    assert response.choices[0].parts[0].citations == [hub.Citation(url="u", title="t", start=0, end=1)]
    response = folded("chat", [chunk({"refusal": "N"}), chunk({"refusal": "o"}), chunk(finish="stop"), DONE])
    assert response.choices[0].parts == [hub.Refusal(text="No")]


def test_a_legacy_call_and_a_custom_one():
    legacy = [chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}})]
    assert [each[1:] for each in calls(*legacy, finish="function_call")] == [("f", "{}")]
    piece = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "p", "input": "x"}}
    response = folded("chat", [chunk({"tool_calls": [piece]}), chunk(finish="tool_calls"), DONE])
    assert response.choices[0].parts == [hub.ToolCall(type="custom", id="a", name="p", text="x")]
