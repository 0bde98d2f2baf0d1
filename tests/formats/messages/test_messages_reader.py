import pytest

from convert import hub
from convert.hub import Sealed
from tests.formats.converting import events, folded

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 5, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}


def block(index, start, *deltas, stop=True):
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        *([{"type": "content_block_stop", "index": index}] if stop else []),
    ]


def delta(reason="end_turn", **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 2, **usage}}


def read(*chunks, reason="end_turn"):
    return folded("messages", [START, *chunks, delta(reason), STOP])


def parts(*chunks, reason="end_turn"):
    return read(*chunks, reason=reason).choices[0].parts


TEXT = {"type": "text", "text": ""}
USE = {"type": "tool_use", "id": "c", "name": "f", "input": {}}


@pytest.mark.parametrize(
    ("chunks", "part"),
    [
        (block(0, TEXT, {"type": "text_delta", "text": "a"}, {"type": "text_delta", "text": "b"}), hub.Text(text="ab")),
        (block(0, {"type": "text", "text": "a"}, {"type": "text_delta", "text": "b"}), hub.Text(text="ab")),
        (
            block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "t"},
                {"type": "signature_delta", "signature": "s"},
            ),
            hub.Reasoning(text="t", sealed=Sealed("messages", "s")),
        ),
        (
            block(0, {"type": "redacted_thinking", "data": "d"}),
            hub.Reasoning(kind="summary", sealed=Sealed("messages", {"redacted_thinking": "d"})),
        ),
        (
            block(
                0,
                USE,
                {"type": "input_json_delta", "partial_json": '{"a":'},
                {"type": "input_json_delta", "partial_json": "1}"},
            ),
            hub.ToolCall(text='{"a":1}', id="c", name="f"),
        ),
        (block(0, {**USE, "input": {"a": 1}}), hub.ToolCall(text='{"a":1}', id="c", name="f")),
        (
            block(0, {**USE, "input": {"a": 1}}, {"type": "input_json_delta", "partial_json": '{"a":1}'}),
            hub.ToolCall(text='{"a":1}', id="c", name="f"),
        ),
        (block(0, TEXT, {"type": "text_delta", "text": "a"}, stop=False), hub.Text(text="a")),
        (
            block(
                0,
                {"type": "server_tool_use", "id": "s", "name": "w", "input": {}},
                {"type": "input_json_delta", "partial_json": '{"q":1}'},
            ),
            hub.Raw(format="messages", value={"type": "server_tool_use", "id": "s", "name": "w", "input": {"q": 1}}),
        ),
        (
            block(0, {"type": "compaction", "content": "a"}, {"type": "compaction_delta", "content": "b"}),
            hub.Raw(format="messages", value={"type": "compaction", "content": "ab"}),
        ),
    ],
)
def test_a_block_is_a_part(chunks, part):
    assert parts(*chunks) == [part]


def test_citations_are_collected():
    cited = {"type": "web_search_result_location", "url": "u", "title": "T", "cited_text": "q", "encrypted_index": "e"}
    text = parts(*block(0, TEXT, {"type": "citations_delta", "citation": cited}, {"type": "text_delta", "text": "a"}))[
        0
    ]
    assert [citation.url for citation in text.citations] == ["u"]


def test_counts_of_the_start_are_completed_at_the_end():
    response = folded("messages", [START, delta(cache_read_input_tokens=20), STOP])
    assert response.usage == hub.Usage(input=25, output=2, cache_read=20)


def test_calls_without_an_id_or_with_one_twice_get_their_own():
    twice = [*block(0, USE), *block(1, USE), *block(2, {**USE, "id": None})]
    ids = [part.id for part in parts(*twice, reason="tool_use")]
    assert ids[0] == "c" and len(set(ids)) == 3 and "" not in ids


def test_pings_and_unknown_events_pass():
    found = events("messages", [{"type": "ping"}, START, {"type": "novel"}, delta(), STOP])
    assert isinstance(found[0], hub.Ping) and isinstance(found[-1], hub.End) and len(found) == 3


def test_an_answer_whose_reason_was_told_is_complete_and_another_is_not():
    assert isinstance(events("messages", [START, delta()])[-1], hub.End)
    assert isinstance(events("messages", [START, *block(0, TEXT)])[-1], hub.Failure)


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, "overloaded"),
        ({"error": {"message": "x"}}, "upstream"),
        ({"type": "content_block_stop", "index": 0}, "upstream"),
        (block(0, {**USE, "name": ""})[0], "upstream"),
        (block(0, {})[0], "upstream"),
    ],
)
def test_what_ends_in_a_failure(chunk, kind):
    last = events("messages", [START, chunk, delta(), STOP])[-1]
    assert isinstance(last, hub.Failure) and last.error.kind == kind
