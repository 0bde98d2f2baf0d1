import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.chat import answer


@pytest.mark.parametrize(
    ("word", "calls", "kind"),
    [
        ("stop", False, "stop"), ("length", False, "length"), ("tool_calls", True, "tool_calls"),
        ("function_call", True, "tool_calls"), ("content_filter", False, "filter"), ("sensitive", False, "filter"),
        ("stop", True, "tool_calls"), ("length", True, "length"), (None, False, "stop"), ("odd", False, "other"),
        ("odd", True, "tool_calls"), ("eos", False, "stop"),
    ],
)  # fmt: skip
def test_why_an_answer_ended(word, calls, kind):
    assert answer.read_reason(word, calls).kind == kind


@pytest.mark.parametrize("word", ["error", "network_error", "insufficient_system_resource"])
def test_a_server_that_gave_up_is_an_error(word):
    with pytest.raises(ProxyError) as caught:
        answer.read_reason(word, False)
    assert caught.value.kind == "upstream"


def test_a_made_up_id_is_the_same_every_time():
    assert answer.call_id("r", 0, 1) == answer.call_id("r", 0, 1) != answer.call_id("r", 0, 2)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}, hub.Usage(9, 3)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}, hub.Usage(9, 0, cache_read=4)),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}, hub.Usage(9, 0, cache_read=4)),  # DeepSeek
        ({"prompt_tokens": 9, "cached_tokens": 4}, hub.Usage(9, 0, cache_read=4)),  # Kimi
        ({"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}}, hub.Usage(0, 9, reasoning=4)),
        ({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 9}, hub.Usage(1, 1, total=9)),
        ({"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}, hub.Usage()),
    ],
)
def test_token_counts_wherever_a_provider_keeps_them(usage, expected):
    assert answer.read_usage(usage) == expected


def test_no_usage_is_none():
    assert answer.read_usage(None) is None and answer.read_usage({}) is None


def test_written_usage_has_every_field():
    written = answer.write_usage(hub.Usage(9, 3, cache_read=4, reasoning=2))
    assert written["total_tokens"] == 12 and written["prompt_tokens_details"]["cached_tokens"] == 4
    assert written["completion_tokens_details"]["reasoning_tokens"] == 2


@pytest.mark.parametrize(("value", "text"), [("{}", "{}"), ({"a": 1}, '{"a":1}'), (None, "")])
def test_arguments_are_text(value, text):
    assert answer.arguments_text(value) == text


def test_mistrals_list_of_chunks():
    chunks = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Hi"}]
    assert answer.content_pieces(chunks) == [("reasoning", "hm"), ("text", "Hi")]


@pytest.mark.parametrize("nested", [True, False])
def test_a_citation_nested_or_not(nested):
    body = {"url": "u", "title": "t", "start_index": 1, "end_index": 2}
    annotation = {"type": "url_citation", "url_citation": body} if nested else {"type": "url_citation", **body}
    assert answer.read_annotation(annotation) == hub.Citation(url="u", title="t", start=1, end=2)


def test_cloudflares_json_object_is_its_text():
    assert answer.content_pieces({"a": [1, "é"]}) == [("text", '{"a": [1, "é"]}')]
