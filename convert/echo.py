"""The built-in upstream of a newcomer's first minute: it speaks Chat Completions, and repeats what it hears.

A requests transport adapter for `echo://`, so that everything else is as with a real upstream. Deterministic:
the last user text comes back; `call NAME {json}` calls an offered tool; a tool's result is told.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from convert import sse
from convert.stream import MALFORMED

MODEL = "echo-demonstration"
CREATED = 1767225600  # 2026-01-01: a date like any other, so that answers repeat exactly
_CALL = re.compile(r"\s*call\s+([\w.-]+)\s*(\{.*\})?\s*\Z", re.S)
Json = dict[str, Any]


class EchoAdapter(BaseAdapter):
    """Answers requests to echo:// in this process."""

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, stream: bool = False, **options: Any
    ) -> requests.Response:
        status, kind, pieces = answer(request.method or "", request.url or "", request.body)
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url or "", request
        response.headers["Content-Type"] = kind
        response.raw = HTTPResponse(
            body=io.BufferedReader(_Pieces(pieces)), status=status, headers={"Content-Type": kind},
            preload_content=False,
        )  # fmt: skip
        return response

    def close(self) -> None:
        """Nothing to close."""


class _Pieces(io.RawIOBase):
    """A file that gives one piece for each read, as a network does."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.rest = self.rest or next(self.pieces, b"")
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def answer(method: str, url: str, body: Any) -> tuple[int, str, Iterator[bytes]]:
    """(status, content type, body in pieces) for a request to the demonstration."""
    if method == "GET" and url.endswith("/models"):
        model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "convert"}
        return 200, "application/json", iter([sse.dumps({"object": "list", "data": [model]})])
    if method != "POST" or not url.endswith("/chat/completions"):
        error = {"message": f"no such path: {method} {url}", "type": "invalid_request_error", "code": "not_found"}
        return 404, "application/json", iter([sse.dumps({"error": error})])
    asked = sse.parse(body if isinstance(body, bytes) else str(body or "").encode())
    try:
        said = _said(asked)
    except MALFORMED:
        error = {"message": "the messages or tools have an unexpected shape", "type": "invalid_request_error"}
        return 400, "application/json", iter([sse.dumps({"error": error})])
    if asked.get("stream"):
        return 200, "text/event-stream", _chunks(asked, *said)
    return 200, "application/json", iter([sse.dumps(_completion(asked, *said))])


def _said(asked: Json) -> tuple[str, Json | None, str]:
    """(text, call, finish reason) of the answer."""
    messages = asked.get("messages") or [{}]
    last = messages[-1]
    if last.get("role") == "tool":
        return _cut(asked, _text(last))
    heard = next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")
    wanted = _CALL.match(heard)
    if wanted and wanted[1] in _offered(asked):
        arguments = wanted[2] or "{}"
        name = wanted[1]
        identity = f"call_{hashlib.sha256((name + arguments).encode()).hexdigest()[:24]}"
        call = {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
        return "", call, "tool_calls"
    return _cut(asked, heard)


def _cut(asked: Json, text: str) -> tuple[str, None, str]:
    """The text within the limit of tokens that was asked for; a word counts as one."""
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    words = re.findall(r"\s*\S+\s*", text)
    if limit is not None and len(words) > limit:
        return "".join(words[:limit]), None, "length"
    return text, None, "stop"


def _text(message: Mapping[str, Any]) -> str:
    """The words of a message, media left out."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if part.get("type") == "text")


def _offered(asked: Json) -> set[str]:
    return {tool["function"]["name"] for tool in asked.get("tools") or [] if "function" in tool}


def _head(asked: Json, kind: str) -> Json:
    digest = hashlib.sha256(sse.dumps(asked.get("messages"))).hexdigest()
    return {"id": f"chatcmpl-{digest[:24]}", "object": kind, "created": CREATED, "model": MODEL}


def _usage(asked: Json, text: str, call: Json | None) -> Json:
    heard = sum(len(_text(message).split()) for message in asked.get("messages") or [])
    said = len((call["function"]["arguments"] if call else text).split())
    return {"prompt_tokens": heard, "completion_tokens": said, "total_tokens": heard + said}


def _completion(asked: Json, text: str, call: Json | None, finish: str) -> Json:
    message: Json = {"role": "assistant", "content": None if call else text, "refusal": None}
    if call:
        message["tool_calls"] = [call]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**_head(asked, "chat.completion"), "choices": [choice], "usage": _usage(asked, text, call)}


def _chunks(asked: Json, text: str, call: Json | None, finish: str) -> Iterator[bytes]:
    head = _head(asked, "chat.completion.chunk")

    def chunk(delta: Json, reason: str | None = None) -> bytes:
        return sse.event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    yield chunk({"role": "assistant", "content": None if call else ""})
    if call:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        yield chunk({"tool_calls": [{**call, "index": 0, "function": {"name": name, "arguments": ""}}]})
        for at in range(0, len(arguments), 7):
            piece = {"index": 0, "function": {"arguments": arguments[at : at + 7]}}
            yield chunk({"tool_calls": [piece]})
    for word in re.findall(r"\s*\S+|\s+", text):
        yield chunk({"content": word})
    yield chunk({}, finish)
    options = asked.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield sse.event({**head, "choices": [], "usage": _usage(asked, text, call)})
    yield b"data: [DONE]\n\n"
