"""What clients ask and upstreams answer in the four formats, with one text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
PATHS = {
    "chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages",
    "gemini": "/v1beta/models/{model}:{method}",
}  # fmt: skip
ALL = [(form, wire) for form in PATHS for wire in PATHS]  # client, upstream
# Each client and each upstream at least once, for what does not depend on the pair.
PAIRS = [
    ("chat", "chat"), ("chat", "responses"), ("responses", "chat"), ("responses", "responses"), ("messages", "gemini"),
    ("gemini", "messages"),
]  # fmt: skip
# What each API calls a fault of the upstream's.
FAULT = {"chat": "server_error", "responses": "server_error", "messages": "api_error", "gemini": "INTERNAL"}
WORDS = ("One ", "two ", "three.")
TEXT = "".join(WORDS)
BROKEN = "The engine fell over"


def path(form: str, model: str = "m", stream: bool = False) -> str:
    """The path that a client asks."""
    if form != "gemini":
        return PATHS[form]
    made = PATHS[form].format(model=model, method="streamGenerateContent" if stream else "generateContent")
    return f"{made}?alt=sse" if stream else made


def asked(form: str, model: str, stream: bool, **more: Any) -> Json:
    """A client's request."""
    if form == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **more}
    said: Json = {"input": "hi"} if form == "responses" else {"messages": [{"role": "user", "content": "hi"}]}
    limit = {"max_tokens": 100} if form == "messages" else {}
    return {"model": model, **said, **limit, "stream": stream, **more}


def finished(form: str, text: str = TEXT) -> bytes:
    """A finished answer of an upstream."""
    made: dict[str, Callable[[], Json]] = {
        "chat": lambda: _completion(text),
        "responses": lambda: _response("completed", text),
        "messages": lambda: _answer([{"type": "text", "text": text}], "end_turn"),
        "gemini": lambda: _candidate(text, "STOP"),
    }
    return json.dumps(made[form]()).encode()


def frames(form: str, words: tuple[str, ...] = WORDS) -> list[bytes]:
    """The frames of a streamed answer: some that open it, one for each word, some that end it."""
    return [*opening(form), *(delta(form, word) for word in words), *closing(form, "".join(words))]


def delta(form: str, word: str) -> bytes:
    """The frame of one word."""
    if form == "chat":
        return _chunk({"content": word})
    if form == "messages":
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    if form == "gemini":
        return _data(_candidate(word))
    return _event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=word)


def opening(form: str) -> list[bytes]:
    """The frames before the first word."""
    if form == "chat":
        return [_chunk({"role": "assistant", "content": ""})]
    if form == "messages":
        return [
            _event("message_start", message=_answer([], None)),
            _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        ]
    if form == "gemini":
        return []
    message = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    return [
        _event("response.created", response=_response("in_progress")),
        _event("response.output_item.added", output_index=0, item=message),
        _event("response.content_part.added", item_id="msg_1", output_index=0, content_index=0, part=part),
    ]


def closing(form: str, text: str) -> list[bytes]:
    """The frames behind the last word; the last of them ends the stream."""
    if form == "chat":
        return [_chunk({}, "stop"), b"data: [DONE]\n\n"]
    if form == "messages":
        return [
            _event("content_block_stop", index=0),
            _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}),
            _event("message_stop"),
        ]
    if form == "gemini":
        return [_data(_candidate("", "STOP"))]
    item = _message(text)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return [
        _event("response.output_text.done", **place, text=text),
        _event("response.content_part.done", **place, part=item["content"][0]),
        _event("response.output_item.done", output_index=0, item=item),
        _event("response.completed", response=_response("completed", text)),
    ]


def failure(form: str, error: Json | None = None) -> bytes:
    """The frame of an error inside of a stream; `error`: its members, in the format's own names."""
    if form == "chat":
        return _data({"error": error or {"message": BROKEN, "type": "server_error", "code": None}})
    if form == "messages":
        return _event("error", error=error or {"type": "api_error", "message": BROKEN})
    if form == "gemini":
        return _data({"error": error or {"code": 500, "message": BROKEN, "status": "INTERNAL"}})
    failed = _response("failed") | {"error": error or {"code": "server_error", "message": BROKEN}}
    return _event("response.failed", response=failed)


def _completion(text: str) -> Json:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4},
    }  # fmt: skip


def _chunk(delta: Json, finish: str | None = None) -> bytes:
    return _data({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1767225600, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })  # fmt: skip


def _message(text: str) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": content}


def _response(status: str, text: str = "") -> Json:
    return {
        "id": "resp_1", "object": "response", "created_at": 1767225600, "model": "m", "status": status,
        "output": [_message(text)] if text else [], "error": None, "usage": None,
    }  # fmt: skip


def _answer(content: list[Json], reason: str | None) -> Json:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": reason,
        "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 3},
    }  # fmt: skip


def _candidate(text: str, finish: str | None = None) -> Json:
    content = {"role": "model", "parts": [{"text": text}]}
    ended = {"finishReason": finish} if finish else {}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 3, "totalTokenCount": 4}
    return {
        "candidates": [{"content": content, "index": 0, **ended}], "usageMetadata": usage, "modelVersion": "m",
        "responseId": "r1",
    }  # fmt: skip


def _data(body: Json) -> bytes:
    return b"data: %b\n\n" % json.dumps(body).encode()


def _event(kind: str, **members: Any) -> bytes:
    return b"event: %b\n" % kind.encode() + _data({"type": kind, **members})
