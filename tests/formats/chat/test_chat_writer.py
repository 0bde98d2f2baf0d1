import json

from convert import hub, sse
from convert.errors import ProxyError
from convert.formats.chat.writer import write_stream
from convert.losses import Report

START = hub.Start("resp_1", "m", 7)


def written(*events, asked=None):
    data = b"".join(write_stream(iter(events), asked or {}, Report()))
    return list(sse.chunks([data]))


def part(index, opened, *deltas, **closing):
    return [hub.PartStart(index, opened), *(hub.Delta(index, text) for text in deltas), hub.PartEnd(index, **closing)]


def deltas(chunks):
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk is not sse.DONE and chunk["choices"]]


def test_text_from_the_role_to_the_terminator():
    chunks = written(START, *part(0, hub.Text(), "Hé", "\ud83d"), hub.End())
    assert deltas(chunks) == [
        {"role": "assistant", "content": "", "refusal": None}, {"content": "Hé"}, {"content": "\ud83d"}, {},
    ]  # fmt: skip
    assert chunks[-1] is sse.DONE and chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert {(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks[:-1]} == {("chatcmpl-1", "m", 7)}


def test_interleaved_calls_keep_their_numbers():
    calls = [hub.ToolCall(id=each, name=each) for each in "ab"]
    opened = [hub.PartStart(number, call) for number, call in enumerate(calls)]
    grown = [hub.Delta(0, "{"), hub.Delta(1, "{}"), hub.Delta(0, "}")]
    chunks = written(START, *opened, *grown, hub.PartEnd(0), hub.PartEnd(1), hub.End([hub.Reason("tool_calls")]))
    pieces = [delta["tool_calls"][0] for delta in deltas(chunks) if "tool_calls" in delta]
    texts = {0: "", 1: ""}
    for piece in pieces:
        texts[piece["index"]] += piece["function"]["arguments"]
    assert texts == {0: "{}", 1: "{}"} and [piece["id"] for piece in pieces[:2]] == ["a", "b"]


def test_a_call_without_arguments_gets_an_empty_object():
    chunks = written(START, *part(0, hub.ToolCall(id="a", name="f")), hub.End([hub.Reason("tool_calls")]))
    assert deltas(chunks)[-2]["tool_calls"][0]["function"] == {"arguments": "{}"}


def test_usage_only_when_it_was_asked_for():
    end = hub.End(usage=hub.Usage(1, 2))
    assert all("usage" not in chunk for chunk in written(START, end)[:-1])
    chunks = written(START, end, asked={"stream_options": {"include_usage": True}})
    assert chunks[-2]["choices"] == [] and chunks[-2]["usage"]["total_tokens"] == 3
    assert all(chunk["usage"] is None for chunk in chunks[:-2])


def test_summaries_are_told_apart_by_a_blank_line():
    thoughts = [hub.Reasoning(kind="summary"), hub.Reasoning(kind="summary")]
    chunks = written(START, *part(0, thoughts[0], "a"), *part(1, thoughts[1], "b"), hub.End())
    assert "".join(delta.get("reasoning_content", "") for delta in deltas(chunks)) == "a\n\nb"


def test_a_failure_is_the_error_and_the_terminator():
    chunks = written(START, *part(0, hub.Text(), "Hi"), hub.Failure(ProxyError("overloaded", "busy")))
    assert chunks[-2]["error"]["message"] == "busy" and chunks[-1] is sse.DONE


def test_silence_is_a_comment():
    assert b"".join(write_stream(iter([hub.PING]), {}, Report())) == b": keep-alive\n\n"


def test_the_legacy_call_is_streamed_as_such():
    asked = {"functions": [{"name": "f"}]}
    chunks = written(
        START, *part(0, hub.ToolCall(id="a", name="f"), "{}"), hub.End([hub.Reason("tool_calls")]), asked=asked
    )
    calls = [delta["function_call"] for delta in deltas(chunks) if "function_call" in delta]
    assert calls == [{"name": "f", "arguments": ""}, {"arguments": "{}"}]
    assert chunks[-2]["choices"][0]["finish_reason"] == "function_call"


def test_every_delta_is_json_whatever_the_text():
    text = 'quote " backslash \\ newline \n null \x00 sun ☀'
    data = b"".join(write_stream(iter([START, *part(0, hub.Text(), text), hub.End()]), {}, Report()))
    frames = [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: {")]
    assert frames[1]["choices"][0]["delta"]["content"] == text


def test_a_summary_without_words_is_parted_by_nothing():
    seal = hub.Sealed("gemini", "AAAA")
    events = [
        hub.Start("1", "m"), hub.PartStart(0, hub.Reasoning(kind="summary")), hub.Delta(0, "a"), hub.PartEnd(0),
        hub.PartStart(1, hub.Reasoning(kind="summary")), hub.PartEnd(1, sealed=seal), hub.End(),
    ]  # fmt: skip
    chunks = list(sse.chunks(write_stream(iter(events), {}, Report())))
    thoughts = [each["choices"][0]["delta"].get("reasoning_content") for each in chunks if each.get("choices")]
    assert [thought for thought in thoughts if thought] == ["a"]
