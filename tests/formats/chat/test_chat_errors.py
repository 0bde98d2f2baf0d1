import pytest

from convert import sse
from convert.errors import ProxyError
from convert.formats.chat.errors import read_chunk_error, write_chunk_error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow"}, "rate_limited"),
        ({"code": "503", "message": "busy"}, "overloaded"),
        ({"code": "context_length_exceeded", "message": "long"}, "context_length"),
        ({"message": "what"}, "upstream"),
        ("words", "upstream"),
        ({"code": 7, "message": "odd"}, "upstream"),
    ],
)
def test_the_code_of_a_chunk_may_be_a_status(error, kind):
    assert read_chunk_error(error).kind == kind


def test_an_error_ends_the_stream():
    chunks = list(sse.chunks([write_chunk_error(ProxyError("overloaded", "busy"))]))
    assert chunks[0]["error"]["message"] == "busy" and chunks[1:] == [sse.DONE]
