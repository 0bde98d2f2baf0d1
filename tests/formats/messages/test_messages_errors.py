import pytest

from convert import sse
from convert.errors import ProxyError
from convert.formats.messages.errors import read_error, too_long, write_error, write_stream_error


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalid_request_error", "invalid_request"),
        (401, "authentication_error", "authentication"),
        (403, "permission_error", "permission"),
        (404, "not_found_error", "not_found"),
        (413, "request_too_large", "too_large"),
        (429, "rate_limit_error", "rate_limited"),
        (500, "api_error", "upstream"),
        (529, "overloaded_error", "overloaded"),
        (402, "billing_error", "quota"),
        (504, "timeout_error", "timeout"),
        (502, "overloaded_error", "overloaded"),
        (502, "rate_limit_error", "rate_limited"),
        (502, "timeout_error", "timeout"),
        (502, "billing_error", "quota"),
    ],
)
def test_an_error_goes_both_ways(status, word, kind):
    error = read_error(status, {"type": "error", "error": {"type": word, "message": "why"}, "request_id": "r"})
    assert (error.kind, error.message) == (kind, "why")
    assert write_error(error) == {"type": "error", "error": {"type": word, "message": "why"}}


def test_details_pass():
    details = {"error_code": "thread_not_found"}
    error = read_error(
        400, {"type": "error", "error": {"type": "invalid_request_error", "message": "x", "details": details}}
    )
    assert write_error(error)["error"]["details"] == details


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("prompt is too long: 9 tokens > 5 maximum", "prompt is too long: 9 tokens > 5 maximum"),
        (
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease it",
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease it",
        ),
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "prompt is too long: 9000 tokens > 8192 maximum",
        ),
        (
            "This endpoint's maximum context length is 128,000 tokens. However, you requested about 130,001 tokens "
            "(129001 of text input, 1000 in the output).",
            "prompt is too long: 130001 tokens > 128000 maximum",
        ),
        (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "prompt is too long: 1200000 tokens > 1048576 maximum",
        ),
        (
            "request (18021 tokens) exceeds the available context size (4096 tokens), try increasing it",
            "prompt is too long: 18021 tokens > 4096 maximum",
        ),
        (
            "Range of input length should be [1, 30720]",
            "prompt is too long: Range of input length should be [1, 30720]",
        ),
        (
            "Your input exceeds the context window of this model.",
            "prompt is too long: Your input exceeds the context window of this model.",
        ),
    ],
)
def test_an_overflow_is_told_in_the_words_that_clients_look_for(message, told):
    assert too_long(message) == told
    error = write_error(ProxyError("context_length", message))
    assert error["error"] == {"type": "invalid_request_error", "message": told}


def test_an_error_ends_the_stream():
    frame = write_stream_error(ProxyError("overloaded", "busy"))
    assert frame.startswith(b"event: error\n")
    assert next(sse.chunks([frame]))["error"] == {"type": "overloaded_error", "message": "busy"}
