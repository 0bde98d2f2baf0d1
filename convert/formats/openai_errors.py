"""The error shape that OpenAI's two APIs share, and what the many servers that imitate them send instead.

Source: OpenAI guides, "Error codes"; OpenAPI schema ErrorResponse. The wordings of other providers were taken from
recorded traffic; which codes make clients wait, retry or give up was observed on Codex, opencode and the SDKs.
"""

from __future__ import annotations

import re
from typing import Any

from convert.errors import Kind, ProxyError, kind_of

Json = dict[str, Any]
EXCERPT = 300  # characters of an upstream's own words
_CODES: dict[str, Kind] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "too_many_prompt_tokens": "context_length",
    "string_above_max_length": "context_length",
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "insufficient_balance": "quota",
    "rate_limit_exceeded": "rate_limited",
    "ratelimitreached": "rate_limited",
    "rate_limit_error": "rate_limited",
    "too_many_requests": "rate_limited",
    "invalid_api_key": "authentication",
    "authentication_error": "authentication",
    "invalid_authentication_error": "authentication",
    "permission_error": "permission",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "deploymentnotfound": "not_found",
    "previous_response_not_found": "not_found",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
    "overloaded_error": "overloaded",
    "engine_overloaded": "overloaded",
    "engine_overloaded_error": "overloaded",
    "invalid_prompt": "invalid_request",
    "invalid_request_error": "invalid_request",
    "request_too_large": "too_large",
    "timeout": "timeout",
}
_CONTEXT = re.compile(
    r"maximum context length|context[ _](?:length|window|size)|prompt (?:is )?too long|too many (?:input )?tokens"
    r"|total length of all messages|tokens? > [\d,]+ maximum|input (?:is|length) too long|range of input length"
    r"|input token count.{0,40}exceeds|reduce the length of (?:the|your) (?:messages|input|prompt)",
    re.I,
)
_OVERLOADED = re.compile(r"overloaded|at capacity|over capacity|no capacity|currently unavailable", re.I)
_QUOTA = re.compile(
    r"insufficient (?:balance|quota|credits|funds)|exceeded your current quota|payment required"
    r"|credit balance is too low",
    re.I,
)
_TYPES: dict[Kind, str] = {
    "permission": "permission_error",
    "rate_limited": "rate_limit_error",
    "quota": "insufficient_quota",
    "overloaded": "server_error",
    "timeout": "server_error",
    "upstream": "server_error",
    "internal": "server_error",
}
_WORDS: dict[Kind, str] = {
    "authentication": "invalid_api_key",
    "context_length": "context_length_exceeded",
    "rate_limited": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "overloaded": "server_is_overloaded",
    "timeout": "timeout",
    "upstream": "upstream_error",
    "unsupported": "unsupported_value",
}
STATUSES: dict[str, int] = {"quota": 429}  # other servers say 402
# Kinds that clients know by OpenAI's own word only (observed: Codex, opencode), whatever the upstream's word is.
ACTED_ON = ("context_length", "quota", "overloaded", "rate_limited")


def read_error(status: int, body: Any) -> ProxyError:
    """The error of an upstream's answer: `status` its HTTP status (502 for an error inside of a stream), `body`
    parsed JSON, or text where it was none. HTML is never repeated."""
    message, code, param = _found(body)
    kind = _kind(status, message, code)
    if not message:
        message = f"the upstream answered with status {status} and no explanation"
    known = code if code and _CODES.get(code.lower()) == kind and not code.lower().endswith("_error") else None
    plain = code if code and kind in ("invalid_request", "upstream") else None
    own = status if 400 <= status < 600 and kind_of(status) == kind and status != 529 else None
    return ProxyError(kind, message[: EXCERPT * 10], status=own, code=known or plain, param=param)


def _found(body: Any) -> tuple[str, str, str | None]:
    """(message, code, param), wherever a server keeps them."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, str):
        return _excerpt(body), "", None
    if not isinstance(body, dict):
        return "", "", None
    error = body.get("error", body)
    if isinstance(error, str):
        return error, str(body.get("code") or body.get("type") or ""), None
    if not isinstance(error, dict):
        return "", "", None
    message = error.get("message") or error.get("msg") or error.get("detail") or error.get("details") or ""
    if isinstance(message, list | dict):  # FastAPI and Mistral: a list of faults
        message = _listed(message)
    metadata = error.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):  # OpenRouter quotes its upstream
        message = f"{message}: {metadata['raw'][:EXCERPT]}"
    code = error.get("code")
    if code is None or isinstance(code, int) or str(code).isdigit():
        code = error.get("type") or ""
    param = error.get("param")
    return str(message), str(code), param if isinstance(param, str) else None


def _listed(faults: Any) -> str:
    """A list of faults as one sentence."""
    if isinstance(faults, dict):
        return _listed(faults["detail"]) if isinstance(faults.get("detail"), list) else str(faults)[:EXCERPT]
    said = []
    for fault in faults:
        if isinstance(fault, dict) and "msg" in fault:
            where = ".".join(str(step) for step in fault.get("loc", []) if step != "body")
            said.append(f"{where}: {fault['msg']}" if where else str(fault["msg"]))
        else:
            said.append(str(fault)[:EXCERPT])
    return "; ".join(said)[: EXCERPT * 2]


def _excerpt(text: str) -> str:
    """The beginning of a plain text; nothing of a page of HTML."""
    text = text.strip()
    opening = text[:2000].lower()
    if opening.startswith(("<!doctype", "<html", "<head", "<?xml")) or "<body" in opening:
        return "the upstream answered with an HTML page instead of JSON"
    return text[:EXCERPT]


def _kind(status: int, message: str, code: str) -> Kind:
    """What kind of error it is; the words decide where the status is too coarse."""
    kind = _CODES.get(code.lower())
    if kind in ("context_length", "quota", "overloaded", "not_found", "authentication", "permission"):
        return kind
    if status in (400, 413, 422, 500, 502) and _CONTEXT.search(message):
        return "context_length"
    if _QUOTA.search(message) and status in (400, 402, 403, 429, 502):
        return "quota"
    by_status = kind_of(status)
    if by_status == "upstream" and _OVERLOADED.search(message):
        return "overloaded"
    if kind is not None and (by_status == "upstream" or status < 400):
        return kind
    return by_status


def is_own(body: Json, error: ProxyError) -> bool:
    """Whether a body says what it means as clients expect it: they know an overflow of the context by its code."""
    return error.kind != "context_length" or body["error"].get("code") == _WORDS["context_length"]


def write_error(error: ProxyError) -> Json:
    """The body of an error answer."""
    kind = error.kind
    return {
        "error": {
            "message": error.message,
            "type": _TYPES.get(kind, "invalid_request_error"),
            "param": error.param,
            "code": _WORDS[kind] if kind in ACTED_ON else error.code or _WORDS.get(kind),
            **error.details,
        }
    }
