import pytest

from convert import hub, sse, stream
from convert.errors import ProxyError
from convert.formats.messages.writer import write_stream
from convert.hub import Delta, End, PartEnd, PartStart, Sealed, Start
from convert.losses import Report
from convert.sealed import tag

ASKED = {"model": "m", "thinking": {"type": "adaptive"}}


def frames(*events, asked=None):
    return b"".join(write_stream(iter(events), asked or ASKED, Report()))


def chunks(*events):
    return list(sse.chunks([frames(*events)]))


def blocks(*events):
    """The chunks of the content, as (what happens, the block or the delta)."""
    content = chunks(Start(id="1"), *events, End())[1:-2]
    return [
        (chunk["type"].removeprefix("content_block_"), chunk.get("content_block") or chunk.get("delta"))
        for chunk in content
    ]


def test_the_shell_has_what_strict_clients_need():
    start, ended, stop = chunks(Start(id="1", usage=hub.Usage(input=5)), End(usage=hub.Usage(input=7, output=2)))
    assert start["message"]["content"] == [] and start["message"]["usage"]["input_tokens"] == 5
    assert ended["usage"]["input_tokens"] == 7 and ended["usage"]["output_tokens"] == 2
    assert ended["delta"] == {"stop_reason": "end_turn", "stop_sequence": None} and stop == {"type": "message_stop"}


def test_each_frame_says_its_event():
    written = frames(Start(), PartStart(0, hub.Text()), Delta(0, "a"), PartEnd(0), hub.PING, End())
    for frame in written.decode().strip().split("\n\n"):
        name, data = frame.split("\n")
        assert f'"{name.removeprefix("event: ")}"' in data.split(",")[0]


@pytest.mark.parametrize(
    ("part", "texts", "end", "written"),
    [
        (
            hub.Text(),
            ["a"],
            {},
            [
                ("start", {"type": "text", "text": "", "citations": None}),
                ("delta", {"type": "text_delta", "text": "a"}),
                ("stop", None),
            ],
        ),
        (hub.Text(), [], {}, []),
        (
            hub.Refusal(),
            ["a"],
            {},
            [
                ("start", {"type": "text", "text": "", "citations": None}),
                ("delta", {"type": "text_delta", "text": "a"}),
                ("stop", None),
            ],
        ),
        (
            hub.Reasoning(),
            ["t"],
            {"sealed": Sealed("messages", "s")},
            [
                ("start", {"type": "thinking", "thinking": "", "signature": ""}),
                ("delta", {"type": "thinking_delta", "thinking": "t"}),
                ("delta", {"type": "signature_delta", "signature": "s"}),
                ("stop", None),
            ],
        ),
        (
            hub.Reasoning(),
            [],
            {"sealed": Sealed("responses", "b")},
            [
                ("start", {"type": "thinking", "thinking": "", "signature": ""}),
                ("delta", {"type": "signature_delta", "signature": tag(Sealed("responses", "b"))}),
                ("stop", None),
            ],
        ),
        (
            hub.Reasoning(),
            [],
            {"sealed": Sealed("messages", {"redacted_thinking": "d"})},
            [
                ("start", {"type": "redacted_thinking", "data": "d"}),
                ("stop", None),
            ],
        ),
        (hub.Reasoning(), [], {}, []),
        (
            hub.ToolCall(id="c", name="f"),
            ["{}"],
            {},
            [
                ("start", {"type": "tool_use", "id": "c", "name": "f", "input": {}}),
                ("delta", {"type": "input_json_delta", "partial_json": "{}"}),
                ("stop", None),
            ],
        ),
        (
            hub.Raw(format="messages", value={"type": "server_tool_use", "input": {"q": 1}}),
            [],
            {},
            [
                ("start", {"type": "server_tool_use", "input": {}}),
                ("delta", {"type": "input_json_delta", "partial_json": '{"q":1}'}),
                ("stop", None),
            ],
        ),
        (hub.Raw(format="responses", value={"type": "x"}), [], {}, []),
    ],
)
def test_a_part_is_a_block(part, texts, end, written):
    assert blocks(PartStart(0, part), *(Delta(0, text) for text in texts), PartEnd(0, **end)) == written


def test_free_text_for_a_tool_is_put_into_an_object():
    call = hub.ToolCall(type="custom", id="c", name="f")
    found = blocks(PartStart(0, call), Delta(0, 'a"'), Delta(0, "\n"), PartEnd(0))
    assert "".join(each["partial_json"] for what, each in found if what == "delta") == r'{"input":"a\"\n"}'


def test_citations_come_before_the_end_of_their_text():
    citation = hub.Citation(url="u", title="T", start=0, end=1)
    found = blocks(PartStart(0, hub.Text()), Delta(0, "ab"), PartEnd(0, citations=[citation]))
    assert found[2][1]["type"] == "citations_delta" and found[2][1]["citation"]["cited_text"] == "a"


def test_one_block_is_open_at_a_time():
    events = [
        Start(),
        PartStart(0, hub.Text()),
        PartStart(1, hub.ToolCall(id="c", name="f")),
        Delta(1, "{}"),
        Delta(0, "a"),
        PartEnd(1),
        PartEnd(0),
        End(),
    ]
    kinds = [(chunk["type"], chunk["index"]) for chunk in chunks(*events) if "index" in chunk]
    assert [index for _, index in kinds] == [0, 0, 0, 1, 1, 1]


def test_silence_is_a_ping_and_an_error_is_the_last_event():
    written = chunks(hub.PING, hub.Failure(ProxyError("overloaded", "busy")))
    assert written == [{"type": "ping"}, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}]


def test_several_choices_are_one_message():
    response = hub.Response(choices=[hub.Choice(parts=[hub.Text(text="a")]), hub.Choice(parts=[hub.Text(text="b")])])
    found = [chunk["delta"]["text"] for chunk in chunks(*stream.unfold(response)) if "text" in chunk.get("delta", {})]
    assert found == ["a", "b"]
