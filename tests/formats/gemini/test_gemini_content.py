import pytest

from convert import hub, sealed
from convert.errors import ProxyError
from convert.formats.gemini import content
from convert.losses import Report


def read(part):
    return content.read_part(part, "p")


SIGNED = hub.Sealed("gemini", "AAAA")
PARTS = [
    ({"text": "a"}, [hub.Text(text="a")]),
    ({"text": "a", "thought": False}, [hub.Text(text="a")]),
    ("a", [hub.Text(text="a")]),
    ({"text": "a", "thought": True}, [hub.Reasoning(text="a", kind="summary")]),
    ({"text": "a", "thought": True, "thoughtSignature": "AAAA"},
     [hub.Reasoning(text="a", kind="summary", sealed=SIGNED)]),
    ({"text": "a", "thought_signature": "AAAA"}, [hub.Text(text="a"), hub.Reasoning(kind="summary", sealed=SIGNED)]),
    ({"text": "", "thoughtSignature": "AAAA"}, [hub.Reasoning(kind="summary", sealed=SIGNED)]),
    ({"inlineData": {"mimeType": "image/png", "data": "AA"}}, [hub.Media(kind="image", mime="image/png", data="AA")]),
    ({"inline_data": {"mime_type": "audio/wav", "data": "AA"}}, [hub.Media(kind="audio", mime="audio/wav", data="AA")]),
    ({"fileData": {"fileUri": "gs://b/a.pdf"}}, [hub.Media(kind="file", mime="application/pdf", file_id="gs://b/a.pdf")]),
    ({"fileData": {"fileUri": "https://youtu.be/x"}}, [hub.Media(kind="video", url="https://youtu.be/x")]),
    ({"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.com/v"}, "videoMetadata": {"fps": 1}},
     [hub.Media(kind="video", mime="video/mp4", url="https://x.com/v", extra={"videoMetadata": {"fps": 1}})]),
    ({"executableCode": {"code": "1"}}, [hub.Raw(format="gemini", value={"executableCode": {"code": "1"}})]),
    ({"toolCall": {"id": "1"}, "thoughtSignature": "AAAA"},
     [hub.Raw(format="gemini", value={"toolCall": {"id": "1"}, "thoughtSignature": "AAAA"})]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "parts"), PARTS, ids=str)
def test_what_a_part_means(part, parts):
    assert read(part) == parts


def test_a_tagged_signature_belongs_to_another_format():
    tagged = sealed.tag(hub.Sealed("responses", "gAAA"))
    (part,) = read({"text": "a", "thought": True, "thoughtSignature": tagged})
    assert part.sealed == hub.Sealed("responses", "gAAA")
    report = Report()
    assert content.write_reasoning(part, False, report) == {"text": "a", "thought": True}
    assert [str(loss) for loss in report.losses] == ["p dropped (sealed reasoning of another provider)"]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (7, "p"),
        ({"text": 7}, "p.text"),
        ({"text": 7, "thought": True}, "p.text"),
        ({"text": "a", "thoughtSignature": 7}, "p.thoughtSignature"),
        ({"inlineData": 7}, "p.inlineData"),
        ({"inlineData": {}}, "p.inlineData.data"),
        ({"inlineData": {"data": "AA", "mimeType": 7}}, "p.inlineData.mimeType"),
        ({"fileData": {}}, "p.fileData.fileUri"),
    ],
)
def test_the_path_of_a_fault(part, path):
    with pytest.raises(ProxyError) as caught:
        read(part)
    assert caught.value.param == path


@pytest.mark.parametrize(
    ("part", "written", "lost"),
    [
        (hub.Media(kind="image", data="AA"), {"inlineData": {"mimeType": "image/png", "data": "AA"}}, []),
        (hub.Media(kind="image", url="https://x.com/a.jpg", detail="high"),
         {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.com/a.jpg"}}, ["p.detail dropped"]),
        (hub.Media(kind="file", mime="application/pdf", data="AA", name="a.pdf", cache={"type": "ephemeral"}),
         {"inlineData": {"mimeType": "application/pdf", "data": "AA"}},
         ["p.cache_control dropped", "p.filename dropped"]),
    ],
)  # fmt: skip
def test_media_of_another_format(part, written, lost):
    part.path = "p"
    report = Report()
    assert content.write_media(part, False, report) == written
    assert [str(loss) for loss in report.losses] == lost


def test_an_upload_of_another_provider_is_refused():
    with pytest.raises(ProxyError) as caught:
        content.write_media(hub.Media(file_id="file-1", path="p"), False, Report())
    assert (caught.value.kind, caught.value.param) == ("unsupported", "p")


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"output": "a"}, ("a", False)),
        ({"result": {"b": 1}}, ('{"b":1}', False)),
        ({"error": "no"}, ("no", True)),
        ({"a": 1, "output": "x"}, ('{"a":1,"output":"x"}', False)),
        (None, ("", False)),
    ],
)
def test_the_words_of_a_response(response, words):
    assert content.told(response) == words


@pytest.mark.parametrize(
    ("text", "error", "response"),
    [
        ("a", False, {"output": "a"}),
        ('{"a": 1}', False, {"a": 1}),
        ('{"output": 1}', False, {"output": '{"output": 1}'}),
        ("[1]", False, {"output": "[1]"}),
        ('{"a": NaN}', False, {"output": '{"a": NaN}'}),
        ('{"a": 1}', True, {"error": '{"a": 1}'}),
        ("", False, {"output": ""}),
    ],
)
def test_the_response_for_words(text, error, response):
    assert content.telling(text, error) == response


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}), (" ", {}), ('{"a": 1.5, "b": 123456789012345678901}', {"a": 1.5, "b": 123456789012345678901}),
        ("[1]", None), ('{"a"', None), ('{"a": NaN}', None), ('{"a": -Infinity}', None), ('{"a": 1e999}', None),
        ('{"a":' * 100_000, None),
    ],
)  # fmt: skip
def test_arguments_are_an_object_of_what_json_can_hold(text, arguments):
    assert content.arguments_of(text) == arguments
