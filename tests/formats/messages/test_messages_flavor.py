from tests.formats.converting import sent


def test_the_defaults_suit_anthropic():
    body, losses = sent("chat", "messages", {"messages": [{"role": "user", "content": "hi"}]})
    assert body == {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 32000}
    assert losses == []


def test_a_limit_of_the_providers():
    body, _ = sent("chat", "messages", {"messages": [{"role": "user", "content": "hi"}]}, max_tokens=8192)
    assert body["max_tokens"] == 8192
