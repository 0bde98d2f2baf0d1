import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.responses import output
from convert.formats.responses.items import read_items
from convert.losses import Report
from convert.sealed import untag
from tests.formats.converting import answered, events, response, said


def items(*parts, choice=0):
    layout = output.Layout("resp_1")
    for part in parts:
        layout.place(part, choice)
    return layout.items


@pytest.mark.parametrize(
    ("part", "prefix"),
    [
        (hub.Text(), "msg_"),
        (hub.Refusal(), "msg_"),
        (hub.Reasoning(), "rs_"),
        (hub.ToolCall(name="f"), "fc_"),
        (hub.ToolCall(type="custom", name="f"), "ctc_"),
        (hub.ToolCall(type="client", name="local_shell"), "lsh_"),
        (hub.ToolCall(type="client", name="apply_patch"), "apc_"),
        (hub.Media(kind="image"), "ig_"),
    ],
)
def test_the_id_of_an_item_has_the_prefix_of_its_kind(part, prefix):
    assert items(part)[0].id.startswith(prefix)


def test_words_share_an_item_and_everything_else_stands_alone():
    parts = [
        hub.Text(),
        hub.Refusal(),
        hub.Reasoning(),
        hub.Reasoning(),
        hub.ToolCall(name="f"),
        hub.ToolCall(name="f"),
    ]
    assert [item.kind for item in items(*parts)] == ["message", "reasoning", "reasoning", "function", "function"]


def test_each_choice_has_its_own_message():
    layout = output.Layout("resp_1")
    for choice in (0, 1, 0):
        layout.place(hub.Text(), choice)
    assert [len(item.parts) for item in layout.items] == [2, 1]


def test_ids_differ_and_repeat():
    first, second = items(hub.ToolCall(name="f"), hub.ToolCall(name="f"))
    assert first.id != second.id and [first.id, second.id] == [i.id for i in items(first.parts[0], second.parts[0])]


def test_a_part_of_another_format_has_no_home():
    layout = output.Layout("resp_1")
    assert layout.place(hub.Raw(format="messages", value={})) is None and len(layout.homeless) == 1


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (hub.ToolCall(id="c", name="f"), {"type": "function_call", "arguments": "{}", "status": "completed"}),
        (hub.ToolCall(id="c", name="f", namespace="n"), {"type": "function_call", "namespace": "n"}),
        (hub.ToolCall(type="custom", id="c", name="f", text="x"), {"type": "custom_tool_call", "input": "x"}),
        (hub.Reasoning(text="hm"), {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]}),
        (hub.Reasoning(kind="summary", text="s", sealed=hub.Sealed("responses", "gA")), {"encrypted_content": "gA"}),
        (hub.Media(kind="image", data="iV"), {"type": "image_generation_call", "result": "iV"}),
        (hub.Raw(format="responses", value={"type": "web_search_call"}), {"type": "web_search_call"}),
    ],
)
def test_the_finished_item(part, written):
    assert output.write_item(items(part)[0], Report()).items() >= written.items()


def test_foreign_seals_are_given_to_the_client_with_a_tag():
    state = hub.Sealed("messages", "sig")
    item = output.write_item(items(hub.Reasoning(text="hm", sealed=state))[0], Report())
    assert untag(item["encrypted_content"]) == state
    (message,) = read_items([item])
    assert message.parts[-1].sealed == state


def test_log_probabilities_get_what_the_wire_requires():
    token = {"token": "é", "logprob": -1, "top_logprobs": [{"token": "e"}]}
    assert output.logprob(token) == {
        "token": "é", "logprob": -1, "bytes": [195, 169],
        "top_logprobs": [{"token": "e", "logprob": 0, "bytes": [101]}],
    }  # fmt: skip
    assert "bytes" not in output.streamed_logprob(token)


def test_a_call_that_openai_runs_itself_is_kept_whole():
    item = {"type": "tool_search_call", "execution": "server", "call_id": None, "arguments": {}}
    assert output.read_item(item) == [hub.Raw(format="responses", value=item)]


@pytest.mark.parametrize(
    "item",
    [
        {**said(""), "content": [7]},
        {**said(""), "content": [{}]},
        {**said(""), "content": "x"},
        {**said(""), "content": [{"type": "output_text", "text": 7}]},
        {**said(""), "content": [{"type": "output_text"}]},
        {**said(""), "content": [{"type": "refusal"}]},
        {**said(""), "content": [{"type": "output_text", "text": "a", "annotations": 7}]},
        {**said(""), "content": [{"type": "output_text", "text": "a", "annotations": [7]}]},
        {"type": "reasoning", "summary": [{}]},
        {"type": "function_call", "call_id": "c", "name": "", "arguments": "{}"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": 7},
    ],
)
def test_a_faulty_item_is_the_upstreams_fault_not_the_clients(item):
    with pytest.raises(ProxyError) as caught:
        answered("responses", "chat", response(item))
    assert (caught.value.kind, caught.value.status, caught.value.param) == ("upstream", 502, None)
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    for chunks in ([done], [added, done]):
        seen = events("responses", [*chunks, {"type": "response.completed", "response": response(item)}])
        assert [event.error.kind for event in seen if isinstance(event, hub.Failure)] == ["upstream"]


@pytest.mark.parametrize("listed", [7, "x", {"x": 7}, [7], None])
def test_odd_alternatives_of_a_token_are_left_out(listed):
    assert output.logprob({"token": "a", "logprob": -1, "top_logprobs": listed})["top_logprobs"] == []


def test_a_call_without_an_id_takes_the_items():
    (call,) = output.read_item({"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}"})
    assert call.id == "fc_1"
