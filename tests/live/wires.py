"""What clients ask and upstreams answer in the formats of these tests, with one text."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
PAIRS = [("chat", "chat"), ("chat", "responses"), ("responses", "chat"), ("responses", "responses")]  # client, upstream
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
WORDS = ("One ", "two ", "three.")
TEXT = "".join(WORDS)


def asked(form: str, model: str, stream: bool, **more: Any) -> Json:
    """A client's request."""
    said: Json = {"messages": [{"role": "user", "content": "hi"}]} if form == "chat" else {"input": "hi"}
    return {"model": model, **said, "stream": stream, **more}


def finished(form: str, text: str = TEXT) -> bytes:
    """A finished answer of an upstream."""
    return json.dumps(_completion(text) if form == "chat" else _response("completed", text)).encode()


def frames(form: str, words: tuple[str, ...] = WORDS) -> list[bytes]:
    """The frames of a streamed answer: some that open it, one for each word, some that end it."""
    return _chat_frames(words) if form == "chat" else _responses_frames(words)


def delta(form: str, word: str) -> bytes:
    """The frame of one word."""
    if form == "chat":
        return _chunk({"content": word})
    return _event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=word)


def opening(form: str) -> list[bytes]:
    """The frames before the first word."""
    if form == "chat":
        return [_chunk({"role": "assistant", "content": ""})]
    message = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    return [
        _event("response.created", response=_response("in_progress")),
        _event("response.output_item.added", output_index=0, item=message),
        _event("response.content_part.added", item_id="msg_1", output_index=0, content_index=0, part=part),
    ]


def terminal(form: str, text: str) -> bytes:
    """What ends a stream."""
    if form == "chat":
        return b"data: [DONE]\n\n"
    return _event("response.completed", response=_response("completed", text))


def failure(form: str) -> bytes:
    """The frame of an error inside of a stream."""
    if form == "chat":
        return b'data: {"error": {"message": "The engine fell over", "type": "server_error", "code": null}}\n\n'
    failed = _response("failed") | {"error": {"code": "server_error", "message": "The engine fell over"}}
    return _event("response.failed", response=failed)


def _chat_frames(words: tuple[str, ...]) -> list[bytes]:
    said = [delta("chat", word) for word in words]
    return [*opening("chat"), *said, _chunk({}, "stop"), terminal("chat", "")]


def _responses_frames(words: tuple[str, ...]) -> list[bytes]:
    text = "".join(words)
    said = [delta("responses", word) for word in words]
    item = _message(text)
    closing = [
        _event("response.output_text.done", item_id="msg_1", output_index=0, content_index=0, text=text),
        _event(
            "response.content_part.done", item_id="msg_1", output_index=0, content_index=0, part=item["content"][0]
        ),
        _event("response.output_item.done", output_index=0, item=item),
    ]
    return [*opening("responses"), *said, *closing, terminal("responses", text)]


def _completion(text: str) -> Json:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4},
    }  # fmt: skip


def _chunk(delta: Json, finish: str | None = None) -> bytes:
    body = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1767225600, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return b"data: %b\n\n" % json.dumps(body).encode()


def _message(text: str) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": content}


def _response(status: str, text: str = "") -> Json:
    return {
        "id": "resp_1", "object": "response", "created_at": 1767225600, "model": "m", "status": status,
        "output": [_message(text)] if text else [], "error": None, "usage": None,
    }  # fmt: skip


def _event(kind: str, **members: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **members}).encode())
