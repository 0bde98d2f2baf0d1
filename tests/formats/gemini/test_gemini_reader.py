import pytest

from convert import hub, sse, stream
from convert.formats import FORMATS
from tests.formats.converting import events, folded


def chunk(*parts, finish=None, index=0, **members):
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": index, **members}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r"}


def text(words, **more):
    return {"text": words, **more}


def parts_of(*chunks):
    return folded("gemini", chunks).choices[0].parts


SIGNED = hub.Sealed("gemini", "AAAA")


@pytest.mark.parametrize(
    ("chunks", "parts"),
    [
        ([chunk(text("a")), chunk(text("b"), finish="STOP")], [hub.Text(text="ab")]),
        ([chunk(text("a", thought=True)), chunk(text("b", thought=True)), chunk(text("c"), finish="STOP")],
         [hub.Reasoning(text="ab", kind="summary"), hub.Text(text="c")]),
        ([chunk(text("a")), chunk(text("", thoughtSignature="AAAA"), finish="STOP")],
         [hub.Text(text="a"), hub.Reasoning(kind="summary", sealed=SIGNED)]),
        ([chunk(text("a", thought=True)), chunk(text("", thought=True, thoughtSignature="AAAA"), finish="STOP")],
         [hub.Reasoning(text="a", kind="summary", sealed=SIGNED)]),
        ([chunk({"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "AAAA"}, finish="STOP")],
         [hub.ToolCall(id="c", name="f", text="{}", sealed=SIGNED)]),
        ([chunk(text("a"), {"executableCode": {"code": "1"}}, text("b"), finish="STOP")],
         [hub.Text(text="a"), hub.Raw(format="gemini", value={"executableCode": {"code": "1"}}), hub.Text(text="b")]),
        ([chunk({"inlineData": {"mimeType": "image/png", "data": "AA"}}, finish="STOP")],
         [hub.Media(kind="image", mime="image/png", data="AA")]),
        ([chunk(text("")), chunk(finish="STOP")], []),
    ],
)  # fmt: skip
def test_what_the_chunks_add_up_to(chunks, parts):
    assert parts_of(*chunks) == parts


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(text("a"))],
        [{"usageMetadata": {"promptTokenCount": 1}, "responseId": "r"}],
        [],
        [chunk(text("a"), finish="STOP"), chunk(text("b"), index=1)],
        [chunk(text("a")), {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}],
        [chunk(finish="MALFORMED_FUNCTION_CALL")],
        [chunk({"functionCall": {"name": "f", "willContinue": True}}, finish="STOP")],
        [chunk(text("a"), index=-1, finish="STOP")],
    ],
)
def test_an_answer_that_is_not_whole_is_a_failure(chunks):
    assert isinstance(events("gemini", chunks)[-1], hub.Failure)


def test_a_refused_prompt_ends_as_filtered():
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r"}
    assert events("gemini", [blocked])[-1].reasons == [hub.Reason("filter")]


def test_several_candidates():
    answer = folded("gemini", [chunk(text("a"), finish="STOP"), chunk(text("b"), index=1, finish="MAX_TOKENS")])
    assert [(choice.parts[0].text, choice.reason.kind) for choice in answer.choices] == [("a", "stop"), ("b", "length")]


def test_the_last_of_each_count_is_right():
    first = {**chunk(text("a")), "usageMetadata": {"promptTokenCount": 5, "thoughtsTokenCount": 3}}
    last = {**chunk(finish="STOP"), "usageMetadata": {"promptTokenCount": 6, "candidatesTokenCount": 1}}
    assert folded("gemini", [first, last]).usage == hub.Usage(input=6, output=4, reasoning=3)


def test_sources_belong_to_the_text_that_they_quote():
    def metadata(quoted):
        support = {"segment": {"text": quoted}, "groundingChunkIndices": [0]}
        return {"groundingChunks": [{"web": {"uri": "https://x.com"}}], "groundingSupports": [support]}

    chunks = [chunk(text("one"), groundingMetadata=metadata("one")), chunk({"toolCall": {"id": "1"}}),
              chunk(text("two"), groundingMetadata=metadata("two"), finish="STOP")]  # fmt: skip
    first, _, second = parts_of(*chunks)
    assert [len(each.citations) for each in (first, second)] == [1, 1]
    assert (second.citations[0].start, second.citations[0].end) == (0, 3)


def test_log_probabilities_come_with_their_text():
    result = {"chosenCandidates": [{"token": "a", "logProbability": -0.5}]}
    (part,) = parts_of(chunk(text("a"), logprobsResult=result, finish="STOP"))
    assert [token["token"] for token in part.logprobs] == ["a"]


def test_an_empty_object_is_a_sign_of_life_and_done_is_an_end():
    read = events("gemini", ["data: {}\n\n", chunk(text("a"), finish="STOP"), "data: [DONE]\n\n"])
    assert read[0] == hub.PING and isinstance(read[-1], hub.End)
    assert sse.DONE not in read


def test_a_complete_answer_ends_in_the_silence_of_an_upstream_that_stays_open():
    def pieces():
        yield sse.event(chunk(text("Hi"), finish="STOP"))
        yield b""
        yield b""
        raise AssertionError("nothing more is waited for")

    form = FORMATS["gemini"]
    read = list(stream.check(form.read_stream(sse.chunks(pieces()), form.flavor())))
    assert isinstance(read[-1], hub.End)


def test_an_answer_that_is_not_complete_is_waited_for():
    pieces = [sse.event(chunk(text("H"))), b"", b"", b"", sse.event(chunk(text("i"), finish="STOP"))]
    form = FORMATS["gemini"]
    folded_up = stream.fold(stream.check(form.read_stream(sse.chunks(pieces), form.flavor())))
    assert folded_up.choices[0].parts[0].text == "Hi"
