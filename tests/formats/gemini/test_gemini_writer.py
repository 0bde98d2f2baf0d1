from convert import hub, sealed, sse
from convert.errors import ProxyError
from convert.formats.gemini.writer import write_stream
from convert.losses import Report
from tests.formats.converting import chunk, streamed


def written(*events, report=None):
    started = [hub.Start("r", "m"), *events]
    return list(sse.chunks(write_stream(iter(started), {}, report or Report())))


def parts(*events):
    return [part for chunk in written(*events) for part in chunk["candidates"][0]["content"]["parts"]]


def test_a_text_is_written_as_it_comes():
    chunks = written(
        hub.PartStart(0, hub.Text()), hub.Delta(0, 'a"\ud83d'), hub.PartEnd(0), hub.End(usage=hub.Usage(1, 2))
    )
    head = {"modelVersion": "m", "responseId": "r"}
    said = {"content": {"parts": [{"text": 'a"\ud83d'}], "role": "model"}, "index": 0}
    ended = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    assert chunks == [
        {"candidates": [said], **head}, {"candidates": [ended], "usageMetadata": usage, **head},
    ]  # fmt: skip


def test_a_call_is_written_when_it_is_whole():
    call = hub.ToolCall(id="c", name="f", sealed=hub.Sealed("responses", "x"))
    (first, _) = parts(hub.PartStart(0, call), hub.Delta(0, '{"a"'), hub.Delta(0, ":1}"), hub.PartEnd(0), hub.End())
    assert first["functionCall"] == {"id": "c", "name": "f", "args": {"a": 1}}
    assert sealed.untag(first["thoughtSignature"]) == hub.Sealed("responses", "x")


def test_thoughts_and_their_seals():
    seal = hub.Sealed("gemini", "AAAA")
    found = parts(
        hub.PartStart(0, hub.Reasoning()), hub.Delta(0, "a"), hub.PartEnd(0),
        hub.PartStart(1, hub.Reasoning()), hub.Delta(1, "b"), hub.PartEnd(1, sealed=seal),
        hub.PartStart(2, hub.Reasoning()), hub.PartEnd(2, sealed=seal), hub.End(),
    )  # fmt: skip
    assert found == [
        {"text": "a", "thought": True}, {"text": "\n\n", "thought": True}, {"text": "b", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "AAAA"}, {"text": "", "thoughtSignature": "AAAA"},
        {"text": ""},
    ]  # fmt: skip


def test_sources_come_with_the_end_of_their_text():
    citation = hub.Citation(url="https://x.com", start=0, end=1)
    chunks = written(hub.PartStart(0, hub.Text()), hub.Delta(0, "a"), hub.PartEnd(0, citations=[citation]), hub.End())
    assert chunks[1]["candidates"][0]["groundingMetadata"]["groundingChunks"] == [{"web": {"uri": "https://x.com"}}]


def test_media_log_probabilities_and_items_of_its_own():
    token = {"token": "a", "logprob": -0.5}
    image = hub.Media(kind="image", mime="image/png", data="AA")
    code = hub.Raw(format="gemini", value={"executableCode": {"code": "1"}})
    chunks = written(
        hub.PartStart(0, hub.Text()), hub.Delta(0, "a", [token]), hub.PartEnd(0), hub.PartStart(1, image),
        hub.PartEnd(1), hub.PartStart(2, code), hub.PartEnd(2), hub.End(),
    )  # fmt: skip
    assert chunks[0]["candidates"][0]["logprobsResult"]["chosenCandidates"] == [{"token": "a", "logProbability": -0.5}]
    kinds = [key for each in chunks[1:3] for part in each["candidates"][0]["content"]["parts"] for key in part]
    assert kinds == ["inlineData", "executableCode"]


def test_what_has_no_place_is_told():
    report = Report()
    item = hub.Raw(format="responses", value={"type": "x_call"})
    written(hub.PartStart(0, item), hub.PartEnd(0), hub.End(usage=hub.Usage(cache_write=1)), report=report)
    assert [str(loss) for loss in report.losses] == ["output.x_call dropped", "usage.cache_write_tokens dropped"]


def test_only_data_lines_are_ever_written():
    error = hub.Failure(ProxyError("overloaded", "busy"))
    data = b"".join(write_stream(iter([hub.PING, hub.Start(), hub.PING, error, hub.PING]), {}, Report()))
    frames = [frame for frame in data.split(b"\n\n") if frame]
    assert frames[:2] == [b"data: {}"] * 2 and len(frames) == 3
    assert all(frame.startswith(b"data: {") for frame in frames) and b"UNAVAILABLE" in frames[2]


def test_a_stream_of_chat_choice_by_choice():
    second = {"index": 1, "delta": {"content": "b"}, "finish_reason": "length"}
    spoken = [chunk({"content": "a"}), chunk(choices=[second]), chunk({}, "stop")]
    chunks = streamed("chat", "gemini", spoken)
    assert [each["finishReason"] for each in chunks[-1]["candidates"]] == ["STOP", "MAX_TOKENS"]
    assert [each["candidates"][0]["index"] for each in chunks[:-1]] == [0, 1]


def test_what_began_after_a_call_does_not_overtake_it():
    found = parts(
        hub.PartStart(0, hub.ToolCall(id="c", name="f")), hub.PartStart(1, hub.Text()), hub.Delta(1, "a"),
        hub.PartEnd(1), hub.PartEnd(0), hub.End(),
    )  # fmt: skip
    assert [next(iter(part)) for part in found] == ["functionCall", "text", "text"]
