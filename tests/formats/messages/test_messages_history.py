import pytest

from convert import hub
from convert.formats.messages.history import arguments
from convert.sealed import Sealed, tag
from tests.formats.converting import USER, sent

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
USE = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}


def from_chat(*messages, **flavor):
    return sent("chat", "messages", {"messages": list(messages)}, **flavor)


def test_results_open_the_users_turn():
    body, losses = from_chat(
        USER,
        {"role": "assistant", "content": "Wait.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "user", "content": "And?"},
    )
    assert body["messages"] == [
        USER,
        {"role": "assistant", "content": [{"type": "text", "text": "Wait."}, USE]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}, {"type": "text", "text": "And?"}],
        },
    ]
    assert losses == []


def test_turns_of_one_side_are_one():
    body, _ = from_chat(USER, USER, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, USER)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][0]["content"]] == ["hi", "hi"]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_first_system_messages_are_the_system_prompt(role):
    body, losses = from_chat({"role": role, "content": "a"}, {"role": "system", "content": "b"}, USER)
    assert [block["text"] for block in body["system"]] == ["a", "b"] and body["messages"] == [USER]
    assert losses == []


LATE = {"role": "system", "content": "b"}
AS_USERS = {"type": "text", "text": "<system>\nb\n</system>"}
BECAME = "approximated (a system message inside of the conversation became a user's)"


def test_later_system_messages_are_the_users_words_or_stay():
    body, losses = from_chat(USER, LATE)
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}, AS_USERS]}]
    assert ("system" not in body, losses) == (True, [f"messages[1] {BECAME}"])
    assert from_chat(USER, LATE, system_in_messages=True) == (
        {"model": "m", "messages": [USER, LATE], "max_tokens": 32000},
        [],
    )


def at_home(*messages, **flavor):
    body = {"system": "a", "messages": list(messages), "max_tokens": 1}
    return sent("messages", "messages", body, **{"strict": False, **flavor})


def test_at_home_too():
    body, losses = at_home(USER, LATE)
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}, AS_USERS]}]
    assert (body["system"], losses) == ("a", [f"messages[1] {BECAME}"])
    assert at_home(USER, LATE, system_in_messages=True)[0]["messages"] == [USER, LATE]


def test_at_home_a_system_message_that_opens_the_conversation_joins_the_system_prompt():
    body, losses = at_home(LATE, USER)
    assert [block["text"] for block in body["system"]] == ["a", "b"] and body["messages"] == [USER]
    assert losses == ["messages[0] moved (to the system prompt)"]


def test_at_home_turns_still_alternate_and_begin_with_their_results():
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "ok"}
    body, _ = at_home(USER, call, LATE, {"role": "user", "content": [result]})
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][2] == {"role": "user", "content": [result, AS_USERS]}


def test_what_a_turn_sent_is_how_the_next_one_begins():
    """Claude Code adds system messages in the middle and at the end; none may change what was cached."""
    history = [USER, LATE, {"role": "assistant", "content": "x"}, USER, LATE]
    earlier, later = (at_home(*history[:end])[0] for end in (2, 5))
    assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
    assert later["system"] == earlier["system"]


@pytest.mark.parametrize("messages", [[{"role": "system", "content": "a"}], [{"role": "assistant", "content": "a"}]])
def test_the_user_begins(messages):
    body, losses = from_chat(*messages)
    assert body["messages"][0] == {"role": "user", "content": "Please continue."}
    assert losses == ["messages approximated (the user's turn that must come first was made up)"]


def test_blank_text_is_left_out():
    body, losses = from_chat(USER, {"role": "assistant", "content": " \n"}, USER)
    assert body["messages"] == [USER, USER]  # as they were before the answer was there
    assert losses == ["messages[1].content dropped (blank text)"]


@pytest.mark.parametrize(
    ("sealed", "flavor", "block", "losses"),
    [
        (Sealed("messages", "s"), {}, {"type": "thinking", "thinking": "t", "signature": "s"}, 0),
        (Sealed("messages", {"redacted_thinking": "d"}), {}, {"type": "redacted_thinking", "data": "d"}, 0),
        (Sealed("responses", "b"), {}, None, 2),
        (Sealed("gemini", "b"), {"unsigned_thinking": True}, {"type": "thinking", "thinking": "t", "signature": ""}, 1),
    ],
)
def test_reasoning_goes_back_to_its_issuer(sealed, flavor, block, losses):
    item = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]}
    item["encrypted_content"] = tag(sealed)
    said = {"role": "assistant", "content": "x"}
    body, lost = sent("responses", "messages", {"input": [USER, item, said, USER]}, **flavor)
    content = body["messages"][1]["content"]
    assert content == ([block, {"type": "text", "text": "x"}] if block else "x")
    assert len(lost) == losses


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (hub.ToolCall(text='{"a":1}'), ({"a": 1}, True)),
        (hub.ToolCall(text=" "), ({}, True)),
        (hub.ToolCall(text="x", type="custom"), ({"input": "x"}, True)),
        (hub.ToolCall(text="[1]"), ({"arguments": "[1]"}, False)),
        (hub.ToolCall(text="{"), ({"arguments": "{"}, False)),
    ],
)
def test_the_input_of_a_call_is_an_object(call, given):
    assert arguments(call) == given


def test_ids_are_legal_and_the_same_for_call_and_result():
    odd = {**CALL, "id": "functions.f:0"}
    body, _ = from_chat(
        USER, {"role": "assistant", "tool_calls": [odd]}, {"role": "tool", "tool_call_id": odd["id"], "content": "r"}
    )
    use, result = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
    assert use["id"] == result["tool_use_id"] and use["id"].startswith("call_")
