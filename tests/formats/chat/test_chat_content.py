import pytest

from convert.errors import ProxyError
from tests.formats.converting import fault, sent, to_chat, to_responses

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="


def chat(*parts):
    return {"messages": [{"role": "user", "content": list(parts)}]}


def responses(*parts):
    return {"input": [{"role": "user", "content": list(parts)}]}


PAIRS = [
    ({"type": "text", "text": "a"}, {"type": "input_text", "text": "a"}),
    (
        {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}},
        {"type": "input_image", "image_url": PNG, "detail": "high"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "https://x.com/a.png", "detail": "auto"}},
        {"type": "input_image", "image_url": "https://x.com/a.png", "detail": "auto"},
    ),
    (
        {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
        {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
    ),
    ({"type": "file", "file": {"file_id": "file-1"}}, {"type": "input_file", "file_id": "file-1"}),
]


@pytest.mark.parametrize(("here", "there"), PAIRS, ids=lambda part: part["type"])
def test_a_content_part_both_ways(here, there):
    text, told = {"type": "text", "text": "and"}, {"type": "input_text", "text": "and"}
    assert to_responses(chat(text, here))["input"][0]["content"] == [told, there]
    assert to_chat(responses(told, there))["messages"][0]["content"] == [text, here]


def test_sound_goes_to_chat():
    sound = {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}
    assert to_chat(responses(sound))["messages"][0]["content"] == [sound]


def test_a_single_text_is_a_bare_string():
    assert to_chat(responses({"type": "input_text", "text": "a"}))["messages"][0]["content"] == "a"


def test_texts_are_joined_for_servers_that_take_no_lists():
    parts = ({"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"})
    assert to_chat(responses(*parts), flatten=True)["messages"][0]["content"] == "a\n\nb"
    image = {"type": "input_image", "image_url": PNG, "detail": "auto"}
    assert isinstance(to_chat(responses(*parts, image), flatten=True)["messages"][0]["content"], list)


def test_a_type_of_another_provider_is_dropped_from_an_earlier_answer_and_told():
    odd = {"type": "document_url", "document_url": "https://x.com"}
    turn = {"role": "assistant", "content": [odd, {"type": "text", "text": "a"}]}
    written, lost = sent("chat", "responses", {"messages": [turn]})
    assert written["input"] == [{"type": "message", "role": "assistant", "content": "a"}]
    assert lost == ["messages[0].content[0] dropped (no place in an earlier answer)"]
    turn = {"role": "assistant", "content": [{"type": "odd"}, {"type": "output_text", "text": "a"}]}
    written, lost = sent("responses", "chat", {"input": [turn]})
    assert written["messages"] == [{"role": "assistant", "content": [{"type": "text", "text": "a"}]}]
    assert lost == ["input[0].content[0] dropped (no place in an earlier answer)"]


@pytest.mark.parametrize(
    ("client", "wire", "body", "param"),
    [
        (
            "chat",
            "responses",
            chat({"type": "input_audio", "input_audio": {"data": "U", "format": "wav"}}),
            "messages[0].content[0]",
        ),
        ("responses", "chat", responses({"type": "input_image", "file_id": "file-1"}), "input[0].content[0]"),
        ("responses", "chat", responses({"type": "a_future_part"}), "input[0].content[0]"),
        (
            "chat",
            "responses",
            chat({"type": "document_url", "document_url": "https://x.com"}),
            "messages[0].content[0]",
        ),
        (
            "responses",
            "chat",
            responses({"type": "input_file", "file_url": "https://x.com/a.pdf"}),
            "input[0].content[0]",
        ),
    ],
)
def test_content_without_a_place_is_refused_not_dropped(client, wire, body, param):
    with pytest.raises(ProxyError) as caught:
        sent(client, wire, body)
    assert (caught.value.kind, caught.value.status, caught.value.param) == ("unsupported", 400, param)


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (7, ""),
        ({}, ""),
        ({"type": 7}, ""),
        ({"type": "text"}, ".text"),
        ({"type": "text", "text": 7}, ".text"),
        ({"type": "image_url"}, ".image_url.url"),
        ({"type": "image_url", "image_url": {"url": 7}}, ".image_url.url"),
        ({"type": "image_url", "image_url": {"url": "u", "detail": 7}}, ".image_url.detail"),
        ({"type": "file", "file": {"file_id": "f", "filename": 7}}, ".file.filename"),
        ({"type": "input_audio"}, ".input_audio"),
        ({"type": "file", "file": {}}, ".file"),
        ({"type": "refusal"}, ".refusal"),
    ],
)
def test_the_path_of_a_faulty_part(part, param):
    assert fault("chat", chat({"type": "text", "text": "a"}, part))[0] == f"messages[0].content[1]{param}"


def test_content_that_is_no_content():
    assert fault("chat", {"messages": [{"role": "user", "content": 7}]})[0] == "messages[0].content"
