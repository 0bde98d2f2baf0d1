import pytest

from convert.errors import KINDS, STATUS, ProxyError
from convert.formats.openai_errors import read_error, write_error


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            401,
            {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}},
            "authentication",
            "invalid_api_key",
        ),
        (403, {"error": {"message": "no"}}, "permission", None),
        (404, {"error": {"message": "no such model", "code": "model_not_found"}}, "not_found", "model_not_found"),
        (429, {"error": {"message": "slow down"}}, "rate_limited", None),
        (429, {"error": {"message": "You exceeded your current quota"}}, "quota", None),
        (402, {"error": {"message": "Insufficient Balance"}}, "quota", None),
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens."}}, "context_length", None),
        (
            400,
            {"error": {"message": "x", "code": "context_length_exceeded"}},
            "context_length",
            "context_length_exceeded",
        ),
        (
            400,
            {"error": {"message": "n_ctx", "type": "exceed_context_size_error", "code": 400}},
            "context_length",
            None,
        ),
        (413, {"message": "too large"}, "too_large", None),
        (500, {"error": {"message": "The engine is currently overloaded"}}, "overloaded", None),
        (503, {"error": {"message": "busy"}}, "overloaded", None),
        (529, {"error": {"message": "Overloaded", "type": "overloaded_error"}}, "overloaded", None),
        (500, "", "upstream", None),
        (502, {"error": {"message": "m", "code": "rate_limit_exceeded"}}, "rate_limited", "rate_limit_exceeded"),
        (
            400,
            {"error": {"message": "bad", "code": "unknown_parameter", "param": "foo"}},
            "invalid_request",
            "unknown_parameter",
        ),
        (418, {"error": "short and stout"}, "invalid_request", None),
    ],
)
def test_the_kind_is_told_by_status_code_and_words(status, body, kind, code):
    error = read_error(status, body)
    assert (error.kind, error.code) == (kind, code)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"message": "m"}, "m"),
        ({"detail": "m"}, "m"),
        ([{"error": {"message": "m"}}], "m"),
        ({"detail": [{"loc": ["body", "messages", 0], "msg": "Field required"}]}, "messages.0: Field required"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "quota"}}},
            "Provider returned error: quota",
        ),
        ("plain words", "plain words"),
        ("<!DOCTYPE html><h1>Bad Gateway</h1>", "the upstream answered with an HTML page instead of JSON"),
        ({}, "the upstream answered with status 500 and no explanation"),
        (None, "the upstream answered with status 500 and no explanation"),
    ],
)
def test_the_message_is_found_wherever_a_server_keeps_it(body, message):
    assert read_error(500, body).message == message


def test_the_path_of_the_fault_is_kept():
    assert read_error(400, {"error": {"message": "m", "param": "messages[0]"}}).param == "messages[0]"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written_and_is_read_back(kind):
    body = write_error(ProxyError(kind, "words", param="input"))
    assert body["error"].keys() >= {"message", "type", "param", "code"}
    back = read_error(STATUS[kind], body)
    assert back.message == "words"
    assert back.kind == kind or kind in ("unsupported", "internal")


@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [
        ("context_length", "too_many_prompt_tokens", "context_length_exceeded"),
        ("quota", "insufficient_balance", "insufficient_quota"),
        ("rate_limited", "too_many_requests", "rate_limit_exceeded"),
        ("overloaded", "engine_overloaded", "server_is_overloaded"),
        ("invalid_request", "invalid_prompt", "invalid_prompt"),
    ],
)
def test_clients_are_told_the_word_that_they_act_on(kind, code, word):
    assert write_error(ProxyError(kind, "words", code=code))["error"]["code"] == word
