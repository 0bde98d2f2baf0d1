import pytest

from tests.formats.converting import fault, sent, to_responses

WORDS = {"none": "none", "low": "high", "high": "high", "xhigh": "max"}
GRADED = {"effort": "thinking_effort", "efforts": WORDS}


@pytest.mark.parametrize(
    ("effort", "flavor", "written", "losses"),
    [
        ("high", {}, {"reasoning_effort": "high"}, 0),
        ("high", {"effort": "reasoning"}, {"reasoning": {"effort": "high"}}, 0),
        ("high", {"effort": "thinking"}, {"thinking": {"type": "enabled"}}, 1),
        ("none", {"effort": "thinking"}, {"thinking": {"type": "disabled"}}, 0),
        ("high", {"effort": "enable_thinking"}, {"enable_thinking": True}, 1),
        ("none", {"effort": "enable_thinking"}, {"enable_thinking": False}, 0),
        ("low", GRADED, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, 1),
        ("high", GRADED, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, 0),
        ("none", GRADED, {"thinking": {"type": "disabled"}}, 0),
        ("high", {"effort": ""}, {}, 1),
        ("low", {"efforts": WORDS}, {"reasoning_effort": "high"}, 1),
    ],
)
def test_an_effort_is_asked_for_as_the_provider_has_it(effort, flavor, written, losses):
    body, lost = sent("responses", "chat", {"input": "hi", "reasoning": {"effort": effort}}, **flavor)
    fields = ("reasoning_effort", "reasoning", "thinking", "enable_thinking")
    assert {key: body[key] for key in fields if key in body} == written
    assert len(lost) == losses


@pytest.mark.parametrize(
    ("asked", "effort"),
    [
        ({"reasoning_effort": "low"}, "low"),
        ({"reasoning": {"effort": "high"}}, "high"),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"enable_thinking": False}, "none"),
        ({"reasoning": {"max_tokens": 1000}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, "medium"),
        ({"reasoning": {"max_tokens": 20000}}, "high"),
    ],
)
def test_every_providers_way_of_asking_is_read(asked, effort):
    assert to_responses(asked)["reasoning"] == {"effort": effort}


@pytest.mark.parametrize("asked", [{"thinking": "on"}, {"reasoning": 7}])
def test_the_path_of_a_fault(asked):
    assert fault("chat", {"messages": [{"role": "user", "content": "a"}], **asked})[0] == next(iter(asked))
