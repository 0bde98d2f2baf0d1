import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.gemini import answer


@pytest.mark.parametrize(
    ("word", "calls", "kind"),
    [
        ("STOP", False, "stop"), ("STOP", True, "tool_calls"), (None, False, "stop"), (1, False, "stop"),
        ("MAX_TOKENS", True, "length"), (2, False, "length"), ("SAFETY", False, "filter"), ("SPII", True, "filter"),
        ("RECITATION", False, "filter"), ("OTHER", False, "other"), ("OTHER", True, "tool_calls"), (99, False, "other"),
    ],
)  # fmt: skip
def test_why_a_candidate_ended(word, calls, kind):
    assert answer.read_reason(word, None, calls).kind == kind


@pytest.mark.parametrize("word", sorted(answer.BROKEN))
def test_an_answer_that_cannot_be_used_is_an_error(word):
    with pytest.raises(ProxyError) as caught:
        answer.read_reason(word, "print(x", False)
    assert caught.value.kind == "upstream" and word in caught.value.message and "print(x" in caught.value.message


@pytest.mark.parametrize("kind", ["stop", "length", "tool_calls", "filter", "other"])
def test_a_reason_is_read_as_it_was_written(kind):
    written = answer.write_reason(hub.Reason(kind))
    assert answer.read_reason(written, None, kind == "tool_calls").kind == kind


USAGE = [
    ({"promptTokenCount": 4, "candidatesTokenCount": 7, "totalTokenCount": 11}, hub.Usage(input=4, output=7)),
    ({"promptTokenCount": 9, "cachedContentTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 3,
      "totalTokenCount": 19}, hub.Usage(input=9, output=10, cache_read=5, reasoning=3)),
    ({"promptTokenCount": 4, "toolUsePromptTokenCount": 6, "totalTokenCount": 10}, hub.Usage(input=10)),
    ({"promptTokenCount": 4, "totalTokenCount": 9}, hub.Usage(input=4, total=9)),
    ({"trafficType": "ON_DEMAND"}, None),
    (None, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "usage"), USAGE, ids=str)
def test_token_counts(body, usage):
    assert answer.read_usage(body) == usage
    if usage:
        assert answer.read_usage(answer.write_usage(usage)) == usage


def grounding(text, *segments, chunks=1):
    listed = [{"web": {"uri": f"https://x.com/{n}", "title": f"t{n}"}} for n in range(chunks)]
    supports = [{"segment": segment, "groundingChunkIndices": [0]} for segment in segments]
    return {"groundingMetadata": {"groundingChunks": listed, "groundingSupports": supports}}, text


@pytest.mark.parametrize(
    ("candidate", "text", "places"),
    [
        (*grounding("21 °C here", {"startIndex": 0, "endIndex": 6, "text": "21 °C"}), [(0, 5)]),
        (*grounding("° here", {"startIndex": 3, "endIndex": 7, "text": "here"}), [(2, 6)]),
        (*grounding("moved here", {"startIndex": 90, "endIndex": 94, "text": "here"}), [(6, 10)]),
        (*grounding("other part", {"startIndex": 0, "endIndex": 4, "text": "here"}), []),
        (*grounding("abc", {"startIndex": 0, "endIndex": 2}), [(0, 2)]),
        (*grounding("abc", {}), [(None, None)]),
        (*grounding("abc", chunks=2), [(None, None), (None, None)]),
        ({"citationMetadata": {"citationSources": [{"uri": "https://x.com", "startIndex": 1, "endIndex": 2}]}}, "abc",
         [(1, 2)]),
        ({"groundingMetadata": {"groundingChunks": [{"retrievedContext": {"text": "t"}}]}}, "abc", []),
        ({}, "abc", []),
    ],
)  # fmt: skip
def test_where_a_text_comes_from(candidate, text, places):
    assert [(each.start, each.end) for each in answer.read_citations(candidate, text)] == places


def test_citations_are_read_as_they_were_written():
    citations = [hub.Citation(url="https://x.com", title="t", start=3, end=5), hub.Citation(url="https://y.com")]
    text = hub.Text(text="21 °C", citations=[*citations, hub.Citation(file_id="f")])
    metadata = answer.write_citations([text])
    assert answer.read_citations({"groundingMetadata": metadata}, text.text) == citations
    assert answer.write_citations([hub.Text(text="a")]) == {}


def test_log_probabilities():
    tokens = [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]
    assert answer.read_logprobs(answer.write_logprobs(tokens)) == tokens
    top = [{**tokens[0], "top_logprobs": [{"token": "b", "logprob": -1.0, "bytes": [98]}]}]
    assert answer.read_logprobs(answer.write_logprobs(top)) == top
    assert answer.read_logprobs(None) == []


@pytest.mark.parametrize(
    "inner", [{}, {"name": ""}, {"name": 7}, {"name": "f", "args": []}, {"name": "f", "willContinue": True}]
)
def test_a_call_that_nobody_could_run_is_malformed(inner):
    with pytest.raises((ValueError, KeyError)):
        answer.read_call(inner, None, "c")


@pytest.mark.parametrize(("given", "seconds"), [("2026-01-01T00:00:00Z", 1767225600), ("soon", 0), (None, 0), (7, 0)])
def test_when_an_answer_was_made(given, seconds):
    assert answer.created({"createTime": given}) == seconds


def test_what_only_google_says_of_a_candidate():
    metadata = {"groundingChunks": [], "webSearchQueries": ["q"]}
    candidate = {"content": {}, "safetyRatings": [1], "groundingMetadata": metadata}
    body = {"candidates": [candidate], "modelStatus": {"a": 1}}
    assert answer.extra_of(body) == {
        "modelStatus": {"a": 1}, "candidates[0].safetyRatings": [1],
        "candidates[0].groundingMetadata": {"webSearchQueries": ["q"]},
    }  # fmt: skip
