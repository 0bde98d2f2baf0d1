"""Validates what was written against the APIs' published schemas and the vendors' SDK types.

With CONVERT_CONFORMANCE (the conformance kit's folder) by its specvalidate.py, which knows the schemas, the SDK types
and the life cycle of streams, less what the vendors' own recorded traffic breaks; without it by the SDK types alone.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import Any, Literal

from anthropic.types import BetaErrorResponse
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from anthropic.types.beta.message_create_params import MessageCreateParams
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import BaseModel, TypeAdapter, ValidationError

from convert import sse
from convert.formats import FORMATS


class GoogleError(BaseModel, strict=True):
    """google.rpc.Status, as Google's SDK reads it; neither schema nor SDK has a type for it."""

    code: int
    message: str
    status: Literal[
        "INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND",
        "ABORTED", "ALREADY_EXISTS", "RESOURCE_EXHAUSTED", "CANCELLED", "DATA_LOSS", "UNKNOWN", "INTERNAL",
        "UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED",
    ]  # fmt: skip
    details: list[dict[str, Any]] = []


class OpenAIError(BaseModel, strict=True):
    """ErrorResponse of OpenAI's schema."""

    message: str
    type: str
    param: str | None
    code: str | None


KIT = os.environ.get("CONVERT_CONFORMANCE")
TYPES: dict[str, Any] = {
    "chat.request": CompletionCreateParams, "chat.response": ChatCompletion, "chat.event": ChatCompletionChunk,
    "responses.request": ResponseCreateParams, "responses.response": Response, "responses.event": ResponseStreamEvent,
    "messages.request": MessageCreateParams, "messages.response": BetaMessage,
    "messages.event": BetaRawMessageStreamEvent,
    "gemini.request": dict[str, Any], "gemini.response": GenerateContentResponse,
    "gemini.event": GenerateContentResponse,
    "chat.error": dict[Literal["error"], OpenAIError], "responses.error": dict[Literal["error"], OpenAIError],
    "messages.error": BetaErrorResponse, "gemini.error": dict[Literal["error"], GoogleError],
}  # fmt: skip
# What is written although no schema has it, with the reason. Each is a part of a violation's place or words.
EXCEPTIONS = {
    "reasoning_content": "the field in which DeepSeek, GLM, Kimi, vLLM and their clients carry reasoning",
    "delta/annotations": "as OpenAI and OpenRouter stream citations; the schema has them in the finished message only",
    "delta/tool_calls/0/type": "as OpenAI streams custom tool calls; the schema has functions only",
    "delta/tool_calls/0/custom": "the same",
    "delta/images": "OpenRouter's field for generated images",
    "message/images": "the same",
}


def violations(kind: str, body: Any, cut_off: bool = False) -> list[str]:
    """What is wrong with a body, or with the text of a stream. `kind`: chat.request, responses.response, ...
    `cut_off`: whether the token limit ended the answer, maybe in the middle of a call's arguments."""
    if isinstance(body, dict) and kind.endswith(".request"):  # what goes to the URL before the body is sent
        in_url = FORMATS[kind.partition(".")[0]].in_url
        body = {key: value for key, value in body.items() if key not in in_url}
    found = _by_kit(kind, body) if KIT and not kind.endswith(".error") else _by_types(kind, body)
    torn = ("not JSON",) if cut_off else ()  # the kit's linter parses them
    return [each for each in found if not any(name in each for name in (*EXCEPTIONS, *torn))]


def _by_kit(kind: str, body: Any) -> list[str]:
    if KIT not in sys.path:
        sys.path.append(str(KIT))
    check = importlib.import_module("specvalidate").check
    return [" ".join(each) for each in check(kind, body, base=True)]


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(TYPES[kind])


def _by_types(kind: str, body: Any) -> list[str]:
    if isinstance(body, str):
        chunks = [chunk for chunk in sse.chunks([body.encode()]) if chunk is not sse.DONE]
        return [each for chunk in chunks for each in _by_types(f"{kind.partition('.')[0]}.event", chunk)]
    try:
        _adapter(kind).validate_python(body)
    except ValidationError as error:
        return [f"{kind} {'/'.join(map(str, fault['loc']))} {fault['msg']}" for fault in error.errors()[:5]]
    return []
