import pytest

from convert import hub
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.messages.conversation import read_messages, read_system
from tests.formats.converting import USER, fault, sent

BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1;"}
WORDS = {"type": "text", "text": "Be brief."}


@pytest.mark.parametrize("system", ["Be brief.", [WORDS], [BILLING, WORDS]])
def test_a_system_prompt_goes_on_without_bookkeeping(system):
    body, losses = sent("messages", "chat", {"system": system, "messages": [USER]})
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, USER]
    assert losses == []


@pytest.mark.parametrize("system", [BILLING["text"], [BILLING], []])
def test_a_system_prompt_may_hold_nothing_else(system):
    assert sent("messages", "chat", {"system": system, "messages": [USER]})[0]["messages"] == [USER]
    assert read_system(system)[0] is None


def test_a_billing_header_may_be_the_first_line_of_a_system_prompt():
    text = f"{BILLING['text']}\nBe brief."
    body, _ = sent("messages", "chat", {"system": text, "messages": [USER]})
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize("system", [[BILLING, WORDS], f"{BILLING['text']}\nBe brief.", BILLING["text"], [BILLING]])
def test_only_anthropic_is_sent_the_billing_header(system):
    asked = {"model": "m", "max_tokens": 9, "system": system, "messages": [USER]}
    wire = FORMATS["messages"]
    told = Exchange(wire, wire, asked, wire.flavor()).request()
    assert "billing" not in str(told) and (told.get("system") in ([WORDS], "Be brief.", None))
    assert Exchange(wire, wire, asked, wire.flavor(billing=True)).request() is asked


def test_system_messages_stay_where_they_are():
    body, _ = sent("messages", "chat", {"messages": [USER, {"role": "system", "content": "Be brief."}]})
    assert [message["role"] for message in body["messages"]] == ["user", "system"]


def test_calls_of_built_in_tools_are_known():
    tools = [hub.Tool(type="client", name="bash"), hub.Tool(name="f", description="F.")]
    call, result = read_messages(
        [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "bash", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [
                {"type": "tool_reference", "tool_name": "f"}, {"type": "tool_reference", "tool_name": "gone"},
            ]}]},
        ],
        tools,
    )  # fmt: skip
    assert call.parts[0].type == result.parts[0].type == "client"
    found, gone = result.parts[0].parts
    assert found.tools[0].description == "F." and gone.tools == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "x"}, "messages"), ({"messages": [7]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [USER], "system": 7}, "system"), ({"messages": [USER], "system": [7]}, "system[0]"),
    ],
)  # fmt: skip
def test_the_path_of_a_fault_is_told(body, param):
    assert fault("messages", body)[0] == param
