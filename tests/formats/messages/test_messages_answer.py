import pytest

from convert import hub
from convert.formats.messages import answer


@pytest.mark.parametrize(
    ("word", "calls", "kind"),
    [
        ("end_turn", False, "stop"), ("stop_sequence", False, "stop"), ("max_tokens", False, "length"),
        ("model_context_window_exceeded", False, "length"), ("tool_use", True, "tool_calls"),
        ("refusal", False, "filter"), ("pause_turn", False, "other"), (None, False, "stop"), ("novel", False, "other"),
        ("end_turn", True, "tool_calls"), ("max_tokens", True, "length"),
    ],
)  # fmt: skip
def test_why_an_answer_ended(word, calls, kind):
    assert answer.read_reason(word, calls).kind == kind


def test_every_kind_has_a_word():
    assert {answer.KINDS[word] for word in answer.USUAL.values()} == {"stop", "length", "tool_calls", "filter"}


def test_the_input_counts_what_the_cache_read_and_wrote():
    wire = {
        "input_tokens": 5, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 10, "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3}, "service_tier": "standard", "inference_geo": "eu",
    }  # fmt: skip
    usage = answer.read_usage(wire)
    assert usage == hub.Usage(input=35, output=7, cache_read=20, cache_write=10, reasoning=3)
    assert usage.extra == {"inference_geo": "eu"}
    assert answer.write_usage(usage) == {k: v for k, v in wire.items() if k not in ("service_tier", "inference_geo")}


def test_counts_are_never_negative_and_never_missing():
    assert answer.write_usage(hub.Usage(input=1, cache_read=5))["input_tokens"] == 0
    assert answer.write_usage(None)["output_tokens"] == 0
    assert answer.read_usage(None) is None


@pytest.mark.parametrize(("given", "written"), [("msg_1", "msg_1"), ("resp 1", "msg_resp1")])
def test_the_id_of_a_message(given, written):
    assert answer.message_id(given) == written
    assert answer.message_id("").startswith("msg_")


@pytest.mark.parametrize(
    ("citation", "cited"),
    [
        (hub.Citation(url="u", title="T", start=0, end=2), "ab"), (hub.Citation(url="u", quote="q"), "q"),
        (hub.Citation(file_id="f"), None),
    ],
)  # fmt: skip
def test_a_citation_of_another_format(citation, cited):
    written = answer.write_citation(citation, "abc")
    assert (written and written["cited_text"]) == cited
