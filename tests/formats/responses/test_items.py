import pytest

from convert import hub
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.responses.flavor import ResponsesFlavor
from convert.formats.responses.items import read_item, read_items
from convert.formats.responses.request import read_request, write_request
from convert.losses import Report
from tests.formats.converting import USER, fault, sent, to_chat


def test_a_bare_string_is_one_user_message():
    (message,) = read_items("hi")
    assert message == hub.Message(role="user", parts=[hub.Text(text="hi")])


def test_items_without_type_or_id():
    items = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "output_text", "text": "b"}]}]
    assert [(m["role"], m["content"]) for m in to_chat({"input": items})["messages"]] == [
        ("user", "a"),
        ("assistant", "b"),
    ]


@pytest.mark.parametrize(
    ("item", "role"),
    [
        ({"type": "web_search_call", "id": "w"}, "assistant"),
        ({"type": "mcp_approval_response"}, "user"),
        ({"type": "computer_call_output"}, "user"),
        ({"type": "item_reference", "id": "x"}, "assistant"),
        ({"type": "a_future_item"}, "assistant"),
    ],
)
def test_an_item_only_this_format_understands_is_kept_whole(item, role):
    message = read_item(item, "input[0]")
    assert message.role == role and message.parts == [hub.Raw(format="responses", value=item)]


def test_a_tool_message_with_a_call_id_is_a_result():
    message = read_item({"role": "tool", "call_id": "c", "content": "1"}, "input[0]")
    assert message.parts[0].call_id == "c" and message.parts[0].parts == [hub.Text(text="1")]


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "namespace": "n"},
            hub.ToolCall(id="c", name="f", text="{}", namespace="n"),
        ),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"},
            hub.ToolCall(type="custom", id="c", name="f", text="x"),
        ),
        (
            {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
            hub.ToolCall(type="client", id="c", name="local_shell", text='{"command":["ls"]}'),
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": "1"},
            hub.ToolResult(call_id="c", parts=[hub.Text(text="1")]),
        ),
        (
            {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "no"},
            hub.ToolResult(type="client", call_id="c", name="apply_patch", parts=[hub.Text(text="no")], error=True),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_calls_and_results(item, part):
    assert read_item(item, "").parts == [part]


def test_reasoning_keeps_its_seal_on_its_last_text():
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "s"}],
        "encrypted_content": "gA",
    }
    assert read_item(item, "").parts == [hub.Reasoning(kind="summary", text="s", sealed=hub.Sealed("responses", "gA"))]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (7, ""),
        ({}, ""),
        ({"type": 7, "role": "user"}, ".type"),
        ({"role": "robot", "content": "a"}, ".role"),
        ({"type": "message", "role": "user"}, ".content"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, ".call_id"),
        ({"type": "function_call", "call_id": "c", "arguments": "{}"}, ".name"),
        ({"type": "function_call", "call_id": "c", "name": "f"}, ".arguments"),
        ({"type": "custom_tool_call", "call_id": "c", "name": "f"}, ".input"),
        ({"type": "function_call_output", "output": "1"}, ".call_id"),
        ({"type": "function_call_output", "call_id": "c", "output": 7}, ".output"),
        ({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"]}}, ".call_id"),
        ({"type": "local_shell_call", "call_id": 7, "action": {}}, ".call_id"),
        ({"type": "local_shell_call", "call_id": "c"}, ".action"),
        ({"type": "local_shell_call", "call_id": "c", "action": 7}, ".action"),
        ({"type": "apply_patch_call", "call_id": "c", "operation": [7]}, ".operation"),
        ({"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": 7}, ".arguments"),
        ({"type": "tool_search_call", "call_id": 7, "execution": "client", "arguments": {}}, ".call_id"),
        ({"type": "local_shell_call_output", "output": "x"}, ".call_id"),
        ({"type": "local_shell_call_output", "call_id": "c", "output": 7}, ".output"),
        ({"type": "tool_search_output", "call_id": "c", "execution": "client", "tools": 7}, ".tools"),
        ({"type": "reasoning", "summary": 7}, ".summary"),
        ({"type": "reasoning", "summary": [7]}, ".summary[0]"),
        ({"type": "additional_tools", "tools": [7]}, ".tools[0]"),
    ],
)
def test_the_path_of_a_faulty_item(item, param):
    assert fault("responses", {"input": [{"role": "user", "content": "a"}, item]})[0] == f"input[1]{param}"


def test_input_that_is_no_input():
    assert fault("responses", {"input": {"a": 1}})[0] == "input"


def test_an_item_of_an_unknown_type_is_refused_where_it_would_have_to_be_converted():
    items = [{"role": "user", "content": "a"}, {"type": "a_future_item", "x": 1}]
    assert fault("responses", {"input": items}) == (
        "input[1].type",
        "input[1].type: 'a_future_item' is not a known type",
    )
    form, body = FORMATS["responses"], {"model": "m", "input": items}
    assert Exchange(form, form, body, form.flavor()).request() is body


def test_a_shell_call_of_an_older_client_is_known_by_its_item_id():
    call = {"type": "local_shell_call", "id": "lsh_1", "call_id": None, "action": {"type": "exec", "command": ["ls"]}}
    result = {"type": "function_call_output", "call_id": "lsh_1", "output": "a"}
    _, called, answer = to_chat({"input": [USER, call, result]})["messages"]
    assert called["tool_calls"][0]["id"] == answer["tool_call_id"] == "lsh_1"
    request = read_request({"model": "m", "input": [USER, call]})
    assert write_request(request, ResponsesFlavor(), Report())["input"][1] == call


@pytest.mark.parametrize("kind", ["compaction", "compaction_summary", "context_compaction", "web_search_call"])
def test_an_item_for_openais_servers_alone_is_told_as_lost(kind):
    written, lost = sent("responses", "chat", {"input": [USER, {"type": kind, "id": "x"}]})
    assert len(written["messages"]) == 1 and lost == [f"input[1] dropped (no place for '{kind}')"]
