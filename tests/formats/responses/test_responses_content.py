import pytest

from convert import hub
from convert.formats.responses import content
from convert.losses import Report
from tests.formats.converting import fault, sent


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text", "reasoning_text", "summary_text"])
def test_text_under_any_name(kind):
    assert content.read_part({"type": kind, "text": "a"}, "") == hub.Text(text="a")


def test_a_file_by_value_knows_its_type_by_its_name():
    part = content.read_part({"type": "input_file", "file_data": "JVBERi0=", "filename": "a.pdf"}, "")
    assert (part.mime, part.data, part.name) == ("application/pdf", "JVBERi0=", "a.pdf")


@pytest.mark.parametrize("value", [{"type": "computer_screenshot", "image_url": "u"}, {"type": "new"}])
def test_an_unknown_part_is_kept_whole(value):
    part = content.read_part(value, "input[0].content[0]")
    assert part == hub.Raw(format="responses", value=value)
    assert content.write_input(part, True, Report()) == value


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (7, ""),
        ({}, ""),
        ({"type": "input_text"}, ".text"),
        ({"type": "input_text", "text": None}, ".text"),
        ({"type": "input_image"}, ""),
        ({"type": "input_image", "image_url": {"url": "u"}}, ".image_url"),
        ({"type": "input_image", "file_id": 7}, ".file_id"),
        ({"type": "input_file"}, ""),
        ({"type": "input_file", "file_data": 7}, ".file_data"),
        ({"type": "input_file", "file_url": ["u"]}, ".file_url"),
        ({"type": "input_file", "file_id": "f", "filename": 7}, ".filename"),
        ({"type": "output_text", "text": "a", "annotations": 7}, ".annotations"),
        ({"type": "output_text", "text": "a", "annotations": [{}, 7]}, ".annotations[1]"),
        ({"type": "output_text", "text": "a", "annotations": [{"type": "url_citation", "url": 7}]}, ".annotations[0]"),
        ({"type": "output_text", "text": "a", "logprobs": [7]}, ".logprobs[0]"),
        ({"type": "input_audio"}, ".input_audio"),
        ({"type": "refusal"}, ".refusal"),
    ],
)
def test_the_path_of_a_faulty_part(part, param):
    body = {"input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}, part]}]}
    assert fault("responses", body)[0] == f"input[0].content[1]{param}"


def test_content_that_is_no_content():
    assert fault("responses", {"input": [{"role": "user", "content": 7}]})[0] == "input[0].content"


@pytest.mark.parametrize(
    ("citation", "kind"),
    [
        ({"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}, "url_citation"),
        ({"type": "file_citation", "file_id": "f", "index": 2, "filename": "a.txt"}, "file_citation"),
        (
            {"type": "container_file_citation", "file_id": "f", "container_id": "c", "filename": "a"},
            "container_file_citation",
        ),
    ],
)
def test_citations_come_back_as_they_were(citation, kind):
    read = content.read_citation(citation)
    assert read.wire["annotation"] == kind
    assert content.write_citation(read, hub.Text(text="abc"), Report()) == citation


def test_a_citation_of_another_format_gets_what_this_one_needs():
    report = Report()
    written = content.write_citation(hub.Citation(url="u"), hub.Text(text="abc"), report)
    assert written == {"type": "url_citation", "url": "u", "title": "", "start_index": 0, "end_index": 3}
    assert content.write_citation(hub.Citation(quote="q"), hub.Text(text="abc"), report) is None and report.losses


def test_a_cache_breakpoint_is_told():
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    written, lost = sent("chat", "responses", {"messages": [{"role": "user", "content": [part]}]})
    assert written["input"][0]["content"][0]["text"] == "a"
    assert lost == ["messages[0].content[0].cache_control dropped"]
