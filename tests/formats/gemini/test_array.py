import json

import pytest

from convert import sse
from convert.errors import ProxyError
from convert.formats.gemini.array import array_chunks, as_array
from tests.recordings import cut

CHUNKS = [{"a": [1, {"b": "}]\\\""}]}, {}, {"text": "é\n[{"}]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_the_objects_of_an_array_at_any_cut(indent, size):
    data = json.dumps(CHUNKS, indent=indent, ensure_ascii=False).encode()
    assert list(array_chunks(cut(data, size))) == CHUNKS


def test_each_object_comes_when_it_is_whole():
    chunks = array_chunks(iter([b'[{"a":1}', b"", b',\r\n{"a"', b":2}]"]))
    assert next(chunks) == {"a": 1}
    assert next(chunks) is sse.PING
    assert list(chunks) == [{"a": 2}]


@pytest.mark.parametrize("data", [b"[]", b" [ ] \n"])
def test_an_empty_array(data):
    assert list(array_chunks([data])) == []


@pytest.mark.parametrize("data", [b"", b"[", b'[{"a":1}', b'{"a":1}', b'[{"a":}]', b'[{"a', b"[[1]]", b"x"])
def test_what_is_no_whole_array_is_the_upstreams_fault(data):
    with pytest.raises(ProxyError) as caught:
        list(array_chunks([data]))
    assert caught.value.kind == "upstream"


@pytest.mark.parametrize("chunks", [[], [{"a": 1}], [{"a": 1}, {"b": "]"}]])
def test_frames_as_an_array(chunks):
    written = list(as_array(sse.event(chunk) for chunk in chunks))
    assert json.loads(b"".join(written)) == chunks
    assert list(array_chunks(written)) == chunks


def test_a_keep_alive_is_a_blank_line():
    assert b"".join(as_array([b"data: {}\n\n", sse.event({"a": 1})])) == b'\n[{"a":1}]'
