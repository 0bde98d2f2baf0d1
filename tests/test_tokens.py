import pytest

from convert import hub, tokens

# (text, its tokens in OpenAI's o200k vocabulary, counted with a package that has it)
COUNTED = [
    ("The quick brown fox jumps over the lazy dog, and then it sleeps until the morning comes again.", 20),
    ("def read(path: Path) -> dict[str, Any]:\n    with path.open() as file:\n        return json.load(file)\n", 26),
    (
        '{"type":"object","properties":{"city":{"type":"string",'
        '"description":"The name of a city."}},"required":["city"]}',
        28,
    ),
    ("Съешь ещё этих мягких французских булок, да выпей же чаю. Программа работает быстро и надёжно.", 28),
    ("敏捷的棕色狐狸跳过了懒狗。程序运行得又快又可靠，用户非常满意。", 26),
    ("Die Donaudampfschifffahrtsgesellschaft veröffentlicht heute die Jahresergebnisse für das vergangene Jahr.", 22),
    ("gAAAAABoKXYzqWmTpRsVnLcXbQwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUiOpAsDfGhJkL", 47),
    ("2026-11-23 15:43:07 1,234,567.89 EUR (+3.5 %)", 26),
]


@pytest.mark.parametrize(("text", "count"), COUNTED, ids=lambda value: str(value)[:20])
def test_the_estimate_comes_near(text, count):
    assert count * 0.8 <= tokens.of_text(text) <= count * 1.25


def test_nothing_has_no_tokens():
    assert tokens.of_text("") == 0 and tokens.of_request(hub.Request()) == 0


def test_everything_that_a_model_reads_counts():
    user = hub.Message(role="user", parts=[hub.Text(text="How is the weather?")])
    least = tokens.of_request(hub.Request(messages=[user]))
    call = hub.ToolCall(name="get_weather", text='{"city": "Paris"}')
    result = hub.ToolResult(parts=[hub.Text(text="Sunny, 22 degrees.")])
    tool = hub.Tool(name="get_weather", description="Tells the weather.", schema={"type": "object"})
    more = [
        hub.Request(messages=[user], instructions=user),
        hub.Request(messages=[user], tools=[tool]),
        hub.Request(messages=[user], tools=[hub.Tool(type="namespace", name="n", tools=[tool])]),
        hub.Request(messages=[user], output=hub.Output(kind="schema", schema={"type": "object"})),
        *(
            hub.Request(messages=[user, hub.Message(parts=[part])])
            for part in (call, result, hub.Reasoning(text="hm"), hub.Tools(tools=[tool]), hub.Raw(value={"a": "b"}))
        ),
    ]
    assert all(tokens.of_request(request) > least + 3 for request in more)
    image = hub.Message(parts=[hub.Media(kind="image", url="https://x.com/a.png")])
    assert tokens.of_request(hub.Request(messages=[image])) == tokens.IMAGE + tokens.PER_MESSAGE
