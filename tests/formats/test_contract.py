import pytest

from convert.formats import FORMATS
from convert.formats.contract import take


def test_take_leaves_a_null_behind():
    body = {"a": 1, "b": None}
    assert take(body, "a") == 1 and take(body, "b", 7) == 7 and take(body, "c") is None
    assert body == {"b": None}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_knows_its_wire(name):
    form = FORMATS[name]
    assert form.name == name and form.path("m", True).startswith("/")
    assert form.keep_alive.endswith(b"\n\n") and not form.ends(form.keep_alive) and not form.closes(form.keep_alive)
    assert form.credentials("") == {} and "sk-1" in str(form.credentials("sk-1"))


@pytest.mark.parametrize(
    ("name", "frame", "ends", "closes"),
    [
        ("chat", b"data: [DONE]\n\n", True, True),
        ("chat", b'data: {"choices": [{"finish_reason": "stop"}]}\n\n', True, False),
        ("chat", b'data: {"choices": [{"finish_reason":null}]}\n\n', False, False),
        ("chat", b'data: {"error": {"message": "x"}}\n\n', True, False),
        ("chat", b'data: {"choices":[{"delta":{"content":"say data: [DONE]"}}]}\n\n', False, False),
        ("chat", b'data: {"delta":{"content":"\\"finish_reason\\": \\"stop\\""}}\n\n', False, False),
        ("chat", b"data: {}\r\n\r\ndata:[DONE]\r\n\r\n", True, True),
        ("responses", b'data: {"type": "response.completed"}\n\n', True, True),
        ("responses", b'data: {"type":"response.output_item.done","item":{"x":{"type":"error"}}}\n\n', False, False),
        ("responses", b'data: {"type":"error", torn\n\n', False, False),
        ("responses", b'data: {"type":"response.failed"}\n\n', True, True),
        ("responses", b'data: {"type":"error"}\n\n', True, True),
        ("responses", b'data: {"type":"response.output_text.done"}\n\n', False, False),
    ],
)
def test_a_format_sees_the_end_of_its_streams(name, frame, ends, closes):
    assert (FORMATS[name].ends(frame), FORMATS[name].closes(frame)) == (ends, closes)
