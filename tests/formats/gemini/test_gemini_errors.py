import pytest

from convert import sse
from convert.errors import KINDS, ProxyError
from convert.formats.gemini.errors import read_chunk_error, read_error, write_chunk_error, write_error

TYPE = "type.googleapis.com/google.rpc."


def google(status, message="words", *details):
    listed = {"details": list(details)} if details else {}
    return {"error": {"code": 1, "message": message, "status": status, **listed}}


OVER = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
KEY = {"@type": f"{TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
DAY = {"@type": f"{TYPE}QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}
MINUTE = {"@type": f"{TYPE}QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}
RETRY = {"@type": f"{TYPE}RetryInfo", "retryDelay": "48.9s"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, google("INVALID_ARGUMENT"), "invalid_request"),
        (400, google("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", KEY), "authentication"),
        (400, google("INVALID_ARGUMENT", "API key expired."), "authentication"),
        (400, google("INVALID_ARGUMENT", OVER), "context_length"),
        (400, google("FAILED_PRECONDITION"), "invalid_request"),
        (401, google("UNAUTHENTICATED"), "authentication"),
        (403, google("PERMISSION_DENIED"), "permission"),
        (404, google("NOT_FOUND"), "not_found"),
        (429, google("RESOURCE_EXHAUSTED", "slow", MINUTE, RETRY), "rate_limited"),
        (429, google("RESOURCE_EXHAUSTED", "slow", DAY, RETRY), "quota"),
        (500, google("INTERNAL"), "upstream"),
        (503, google("UNAVAILABLE"), "overloaded"),
        (504, google("DEADLINE_EXCEEDED"), "timeout"),
        (503, [google("UNAVAILABLE")], "overloaded"),
        (418, google("NEW_WORD"), "invalid_request"),
        (503, "<html>busy</html>", "overloaded"),
        (400, {"error": {"message": 7}}, "invalid_request"),
        (400, {"error": {"message": "m", "status": 7, "details": {}}}, "invalid_request"),
        (400, None, "invalid_request"),
    ],
)
def test_what_kind_of_error_it_is(status, body, kind):
    assert read_error(status, body).kind == kind


def test_details_are_read():
    bad = {"@type": f"{TYPE}BadRequest", "fieldViolations": [{"field": "contents[0]", "description": "d"}]}
    error = read_error(429, google("RESOURCE_EXHAUSTED", "slow", RETRY, bad, "odd", {"violations": 7}))
    assert (error.retry_after, error.param) == ("49", "contents[0]")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_again(kind):
    error = ProxyError(kind, "words", param="contents[0]", retry_after="7")
    again = read_error(error.status, write_error(error))
    expected = "upstream" if kind == "internal" else kind
    assert (again.kind, again.param, again.retry_after) == (expected, "contents[0]", "7")
    assert again.message.endswith("words")  # an overflow in Google's own words


def test_further_members_become_metadata():
    error = ProxyError("unsupported", "words", code="conversion_loss", details={"losses": [1], "a": "b"})
    written = write_error(error)["error"]
    assert (written["code"], written["status"]) == (400, "INVALID_ARGUMENT")
    assert written["details"][0]["reason"] == "CONVERSION_LOSS"
    assert written["details"][0]["metadata"] == {"losses": "[1]", "a": "b"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "message": "busy", "status": "UNAVAILABLE"}, "overloaded"),
        ({"code": 429, "message": "slow"}, "rate_limited"),
        ({"message": "what"}, "upstream"),
        ("words", "upstream"),
    ],
)
def test_an_error_inside_of_a_stream(error, kind):
    assert read_chunk_error(error).kind == kind


def test_the_chunk_of_an_error():
    (chunk,) = sse.chunks([write_chunk_error(ProxyError("overloaded", "busy"))])
    assert chunk == {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
