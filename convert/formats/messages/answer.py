"""What an answer says beside its blocks: why it ended, its token counts, its citations. The finished message and the
stream share these facts. Source: Anthropic API reference, "Create a Message", response; guide "Handling stop reasons".
"""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

from convert import hub

Json = dict[str, Any]
KINDS = {
    "end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "model_context_window_exceeded": "length",
    "tool_use": "tool_calls", "refusal": "filter", "pause_turn": "other",
}  # fmt: skip
USUAL = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "filter": "refusal", "other": "end_turn"}
KNOWN = {"id", "type", "role", "model", "content", "stop_reason", "usage"}
_COUNTED = {
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens_details",
    "service_tier",
}  # fmt: skip


def read_reason(word: Any, calls: bool) -> hub.Reason:
    """Why an answer ended. A called tool decides, whatever the server said, unless it cut the answer off."""
    kind: Any = KINDS.get(word or "", "other" if word else "stop")
    if calls and kind in ("stop", "other"):
        kind = "tool_calls"
    return hub.Reason(kind, word)


def write_reason(reason: hub.Reason) -> str:
    """`stop_reason`."""
    return USUAL[reason.kind]


def read_usage(usage: Json | None) -> hub.Usage | None:
    """Token counts; None where there are none. On the wire the input does not count what the cache read or wrote."""
    if not usage:
        return None
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    return hub.Usage(
        input=(usage.get("input_tokens") or 0) + read + written, output=usage.get("output_tokens") or 0,
        cache_read=read, cache_write=written,
        reasoning=(usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
        extra={key: value for key, value in usage.items() if key not in _COUNTED},
    )  # fmt: skip


def write_usage(usage: hub.Usage | None) -> Json:
    """Token counts with every field that strict clients need; zeros where the upstream gave none."""
    usage = usage or hub.Usage()
    body: Json = {
        "input_tokens": max(usage.input - usage.cache_read - usage.cache_write, 0),
        "cache_creation_input_tokens": usage.cache_write, "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }  # fmt: skip
    if usage.reasoning:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return body


def service_tier(usage: Json | None) -> str | None:
    """The tier that served the answer, which stands among its counts."""
    return (usage or {}).get("service_tier")


def extra(message: Json) -> Json:
    """The members of a message that only this format knows; those that say nothing are left out."""
    return {key: value for key, value in message.items() if key not in KNOWN and value is not None}


def message_id(upstream_id: str) -> str:
    """A valid message id that still shows the upstream's; a random one where it gave none."""
    bare = re.sub(r"[^A-Za-z0-9_-]", "", upstream_id)
    if not bare:
        return f"msg_{uuid.uuid4().hex}"
    return bare if bare.startswith("msg_") else f"msg_{bare}"


def call_id(response_id: str, number: int) -> str:
    """An id for a call that came without one; the same whenever the answer is read again."""
    digest = hashlib.sha256(f"{response_id}/{number}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"toolu_{digest[:24]}"


def write_citation(citation: hub.Citation, text: str) -> Json | None:
    """A citation of an answer; None for one that has neither been read from this format nor has a URL."""
    if "citation" in citation.wire:
        return dict(citation.wire["citation"])
    if citation.url is None:
        return None
    cited = citation.quote if citation.quote is not None else text[citation.start or 0 : citation.end]
    return {
        "type": "web_search_result_location", "url": citation.url, "title": citation.title, "cited_text": cited,
        "encrypted_index": "",
    }  # fmt: skip
