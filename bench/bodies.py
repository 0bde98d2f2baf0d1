"""What clients ask in the four formats: small requests, whose model says what the upstream answers."""

from __future__ import annotations

import json
from typing import Any

MODELS = {  # kind of a suite -> what the upstream answers
    "json": "fake-n20", "stream": "fake-n200-d0-b1", "burst": "fake-n200-d0-b10", "paced": "fake-n200-d20",
    "slow": "fake-n40-d500", "events100": "fake-n100-d0-b10", "events1000": "fake-n1000-d0-b10",
    "events10000": "fake-n10000-d0-b10", "bigstream": "fake-n20-d0",
}  # fmt: skip
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
ENDS = {"chat": "[DONE]", "responses": "response.completed", "messages": "message_stop", "gemini": "finishReason"}


def path(form: str, kind: str) -> str:
    """Where a request of the format goes."""
    if form != "gemini":
        return PATHS[form]
    method = "generateContent" if kind == "json" else "streamGenerateContent?alt=sse"
    return f"/v1beta/models/{MODELS[kind]}:{method}"


def body(form: str, kind: str, text: str = "hi there") -> bytes:
    """The request's body."""
    said = [{"role": "user", "content": text}]
    asked: dict[str, Any] = {
        "chat": {"messages": said, "stream_options": {"include_usage": True}},
        "responses": {"input": said, "instructions": "You are a coding agent.", "store": False},
        "messages": {"messages": said, "max_tokens": 4096},
        "gemini": {"contents": [{"role": "user", "parts": [{"text": text}]}]},
    }[form]
    if form != "gemini":
        asked |= {"model": MODELS[kind], "stream": kind != "json"}
    if kind == "json":
        asked.pop("stream_options", None)
    return json.dumps(asked).encode()
