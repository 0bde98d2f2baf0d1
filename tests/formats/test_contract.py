import pytest

from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.chat import request as chat
from convert.formats.contract import PARAMS, take
from convert.formats.gemini import generation as gemini
from convert.formats.responses import request as responses


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
        ("gemini", b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n', True, False),
        ("gemini", b'data: {}\n\ndata: {"promptFeedback":{"blockReason":"SAFETY"}}\n\n', True, False),
        ("gemini", b'data: {"error": {"code": 503}}\r\n\r\n', True, True),
        ("gemini", b'data: {"candidates":[{"content":{"error":{"finishReason":"STOP"}}}]}\n\n', False, False),
        ("gemini", b'data: {"error": torn\n\n', False, False),
    ],
)
def test_a_format_sees_the_end_of_its_streams(name, frame, ends, closes):
    assert (FORMATS[name].ends(frame), FORMATS[name].closes(frame)) == (ends, closes)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (str, ["", "a"], [7, True, [], {}]),
        (bool, [True, False], [1, "true"]),
        (int, [0, -1], [1.5, "1", True]),
        (float, [0, 1.5], ["1", False, []]),
        (dict, [{}, {"a": 1}], [[], "{}"]),
        (list, [[], [7]], [{}, "[]"]),
    ],
)
def test_take_tells_the_path_of_a_value_of_another_kind(kind, right, wrong):
    for value in right:
        assert take({"a": value}, "a", kind=kind) == value
    for value in wrong:
        with pytest.raises(ProxyError) as caught:
            take({"a": value}, "a", kind=kind, path="b[0]")
        assert (caught.value.kind, caught.value.param) == ("invalid_request", "b[0].a")


def test_every_parameter_that_a_wire_has_has_a_kind():
    for fields in (chat.FIELDS, responses.FIELDS, gemini.FIELDS):
        assert {*fields.values()} - {*PARAMS} <= {"stop"}
