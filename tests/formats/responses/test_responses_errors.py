import pytest

from convert.errors import KINDS, ProxyError
from convert.formats.responses.errors import read_failure, write_failure


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_code(kind):
    written = write_failure(ProxyError(kind, "words"))
    assert written["code"] and written["message"].startswith("words")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("rate_limited", "rate_limit_exceeded"),
        ("context_length", "context_length_exceeded"),
        ("quota", "insufficient_quota"),
        ("overloaded", "server_error"),
        ("upstream", "server_error"),
    ],
)
def test_the_codes_that_clients_act_on(kind, code):
    assert write_failure(ProxyError(kind, "words"))["code"] == code


def test_a_rate_limit_tells_when_to_try_again():
    assert "try again in 7s" in write_failure(ProxyError("rate_limited", "Slow down.", retry_after="7"))["message"]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"error": {"code": "rate_limit_exceeded", "message": "m"}}, "rate_limited", "m"),
        ({"error": {"code": "server_error", "message": "m"}}, "upstream", "m"),
        ({"status": "cancelled"}, "upstream", "the upstream's response ended as cancelled"),
    ],
)
def test_why_a_response_failed(body, kind, message):
    error = read_failure(body)
    assert (error.kind, error.message) == (kind, message)
