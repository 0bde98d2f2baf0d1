"""What an upstream says in its own words, told to each client in the words and codes that it acts on.

By them Claude Code, Codex, Gemini CLI, opencode and the SDKs wait, compact or give up, as was observed. The upstreams'
bodies are those that OpenAI, Anthropic, Google and those who imitate them send.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from convert import sse
from tests.live import wires

Make = Callable[..., FlaskClient]
Json = dict[str, Any]


@dataclass
class Said:
    """An upstream's error: its HTTP status, the members of its `error`, its headers."""

    wire: str
    status: int
    error: Json
    kind: str
    headers: dict[str, str] | None = None

    @property
    def body(self) -> Json:
        return {"type": "error", "error": self.error} if self.wire == "messages" else {"error": self.error}


def openai(message: str, kind: str, code: str | None, **more: Any) -> Json:
    return {"message": message, "type": kind, "param": None, "code": code, **more}


def google(code: int, status: str, message: str, *details: Json) -> Json:
    return {"code": code, "message": message, "status": status, **({"details": list(details)} if details else {})}


def anthropic(kind: str, message: str) -> Json:
    return {"type": kind, "message": message}


BAD, BUSY = "invalid_request_error", "server_is_overloaded"
AFTER = {"Retry-After": "7"}
CONTEXT = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens."
INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "6.5s"}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
SAID = [
    Said("chat", 400, openai(CONTEXT, "invalid_request_error", "context_length_exceeded"), "context"),
    Said("chat", 400, openai(CONTEXT, "invalid_request_error", "invalid_request_error"), "context"),  # DeepSeek
    Said("chat", 429, openai("Rate limit reached for gpt-5", "tokens", "rate_limit_exceeded"), "rate", AFTER),
    Said("chat", 429, openai("Engine busy", "engine_overloaded_error", None), "overload", AFTER),  # Kimi
    Said("chat", 503, openai("The server is overloaded or not ready yet.", "server_error", None), "overload", AFTER),
    Said("chat", 401, openai("Incorrect API key provided", "invalid_request_error", "invalid_api_key"), "auth"),
    Said("chat", 429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "quota"),
    Said("chat", 402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"), "quota"),  # DeepSeek
    Said("chat", 400, openai("The prompt triggered our content policy", None, "content_filter"), "safety"),  # Azure
    Said("responses", 400, openai(CONTEXT, "invalid_request_error", "context_length_exceeded"), "context"),
    Said("responses", 429, openai("Rate limit reached", "requests", "rate_limit_exceeded"), "rate", AFTER),
    Said("responses", 503, openai("Our servers are busy", "unavailable", BUSY), "overload", AFTER),
    Said("responses", 401, openai("Incorrect API key", "invalid_request_error", "invalid_api_key"), "auth"),
    Said("responses", 400, openai("Invalid prompt: flagged", "invalid_request_error", "invalid_prompt"), "safety"),
    Said("messages", 400, anthropic(BAD, "prompt is too long: 130000 tokens > 128000 maximum"), "context"),
    Said("messages", 413, anthropic("request_too_large", "Request exceeds the maximum size"), "size"),
    Said("messages", 429, anthropic("rate_limit_error", "This request would exceed your rate limit"), "rate", AFTER),
    Said("messages", 529, anthropic("overloaded_error", "Overloaded"), "overload", AFTER),
    Said("messages", 401, anthropic("authentication_error", "invalid x-api-key"), "auth"),
    Said("messages", 400, anthropic(BAD, "Your credit balance is too low to access the API."), "quota"),
    Said("messages", 400, anthropic("invalid_request_error", "Output blocked by content filtering policy"), "safety"),
    Said("gemini", 400, google(400, "INVALID_ARGUMENT",
         "The input token count (130000) exceeds the maximum number of tokens allowed (128000)."), "context"),
    Said("gemini", 429, google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", INFO), "rate"),
    Said("gemini", 503, google(503, "UNAVAILABLE", "The model is overloaded."), "overload", AFTER),
    Said("gemini", 400, google(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY), "auth"),
    Said("gemini", 403, google(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), "denied"),
]  # fmt: skip
OPENAI = {
    "context": (400, "invalid_request_error", "context_length_exceeded"),
    "rate": (429, "rate_limit_error", "rate_limit_exceeded"),
    "overload": (503, "server_error", "server_is_overloaded"),
    "auth": (401, "invalid_request_error", "invalid_api_key"),
    "quota": (429, "insufficient_quota", "insufficient_quota"),
    "safety": (400, "invalid_request_error", None),
    "size": (413, "invalid_request_error", None),
    "denied": (403, "permission_error", None),
}
ANTHROPIC = {
    "context": (400, "invalid_request_error"), "rate": (429, "rate_limit_error"), "overload": (529, "overloaded_error"),
    "auth": (401, "authentication_error"), "quota": (402, "billing_error"), "safety": (400, "invalid_request_error"),
    "size": (413, "request_too_large"), "denied": (403, "permission_error"),
}  # fmt: skip
GOOGLE = {
    "context": (400, "INVALID_ARGUMENT"), "rate": (429, "RESOURCE_EXHAUSTED"), "overload": (503, "UNAVAILABLE"),
    "auth": (401, "UNAUTHENTICATED"), "quota": (429, "RESOURCE_EXHAUSTED"), "safety": (400, "INVALID_ARGUMENT"),
    "size": (413, "INVALID_ARGUMENT"), "denied": (403, "PERMISSION_DENIED"),
}  # fmt: skip
TOO_LONG = {
    "messages": "prompt is too long: 130000 tokens > 128000 maximum",
    "gemini": "The input token count (130000) exceeds the maximum number of tokens allowed (128000).",
}
CASES = [
    pytest.param(form, said, id=f"{said.wire} {said.status} {said.kind} {number} to {form}")
    for number, said in enumerate(SAID)
    for form in wires.PATHS
]


@pytest.fixture
def upstream() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def ask(make: Make, form: str, wire: str, stream: bool) -> Any:
    client = make(UPSTREAM_URL="https://x.com", UPSTREAM_FORMAT=wire, UPSTREAM_API_KEY="sk-upstream-77")
    return client.post(wires.path(form, "m", stream), json=wires.asked(form, "m", stream))


def is_own(form: str, said: Said) -> bool:
    """Whether the very bytes may pass: the same API, in the words that its clients know."""
    if form != said.wire:
        return False
    return said.kind != "context" or form in TOO_LONG or said.error["code"] == "context_length_exceeded"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("form", "said"), CASES)
def test_an_error_before_the_first_byte(make: Make, upstream: Any, form: str, said: Said, stream: bool) -> None:
    data = json.dumps(said.body).encode()
    upstream.post(re.compile("https://x.com/.*"), body=data, status=said.status, headers=said.headers or {})
    answer = ask(make, form, said.wire, stream)
    if is_own(form, said):
        assert (answer.status_code, answer.data) == (said.status, data)
    else:
        check(form, said, answer.status_code, answer.get_json())
    if said.headers:
        assert answer.headers["Retry-After"] == "7"
    elif said.kind == "rate" and form != said.wire:
        assert answer.headers["Retry-After"] == "7"  # of Google's RetryInfo, rounded up


def check(form: str, said: Said, status: int, body: Json) -> None:
    """Whether an HTTP error is as the client expects it."""
    error = body["error"]
    if form in ("chat", "responses"):
        wanted = OPENAI[said.kind]
        assert (status, error["type"]) == wanted[:2]
        assert wanted[2] is None or error["code"] == wanted[2]
        assert "param" in error
    elif form == "messages":
        assert (status, error["type"], body["type"]) == (*ANTHROPIC[said.kind], "error")
    else:
        assert (status, error["code"], error["status"]) == (GOOGLE[said.kind][0], *GOOGLE[said.kind])
    if said.kind == "context" and form in TOO_LONG:
        assert error["message"] == TOO_LONG[form]
    else:
        assert error["message"].startswith(said.error["message"])


# --- inside of a stream ------------------------------------------------------------------------------

INSIDE = {
    "chat": {
        "context": openai(CONTEXT, "invalid_request_error", "context_length_exceeded"),
        "rate": openai("Rate limit reached. Please try again in 7s.", "tokens", "rate_limit_exceeded"),
        "overload": openai("Provider overloaded", None, 503),  # OpenRouter
    },
    "responses": {
        "context": {"code": "context_length_exceeded", "message": CONTEXT},
        "rate": {"code": "rate_limit_exceeded", "message": "Rate limit reached. Please try again in 7s."},
        "overload": {"code": "server_is_overloaded", "message": "Our servers are overloaded"},
    },
    "messages": {
        "context": anthropic("invalid_request_error", TOO_LONG["messages"]),
        "rate": anthropic("rate_limit_error", "Too many. Please try again in 7s."),
        "overload": anthropic("overloaded_error", "Overloaded"),
    },
    "gemini": {
        "context": google(400, "INVALID_ARGUMENT", TOO_LONG["gemini"]),
        "rate": google(429, "RESOURCE_EXHAUSTED", "Please try again in 7s."),
        "overload": google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    },
}
# `server_is_overloaded` inside of a stream would make Codex give up; `server_error` it tries again.
FAILED = {"context": "context_length_exceeded", "rate": "rate_limit_exceeded", "overload": "server_error"}


@pytest.mark.parametrize("kind", ["context", "rate", "overload"])
@pytest.mark.parametrize(("form", "wire"), [pair for pair in wires.ALL if pair[0] != pair[1]])
def test_an_error_inside_of_a_stream(make: Make, upstream: Any, form: str, wire: str, kind: str) -> None:
    frames = [*wires.opening(wire), wires.delta(wire, "One "), wires.failure(wire, INSIDE[wire][kind])]
    upstream.post(re.compile("https://x.com/.*"), body=b"".join(frames), content_type="text/event-stream")
    answer = ask(make, form, wire, True)
    assert answer.status_code == 200
    *before, last = [chunk for chunk in sse.chunks([answer.data]) if chunk is not sse.DONE]
    assert "One " in str(before)
    if form == "chat":
        assert last["error"]["code"] == OPENAI[kind][2]
    elif form == "responses":
        assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
        assert last["response"]["error"]["code"] == FAILED[kind]
    elif form == "messages":
        assert last["type"] == "error" and last["error"]["type"] == ANTHROPIC[kind][1]
        assert b"event: error" in answer.data
    else:
        assert (last["error"]["code"], last["error"]["status"]) == GOOGLE[kind]
        assert b"event:" not in answer.data and b"[DONE]" not in answer.data
    told = json.dumps(last)
    if kind == "rate":
        assert "try again in 7s" in told  # Codex reads the seconds
    if kind == "context" and form in TOO_LONG:
        assert last["error"]["message"] == TOO_LONG[form]


@pytest.mark.parametrize("form", wires.PATHS)
def test_a_prompt_that_google_blocks_is_no_empty_answer(make: Make, upstream: Any, form: str) -> None:
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1}}
    upstream.post(re.compile("https://x.com/.*"), json=body)
    answer = ask(make, form, "gemini", False)
    assert answer.status_code == 200
    told = answer.get_json()
    if form == "chat":
        assert told["choices"][0]["finish_reason"] == "content_filter"
    elif form == "responses":
        assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    elif form == "messages":
        assert told["stop_reason"] == "refusal"
    else:
        assert told == body
