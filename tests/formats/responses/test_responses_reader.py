import pytest

from convert import hub
from convert.errors import ProxyError
from tests.formats.converting import events, folded, response, said

CREATED = {"type": "response.created", "response": {**response(), "status": "in_progress"}}


def event(kind, **members):
    return {"type": f"response.{kind}", **members}


def completed(*items, **members):
    return event("completed", response=response(*items, **members))


def text(index, *deltas, identity="msg_1"):
    return [
        event("output_item.added", output_index=index, item={**said("", id=identity), "content": []}),
        event("content_part.added", output_index=index, content_index=0, part={"type": "output_text", "text": ""}),
        *(event("output_text.delta", output_index=index, content_index=0, delta=delta) for delta in deltas),
    ]


def call(index, arguments, name="f", identity="c"):
    item = {"type": "function_call", "id": f"fc_{identity}", "call_id": identity, "name": name, "arguments": arguments}
    return item, event("output_item.added", output_index=index, item={**item, "arguments": ""})


def parts(*chunks):
    return folded("responses", chunks).choices[0].parts


def test_text_grows():
    assert parts(CREATED, *text(0, "H", "i"), completed(said("Hi"))) == [hub.Text(text="Hi")]


def test_items_may_interleave():
    first, second = text(0, "a"), text(1, "b", identity="msg_2")
    more = event("output_text.delta", output_index=0, content_index=0, delta="c")
    assert [part.text for part in parts(CREATED, *first, *second, more, completed())] == ["ac", "b"]


def test_parts_that_are_counted_over_the_whole_answer_are_said_once():
    # as Bedrock counts (gpt-oss, recorded in August 2026): the second item begins with number 1
    later = [{**chunk, **({"content_index": 1} if "content_index" in chunk else {})} for chunk in text(1, "b")]
    done = event("output_item.done", output_index=1, item=said("b!"))
    assert parts(CREATED, *later, done, completed(said("b!"))) == [hub.Text(text="b!")]


def test_a_part_that_was_not_streamed_beside_one_that_was():
    words = [{"type": "output_text", "text": each, "annotations": [], "logprobs": []} for each in ("a", "b")]
    item = {**said(""), "content": words}
    second = event("output_text.delta", output_index=0, content_index=1, delta="b")
    done = event("output_item.done", output_index=0, item=item)
    assert sorted(part.text for part in parts(CREATED, second, done, completed(item))) == ["a", "b"]


def test_a_server_that_only_sends_the_finished_response():
    item, _ = call(1, "{}")
    assert parts(CREATED, completed(said("Hi"), item)) == [
        hub.Text(text="Hi"),
        hub.ToolCall(id="c", name="f", text="{}"),
    ]


def test_what_was_not_streamed_is_taken_from_the_finished_item():
    item, added = call(0, '{"x": 1}')
    half = event("function_call_arguments.delta", output_index=0, delta='{"x')
    done = event("output_item.done", output_index=0, item=item)
    assert parts(CREATED, added, half, done, completed(item))[0].text == '{"x": 1}'
    assert parts(CREATED, added, done, completed(item))[0].text == '{"x": 1}'
    assert parts(CREATED, done, completed(item))[0].text == '{"x": 1}'


def test_reasoning_summaries_and_the_seal():
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": each} for each in "ab"]}
    chunks = [event("output_item.added", output_index=0, item={**item, "summary": []})]
    for number, words in enumerate("ab"):
        chunks.append(event("reasoning_summary_part.added", output_index=0, summary_index=number, part={}))
        chunks.append(event("reasoning_summary_text.delta", output_index=0, summary_index=number, delta=words))
    sealed = {**item, "encrypted_content": "gA"}
    chunks.append(event("output_item.done", output_index=0, item=sealed))
    assert parts(CREATED, *chunks, completed(sealed)) == [
        hub.Reasoning(kind="summary", text="a"),
        hub.Reasoning(kind="summary", text="b", sealed=hub.Sealed("responses", "gA")),
    ]


def test_a_hosted_call_is_kept_whole():
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    done = event("output_item.done", output_index=0, item=item)
    assert parts(CREATED, done, completed(item)) == [hub.Raw(format="responses", value=item)]


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (completed(said("Hi")), "stop"),
        (
            event(
                "incomplete", response=response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
            ),
            "length",
        ),
        (
            event(
                "incomplete", response=response(status="incomplete", incomplete_details={"reason": "content_filter"})
            ),
            "filter",
        ),
        (event("incomplete", response=response(status="incomplete")), "other"),
    ],
)
def test_why_it_ended(last, kind):
    assert folded("responses", [CREATED, *text(0, "Hi"), last]).choices[0].reason.kind == kind


@pytest.mark.parametrize(
    ("last", "kind", "message"),
    [
        (
            event("failed", response={"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "m"}}),
            "rate_limited",
            "m",
        ),
        (
            event("cancelled", response={"status": "cancelled"}),
            "upstream",
            "the upstream's response ended as cancelled",
        ),
        ({"type": "error", "code": "server_is_overloaded", "message": "m"}, "overloaded", "m"),
        ({"type": "error", "error": {"code": "context_length_exceeded", "message": "m"}}, "context_length", "m"),
        ({"error": {"message": "m", "type": "authentication_error"}}, "authentication", "m"),
        ('event: error\ndata: {"message": "m"}\n\n', "upstream", "m"),
    ],
)
def test_every_way_to_fail(last, kind, message):
    with pytest.raises(ProxyError) as caught:
        folded("responses", [CREATED, *text(0, "Hi"), last])
    assert (caught.value.kind, caught.value.message) == (kind, message)


@pytest.mark.parametrize(
    "broken",
    [
        event("output_text.delta", output_index=0, content_index=0),
        event("output_text.delta", output_index=0, delta=7),
        event("output_item.added", output_index=0),
        event("output_item.done", output_index=0, item={"type": "message", "content": [7]}),
        event("function_call_arguments.delta", output_index=5, delta="{}"),
        "data: [1]\n\n",
        "data: torn",
    ],
)
def test_a_malformed_event_is_one_failure(broken):
    seen = events("responses", [CREATED, broken, completed(said("Hi"))])
    assert isinstance(seen[-1], hub.Failure)


def test_a_stream_that_stops_is_a_failure():
    assert isinstance(events("responses", [CREATED, *text(0, "Hi")])[-1], hub.Failure)
    assert isinstance(events("responses", [])[-1], hub.Failure)


def test_events_that_only_tell_progress_are_passed_over():
    odd = [event("queued"), event("web_search_call.searching", output_index=0), event("a_future_event", x=1)]
    assert parts(CREATED, *odd, *text(0, "Hi"), completed(said("Hi"))) == [hub.Text(text="Hi")]


def test_a_keep_alive_is_a_ping():
    assert events("responses", [{"type": "keepalive"}])[0] is hub.PING
