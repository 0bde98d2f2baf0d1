"""Thinking of other upstreams in a request that is not converted: it would be refused for its signature.

A conversation that goes on at Anthropic after a while elsewhere brings thinking along that was sealed there (with a
tag, see sealed.py), or that nobody signed. Source: "Invalid `signature` in `thinking` block", as users report it.
"""

from __future__ import annotations

from typing import Any

from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.thinking import begins_with_thought
from convert.losses import Report
from convert.sealed import is_foreign

Json = dict[str, Any]


def without_foreign(body: Json, flavor: MessagesFlavor, report: Report) -> Json:
    """A request without such thinking; the very object where it has none."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    kept: list[Any] = []
    for number, message in enumerate(messages):
        fitting = _without(message, flavor, f"messages[{number}]", report)
        if fitting is message or fitting["content"]:
            kept.append(fitting)
    if len(kept) == len(messages) and all(a is b for a, b in zip(kept, messages, strict=True)):
        return body
    body = {**body, "messages": kept}
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled" and not begins_with_thought(kept):
        report.approximated("thinking", "no thinking, because earlier calls came without signed reasoning")
        del body["thinking"]
    return body


def _without(message: Any, flavor: MessagesFlavor, path: str, report: Report) -> Any:
    """A message without foreign thinking; the very object where it has none."""
    content = message.get("content") if isinstance(message, dict) and message.get("role") == "assistant" else None
    if not isinstance(content, list):
        return message
    kept = []
    for number, block in enumerate(content):
        if isinstance(block, dict) and _is_foreign(block, flavor):
            report.dropped(f"{path}.content[{number}]", "reasoning without a signature of this provider")
        else:
            kept.append(block)
    return message if len(kept) == len(content) else {**message, "content": kept}


def _is_foreign(block: Json, flavor: MessagesFlavor) -> bool:
    if block.get("type") == "thinking":
        signature = block.get("signature")
        return (flavor.signed_thinking and not signature) or is_foreign(signature, "messages")
    return block.get("type") == "redacted_thinking" and is_foreign(block.get("data"), "messages")
