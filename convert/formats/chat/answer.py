"""What an answer's message, whole or in deltas, says: facts shared by the finished response and the stream.

Source: OpenAI API reference, "The chat completion object", and the dialects of the recorded providers.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.media import split_data_url

Json = dict[str, Any]
KINDS = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "stop_sequence": "stop", "eos_token": "stop", "": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length", "max_output_tokens": "length",
    "tool_calls": "tool_calls", "function_call": "tool_calls", "tool_use": "tool_calls",
    "content_filter": "filter", "safety": "filter", "sensitive": "filter",
}  # fmt: skip
USUAL = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "filter": "content_filter", "other": "stop"}
BROKEN = ("error", "network_error", "abort", "insufficient_system_resource")  # the server gave up half way
PADDING = {"obfuscation", "p"}  # random characters against traffic analysis
KNOWN = {"id", "object", "created", "model", "choices", "usage", "service_tier", "error", *PADDING}
OF_CHOICE = {"index", "message", "finish_reason", "logprobs", "delta"}  # Perplexity adds an empty `delta`
OF_MESSAGE = {
    "role", "content", "refusal", "annotations", "audio", "images", "tool_calls", "function_call", "reasoning",
    "reasoning_content",
}  # fmt: skip
SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority")


def read_reason(word: str | None, calls: bool) -> hub.Reason:
    """Why a choice ended. A called tool decides, whatever the server said, unless it cut the answer off.
    Raises ProxyError for the words of a server that gave up."""
    if word in BROKEN:
        raise ProxyError("upstream", f"the upstream broke its answer off with '{word}'")
    kind: Any = KINDS.get(word or "", "other")
    if calls and kind in ("stop", "other"):
        kind = "tool_calls"
    return hub.Reason(kind, word)


def write_reason(reason: hub.Reason) -> str:
    """`finish_reason`."""
    return USUAL[reason.kind]


def call_id(response_id: str, choice: int, number: int) -> str:
    """An id for a call that came without one; the same whenever the answer is read again."""
    digest = hashlib.sha256(f"{response_id}/{choice}/{number}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest[:24]}"


def extra_of(body: Json) -> Json:
    """The members of a completion that only its server knows; those of choices and their messages with their place."""
    found = {key: value for key, value in body.items() if key not in KNOWN}
    for number, choice in enumerate(body["choices"]):
        found |= {f"choices[{number}].{key}": value for key, value in choice.items() if key not in OF_CHOICE}
        of_message = ((key, value) for key, value in choice["message"].items() if key not in OF_MESSAGE)
        found |= {f"choices[{number}].message.{key}": value for key, value in of_message}
    return found


def call_extra(call: Json) -> Json:
    """The members of a call, or of a piece of one, that only its server knows (Google's `extra_content`)."""
    return {key: value for key, value in call.items() if key not in ("index", "id", "type", "function", "custom")}


def arguments_text(value: Any) -> str:
    """Arguments as JSON text; some servers send the object itself, or null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def reasoning_of(message: Json) -> str:
    """The reasoning in a message or delta, under either name."""
    for field in ("reasoning_content", "reasoning"):
        if isinstance(message.get(field), str) and message[field]:
            return str(message[field])
    return ""


def content_pieces(words: Any) -> list[tuple[str, str]]:
    """(reasoning or text, words) of a content that is a string or, at Mistral, a list of chunks, or, at Cloudflare,
    the JSON object that was asked for."""
    if isinstance(words, dict):
        words = json.dumps(words, ensure_ascii=False)
    if isinstance(words, str):
        return [("text", words)] if words else []
    if not isinstance(words, list | None):
        raise ValueError("content that is neither text, list nor object")
    pieces: list[tuple[str, str]] = []
    for chunk in words or []:
        match chunk:
            case {"type": "thinking", "thinking": thoughts}:
                pieces += [("reasoning", text) for _, text in content_pieces(thoughts)]
            case {"text": str(text)} | str(text):
                pieces.append(("text", text))
    return pieces


def read_annotation(annotation: Json) -> hub.Citation:
    """A citation: OpenAI nests it under its type, others do not."""
    kind = annotation.get("type", "url_citation")
    nested = annotation.get(kind)
    body = nested if isinstance(nested, dict) else annotation
    known = ("type", "url", "title", "start_index", "end_index", "file_id", "content")
    return hub.Citation(
        url=body.get("url"), title=body.get("title"), start=body.get("start_index"), end=body.get("end_index"),
        quote=body.get("content"), file_id=body.get("file_id"),
        extra={key: value for key, value in body.items() if key not in known},
    )  # fmt: skip


def write_annotation(citation: hub.Citation, text: str) -> Json | None:
    """A url_citation; None for a citation without a URL."""
    if citation.url is None:
        return None
    end = len(text) if citation.end is None else citation.end
    body = {"url": citation.url, "title": citation.title or "", "start_index": citation.start or 0, "end_index": end}
    return {"type": "url_citation", "url_citation": body}


def read_image(image: Json) -> hub.Media:
    """A generated image, as OpenRouter gives it."""
    url = image["image_url"]["url"]
    mime, data = split_data_url(url) or (None, None)
    return hub.Media(kind="image", mime=mime, data=data, url=None if data else url)


def read_usage(usage: Json | None) -> hub.Usage | None:
    """Token counts, wherever a provider keeps them; None where there are none."""
    if not usage:
        return None
    inward, outward = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    read = inward.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or usage.get("cached_tokens")
    counted = hub.Usage(
        input=usage.get("prompt_tokens") or 0, output=usage.get("completion_tokens") or 0,
        cache_read=read or usage.get("cache_read_input_tokens") or 0,
        cache_write=inward.get("cache_write_tokens") or usage.get("cache_creation_input_tokens") or 0,
        reasoning=outward.get("reasoning_tokens") or usage.get("reasoning_tokens") or 0,
    )  # fmt: skip
    total = usage.get("total_tokens")
    counted.total = None if total in (None, counted.input + counted.output) else total
    known = {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
    counted.extra = {key: value for key, value in usage.items() if key not in known}
    return counted


def write_usage(usage: hub.Usage) -> Json:
    """Token counts with every field that strict clients need."""
    inward = {"cached_tokens": usage.cache_read, "audio_tokens": 0}
    if usage.cache_write:
        inward["cache_write_tokens"] = usage.cache_write
    return {
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.total_tokens,
        "prompt_tokens_details": inward,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip
