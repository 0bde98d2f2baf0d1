import pytest

from convert import hub
from convert.formats.messages.blocks import read_block, read_content
from convert.hub import Sealed
from convert.sealed import tag
from tests.formats.converting import USER, fault

TEXT_SOURCE = {"type": "text", "media_type": "text/plain", "data": "words"}


def user(block):
    return {"messages": [{"role": "user", "content": [block]}]}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
            hub.Text(text="x", cache={"type": "ephemeral"}),
        ),
        ({"type": "text", "text": "x", "citations": None}, hub.Text(text="x")),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aa"}},
            hub.Media(kind="image", mime="image/png", data="aa"),
        ),
        ({"type": "image", "source": {"type": "url", "url": "u"}}, hub.Media(kind="image", url="u")),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, hub.Media(kind="image", file_id="f")),
        (
            {
                "type": "document",
                "title": "a.pdf",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aa"},
            },
            hub.Media(kind="file", mime="application/pdf", data="aa", name="a.pdf"),
        ),
        (
            {"type": "thinking", "thinking": "t", "signature": "s"},
            hub.Reasoning(text="t", sealed=Sealed("messages", "s")),
        ),
        ({"type": "thinking", "thinking": "t", "signature": ""}, hub.Reasoning(text="t")),
        (
            {"type": "redacted_thinking", "data": "d"},
            hub.Reasoning(kind="summary", sealed=Sealed("messages", {"redacted_thinking": "d"})),
        ),
        (
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1.0}, "caller": {"type": "direct"}},
            hub.ToolCall(text='{"a":1.0}', id="t", name="f"),
        ),
        (
            {"type": "tool_result", "tool_use_id": "t", "content": "r", "is_error": True},
            hub.ToolResult(call_id="t", parts=[hub.Text(text="r")], error=True),
        ),
        ({"type": "tool_result", "tool_use_id": "t"}, hub.ToolResult(call_id="t")),
        ({"type": "tool_reference", "tool_name": "f"}, hub.Tools(tools=[hub.Tool(name="f")])),
    ],
)
def test_a_block_is_a_part(block, part):
    assert read_block(block, "x") == [part]


def test_state_of_another_format_is_untagged():
    foreign = Sealed("responses", "blob")
    assert read_block({"type": "thinking", "thinking": "", "signature": tag(foreign)}, "x")[0].sealed == foreign


@pytest.mark.parametrize(
    ("block", "texts"),
    [
        ({"type": "document", "source": TEXT_SOURCE}, ["words"]),
        ({"type": "document", "title": "T", "context": "C", "source": TEXT_SOURCE}, ["T", "C", "words"]),
        ({"type": "document", "source": {"type": "content", "content": "words"}}, ["words"]),
        (
            {"type": "search_result", "title": "T", "source": "S", "content": [{"type": "text", "text": "words"}]},
            ["T\nS", "words"],
        ),
        ({"type": "mid_conv_system", "content": [{"type": "text", "text": "words"}]}, ["words"]),
    ],
)
def test_a_block_in_words_is_words_and_is_kept_whole(block, texts):
    parts = read_block({**block, "cache_control": {"type": "ephemeral"}}, "x")
    assert [part.text for part in parts] == texts
    assert parts[0].wire["whole"]["type"] == block["type"] and all(part.wire.get("within") for part in parts[1:])
    assert parts[-1].cache == {"type": "ephemeral"}


def test_blocks_of_hosted_tools_are_raw_and_unknown_ones_are_marked():
    assert read_block({"type": "web_search_tool_result"}, "x")[0].wire == {}
    assert read_block({"type": "novelty"}, "x")[0].wire == {"unknown": "novelty"}


def test_a_citation_keeps_what_others_have_no_place_for():
    body = {"type": "char_location", "cited_text": "q", "document_title": "D", "document_index": 0}
    citation = read_block({"type": "text", "text": "x", "citations": [body]}, "x")[0].citations[0]
    assert (citation.quote, citation.title, citation.extra) == ("q", "D", {"document_index": 0})


def test_content_may_be_a_string():
    assert read_content("x", "p") == ([hub.Text(text="x")], True)


@pytest.mark.parametrize(
    ("block", "param"),
    [
        (7, ""),
        ({}, ""),
        ({"type": 7}, ""),
        ({"type": "text"}, ".text"),
        ({"type": "image"}, ".source.type"),
        ({"type": "image", "source": {"type": "x"}}, ".source.type"),
        ({"type": "image", "source": {"type": "url"}}, ".source.url"),
        ({"type": "text", "text": "x", "citations": "y"}, ".citations"),
        ({"type": "text", "text": "x", "cache_control": "y"}, ".cache_control"),
        ({"type": "thinking"}, ".thinking"),
        ({"type": "redacted_thinking"}, ".data"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}, ".input"),
        ({"type": "tool_use", "id": "t", "name": "", "input": {}}, ".name"),
        ({"type": "tool_use", "name": "f", "input": {}}, ".id"),
        ({"type": "tool_result", "tool_use_id": "t", "content": 7}, ".content"),
        ({"type": "tool_result", "content": "x"}, ".tool_use_id"),
        ({"type": "tool_reference"}, ".tool_name"),
        ({"type": "search_result", "title": "T"}, ".source"),
        ({"type": "novelty"}, ".type"),
    ],
)
def test_the_path_of_a_fault_is_told(block, param):
    assert fault("messages", user(block))[0] == f"messages[0].content[0]{param}"


def test_a_message_needs_content():
    assert fault("messages", {"messages": [USER, {"role": "assistant"}]})[0] == "messages[1].content"
