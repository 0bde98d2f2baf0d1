import json

import pytest

from convert import hub, sse
from convert.errors import ProxyError
from convert.formats.responses.writer import write_stream
from convert.losses import Report

START = hub.Start("chatcmpl-1", "m", 7)


def written(*events, asked=None):
    return list(sse.chunks([b"".join(write_stream(iter(events), asked or {"model": "m"}, Report()))]))


def part(index, opened, *deltas, choice=0, **closing):
    grown = [hub.Delta(index, text) for text in deltas]
    return [hub.PartStart(index, opened, choice), *grown, hub.PartEnd(index, **closing)]


def kinds(events):
    return [event["type"].removeprefix("response.") for event in events]


TEXT = [
    "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
    "content_part.done", "output_item.done", "completed",
]  # fmt: skip
CALL = [
    "created", "in_progress", "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
    "output_item.done", "completed",
]  # fmt: skip
CUSTOM = [each.replace("function_call_arguments", "custom_tool_call_input") for each in CALL]
SUMMARY = [
    "created", "in_progress", "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
    "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done", "completed",
]  # fmt: skip
FULL = [
    "created", "in_progress", "output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done",
    "content_part.done", "output_item.done", "completed",
]  # fmt: skip


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        (hub.Text(), TEXT),
        (hub.Refusal(), [each.replace("output_text", "refusal") for each in TEXT]),
        (hub.ToolCall(id="c", name="f"), CALL),
        (hub.ToolCall(type="custom", id="c", name="f"), CUSTOM),
        (hub.Reasoning(kind="summary"), SUMMARY),
        (hub.Reasoning(), FULL),
    ],
    ids=["text", "refusal", "call", "custom", "summary", "reasoning"],
)
def test_the_whole_set_of_events(opened, expected):
    assert kinds(written(START, *part(0, opened, "x"), hub.End())) == expected


def test_numbers_and_ids():
    events = written(
        START,
        *part(0, hub.Reasoning(), "h"),
        *part(1, hub.Text(), "a"),
        *part(2, hub.ToolCall(id="c", name="f"), "{}"),
        hub.End(),
    )
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert {event["response"]["id"] for event in events if "response" in event} == {"resp_chatcmpl-1"}
    added = [event for event in events if event["type"] == "response.output_item.added"]
    assert [event["output_index"] for event in added] == [0, 1, 2]
    final = events[-1]["response"]
    assert [item["id"] for item in final["output"]] == [event["item"]["id"] for event in added]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert final["output"] == done


def test_interleaved_calls_go_to_their_own_items():
    opened = [hub.PartStart(n, hub.ToolCall(id=each, name=each)) for n, each in enumerate("ab")]
    grown = [hub.Delta(0, "{"), hub.Delta(1, "{}"), hub.Delta(0, "}")]
    events = written(START, *opened, *grown, hub.PartEnd(1), hub.PartEnd(0), hub.End())
    assert [item["arguments"] for item in events[-1]["response"]["output"]] == ["{}", "{}"]


def test_a_call_without_arguments():
    events = written(START, *part(0, hub.ToolCall(id="c", name="f")), hub.End())
    done = next(event for event in events if event["type"].endswith("arguments.done"))
    assert done["arguments"] == events[-1]["response"]["output"][0]["arguments"] == "{}"


def test_a_seal_without_words_is_an_item_without_texts():
    events = written(START, *part(0, hub.Reasoning(kind="summary"), sealed=hub.Sealed("responses", "gA")), hub.End())
    assert kinds(events) == ["created", "in_progress", "output_item.added", "output_item.done", "completed"]
    assert events[-1]["response"]["output"][0]["encrypted_content"] == "gA"


@pytest.mark.parametrize(("kind", "last"), [("stop", "completed"), ("length", "incomplete"), ("filter", "incomplete")])
def test_the_terminal_event(kind, last):
    events = written(START, *part(0, hub.Text(), "a"), hub.End([hub.Reason(kind)], hub.Usage(1, 2, reasoning=1)))
    assert kinds(events)[-1] == last == events[-1]["response"]["status"]
    assert events[-1]["response"]["usage"]["output_tokens_details"] == {"reasoning_tokens": 1}


def test_a_failure_keeps_what_was_whole():
    events = written(
        START,
        *part(0, hub.Text(), "a"),
        *part(1, hub.ToolCall(id="c", name="f"), "{}")[:2],
        hub.Failure(ProxyError("overloaded", "busy")),
    )
    assert kinds(events)[-1] == "failed" and kinds(events).count("failed") == 1
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "busy"}
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message"]


def test_a_failure_before_everything_is_a_stream_too():
    assert kinds(written(hub.Failure(ProxyError("upstream", "gone")))) == ["created", "in_progress", "failed"]


def test_silence_is_told_by_an_event():
    events = written(hub.PING, hub.PING, START, *part(0, hub.Text(), "a"), hub.End())
    assert kinds(events)[:4] == ["created", "in_progress", "in_progress", "in_progress"]
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1


def test_citations_come_before_the_text_is_done():
    events = written(START, *part(0, hub.Text(), "abc", citations=[hub.Citation(url="u", title="t")]), hub.End())
    assert "output_text.annotation.added" in kinds(events)
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"][0]["url"] == "u"


def test_what_has_no_place_is_told():
    report = Report()
    stream = [START, *part(0, hub.Raw(format="messages", value={})), hub.End()]
    assert b"response.completed" in b"".join(write_stream(iter(stream), {}, report))
    assert [loss.how for loss in report.losses] == ["dropped"]


def test_an_item_ends_when_it_is_whole_not_at_the_end_of_the_answer():
    parts = [*part(0, hub.Reasoning(), "h"), *part(1, hub.Text(), "a"), *part(2, hub.ToolCall(id="c", name="f"), "{}")]
    order = [each for each in kinds(written(START, *parts, hub.End())) if each.startswith("output_item")]
    assert order == ["output_item.added", "output_item.done"] * 3


def test_the_stream_ends_with_the_terminal_event_and_no_word_of_the_other_api():
    data = b"".join(write_stream(iter([START, *part(0, hub.Text(), "a"), hub.End()]), {"model": "m"}, Report()))
    assert b"[DONE]" not in data and data.count(b"event: response.completed\n") == 1
    frames = data.decode().strip().split("\n\n")
    for frame in frames:
        name, body = frame.split("\n")
        assert name.removeprefix("event: ") == json.loads(body.removeprefix("data: "))["type"]


def test_deltas_add_up_to_what_is_done():
    parts = [*part(0, hub.Text(), "a", "b"), *part(1, hub.ToolCall(id="c", name="f"), '{"x"', ":1}")]
    events = written(START, *parts, hub.End())
    for grown, done, member in (
        ("response.output_text.delta", "response.output_text.done", "text"),
        ("response.function_call_arguments.delta", "response.function_call_arguments.done", "arguments"),
    ):
        text = "".join(event["delta"] for event in events if event["type"] == grown)
        assert [event[member] for event in events if event["type"] == done] == [text]
        assert len({event["item_id"] for event in events if event["type"] in (grown, done)}) == 1


def test_log_probabilities_are_streamed_and_repeated():
    token = {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}
    events = written(START, hub.PartStart(0, hub.Text()), hub.Delta(0, "a", [token]), hub.PartEnd(0), hub.End())
    delta = next(event for event in events if event["type"] == "response.output_text.delta")
    assert delta["logprobs"] == [{"token": "a", "logprob": -1, "top_logprobs": []}]
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == [token]
