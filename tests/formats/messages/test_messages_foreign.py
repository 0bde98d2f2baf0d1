import pytest

from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.foreign import without_foreign
from convert.hub import Sealed
from convert.losses import Report
from convert.sealed import tag

USER = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "ok"}]}
OWN = {"type": "thinking", "thinking": "hm", "signature": "sig"}
TAGGED = tag(Sealed("gemini", "AAAA"))
ANTHROPIC = MessagesFlavor(billing=True, signed_thinking=True)


def trimmed(*blocks, flavor=ANTHROPIC, **more):
    body = {"messages": [USER, {"role": "assistant", "content": list(blocks)}, RESULT], **more}
    report = Report()
    return body, without_foreign(body, flavor, report), [str(loss) for loss in report.losses]


def test_what_is_its_own_stays_the_very_object():
    body, fitting, losses = trimmed(OWN, CALL)
    assert fitting is body and losses == []
    assert without_foreign({"messages": 7}, ANTHROPIC, Report()) == {"messages": 7}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "hm", "signature": TAGGED},
        {"type": "redacted_thinking", "data": TAGGED},
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "thinking", "thinking": "hm"},
    ],
)
def test_thinking_of_others_is_left_out(block):
    body, fitting, losses = trimmed(block, CALL)
    assert fitting["messages"] == [USER, {"role": "assistant", "content": [CALL]}, RESULT]
    assert losses == ["messages[1].content[0] dropped (reasoning without a signature of this provider)"]
    assert body["messages"][1]["content"][0] == block  # the client's own request is not touched


def test_a_message_of_nothing_else_goes_whole_and_an_upstream_that_asks_for_no_signature_keeps_its_own():
    block = {"type": "thinking", "thinking": "hm", "signature": TAGGED}
    assert trimmed(block)[1]["messages"] == [USER, RESULT]
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    body, fitting, _ = trimmed(unsigned, CALL, flavor=MessagesFlavor())
    assert fitting is body


def test_a_budget_of_thinking_cannot_begin_in_the_middle_of_a_turn():
    block = {"type": "thinking", "thinking": "hm", "signature": TAGGED}
    _, fitting, losses = trimmed(block, CALL, thinking={"type": "enabled", "budget_tokens": 2000})
    assert "thinking" not in fitting and "thinking approximated" in losses[1]
