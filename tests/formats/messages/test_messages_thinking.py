import pytest

from tests.formats.converting import USER, fault, sent

FUNCTION = {"type": "function", "function": {"name": "f"}}
CALLED = [
    USER,
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "r"},
]
ADAPTIVE = {"type": "adaptive"}


def from_chat(body, **flavor):
    return sent("chat", "messages", {"messages": [USER], **body}, **flavor)


@pytest.mark.parametrize(
    ("asked", "flavor", "thinking", "effort", "losses"),
    [
        ({"reasoning_effort": "high"}, {}, ADAPTIVE, "high", 0),
        ({"reasoning_effort": "minimal"}, {}, ADAPTIVE, "low", 1),
        ({"reasoning_effort": "none"}, {}, {"type": "disabled"}, None, 0),
        ({"reasoning_effort": "odd"}, {}, ADAPTIVE, None, 1),
        ({"thinking": {"type": "enabled"}}, {}, ADAPTIVE, None, 0),
        ({"thinking": {"type": "disabled"}}, {}, {"type": "disabled"}, None, 0),
        ({"reasoning": {"max_tokens": 2000}}, {}, {"type": "enabled", "budget_tokens": 2000}, None, 0),
        ({"reasoning": {"max_tokens": 2000}}, {"thinking": "effort"}, ADAPTIVE, "medium", 1),
        ({"reasoning_effort": "medium"}, {"thinking": "budget"}, {"type": "enabled", "budget_tokens": 8192}, None, 1),
        (
            {"thinking": {"type": "enabled"}},
            {"thinking": "budget"},
            {"type": "enabled", "budget_tokens": 8192},
            None,
            1,
        ),
        ({"reasoning": {"max_tokens": 9}}, {}, {"type": "enabled", "budget_tokens": 1024}, None, 1),
        (
            {"reasoning": {"max_tokens": 5000}, "max_tokens": 2000},
            {},
            {"type": "enabled", "budget_tokens": 1999},
            None,
            1,
        ),
        ({"reasoning": {"max_tokens": 5000}, "max_tokens": 900}, {}, None, None, 1),
        ({"reasoning_effort": "low", "tools": [FUNCTION], "tool_choice": "required"}, {}, None, "low", 1),
        ({"reasoning": {"max_tokens": 2000}, "messages": CALLED}, {}, None, None, 1),
        ({"reasoning_effort": "low", "messages": CALLED}, {}, ADAPTIVE, "low", 0),
    ],
)
def test_how_much_to_think(asked, flavor, thinking, effort, losses):
    body, lost = from_chat(asked, **flavor)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert len(lost) == losses


def test_room_for_the_answer_is_left_where_the_client_sets_no_limit():
    body, _ = from_chat({"reasoning": {"max_tokens": 40000}})
    assert body["max_tokens"] == 72000 and body["thinking"]["budget_tokens"] == 40000


@pytest.mark.parametrize(
    ("summary", "losses"), [("auto", []), ("detailed", ["reasoning.summary approximated (detailed became summarized)"])]
)
def test_a_summary_is_asked_for(summary, losses):
    asked = {"input": "hi", "reasoning": {"effort": "low", "summary": summary}}
    body, lost = sent("responses", "messages", asked)
    assert (body["thinking"], lost) == ({"type": "adaptive", "display": "summarized"}, losses)


@pytest.mark.parametrize(
    ("asked", "flavor", "kept"),
    [
        ({"temperature": 0.5, "top_p": 0.5, "top_k": 5}, {}, {"temperature": 0.5, "top_k": 5}),
        ({"temperature": 0.5, "top_p": 0.5}, {"sampling": "all"}, {"temperature": 0.5, "top_p": 0.5}),
        ({"temperature": 0.5, "top_p": 0.5, "top_k": 5}, {"sampling": "none"}, {}),
        ({"temperature": 1.5}, {}, {"temperature": 1}),
        ({"reasoning_effort": "low", "temperature": 0.5, "top_p": 0.5, "top_k": 5}, {}, {}),
        ({"reasoning_effort": "low", "temperature": 1}, {}, {"temperature": 1}),
        ({"reasoning_effort": "low", "top_p": 0.95}, {}, {"top_p": 0.95}),
    ],
)
def test_sampling_beside_thinking(asked, flavor, kept):
    body, losses = from_chat(asked, **flavor)
    assert {key: body[key] for key in ("temperature", "top_p", "top_k") if key in body} == kept
    changed = [key for key in ("temperature", "top_p", "top_k") if key in asked and asked[key] != kept.get(key)]
    assert len(losses) == len(changed)


@pytest.mark.parametrize(
    ("asked", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999, "display": "omitted"}}, "high"),
        ({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "medium"}}, "medium"),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"output_config": {"effort": "max"}}, "xhigh"),
        ({"thinking": {"type": "adaptive"}}, None),
    ],
)
def test_the_effort_that_another_upstream_is_asked_for(asked, effort):
    body, _ = sent("messages", "chat", {"messages": [USER], "max_tokens": 32000, **asked})
    assert body.get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"thinking": {"type": "x"}}, "thinking.type"),
        ({"thinking": 7}, "thinking.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": "x"}}, "thinking.budget_tokens"),
        ({"output_config": {"effort": 7}}, "output_config.effort"),
        ({"output_config": 7}, "output_config"),
    ],
)
def test_the_path_of_a_fault_is_told(asked, param):
    assert fault("messages", {"messages": [USER], **asked})[0] == param
