"""The smallest request of each API, for tests that need one to answer or to lay something over."""

from __future__ import annotations

from typing import Any

SMALLEST: dict[str, dict[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "responses": {"model": "m", "input": "hi"},
    "messages": {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
# The same, of a client that wants all that there is: the token counts of a stream, and the thinking.
ASKED = SMALLEST | {
    "chat": SMALLEST["chat"] | {"stream_options": {"include_usage": True}},
    "messages": SMALLEST["messages"] | {"max_tokens": 4000, "thinking": {"type": "adaptive"}},
}
