"""The response object <-> hub response. Source: OpenAI API reference, "The response object"."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from convert import hub
from convert.formats.responses import output
from convert.formats.responses.errors import read_failure
from convert.formats.responses.flavor import ResponsesFlavor
from convert.formats.responses.request import SERVICE_TIERS
from convert.losses import Report

Json = dict[str, Any]
# Members that repeat the request or describe the object; they say nothing about the answer.
ECHO = {
    "background", "completed_at", "conversation", "error", "frequency_penalty", "incomplete_details", "instructions",
    "max_output_tokens", "max_tool_calls", "metadata", "moderation", "object", "output_text", "parallel_tool_calls",
    "presence_penalty", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "status", "store", "temperature", "text", "tool_choice",
    "tools", "top_logprobs", "top_p", "truncation", "user", "billing", "context_management",
}  # fmt: skip
# The shell of an answer to a request that asked for nothing in particular, in OpenAI's order.
SHELL: Json = {
    "background": False, "error": None, "frequency_penalty": 0.0, "incomplete_details": None, "instructions": None,
    "max_output_tokens": None, "max_tool_calls": None, "output": [], "parallel_tool_calls": True,
    "presence_penalty": 0.0, "previous_response_id": None, "prompt_cache_key": None, "prompt_cache_retention": None,
    "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "service_tier": "default",
    "store": False, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
    "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled", "usage": None, "user": None, "metadata": {},
}  # fmt: skip
ECHOED = SHELL.keys() - {"output", "usage"}
NOT_NULL = ("prompt_cache_key", "safety_identifier", "usage", "user")
UNTYPED = ("frequency_penalty", "presence_penalty", "store")
REASONS = {"max_output_tokens": "length", "content_filter": "filter"}


def read_response(body: Json, flavor: ResponsesFlavor) -> hub.Response:
    """Raises ProxyError for a failed response, and what stream.MALFORMED lists for one of the wrong shape."""
    if body.get("status") in ("failed", "cancelled") or (body.get("error") and not body.get("output")):
        raise read_failure(body)
    parts = output.read_output(body["output"])
    known = {"id", "created_at", "model", "output", "usage", "service_tier"} | ECHO
    return hub.Response(
        origin="responses", id=body["id"], model=body.get("model") or "", created=int(body.get("created_at") or 0),
        choices=[hub.Choice(parts=parts, reason=read_reason(body, parts))], usage=read_usage(body.get("usage")),
        service_tier=body.get("service_tier"), wire=body,
        extra={key: value for key, value in body.items() if key not in known},
    )  # fmt: skip


def read_reason(body: Json, parts: list[hub.Part]) -> hub.Reason:
    """Why the answer ended: its status, and whether it calls a tool."""
    if body.get("status") == "incomplete":
        raw = (body.get("incomplete_details") or {}).get("reason")
        return hub.Reason(REASONS.get(raw, "other"), raw)  # type: ignore[arg-type]
    return hub.Reason("tool_calls" if any(isinstance(part, hub.ToolCall) for part in parts) else "stop")


def read_usage(usage: Json | None) -> hub.Usage | None:
    """Token counts; None where there are none."""
    if not usage:
        return None
    inward, outward = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    counted = hub.Usage(
        input=usage.get("input_tokens") or 0, output=usage.get("output_tokens") or 0,
        cache_read=inward.get("cached_tokens") or 0, cache_write=inward.get("cache_write_tokens") or 0,
        reasoning=outward.get("reasoning_tokens") or 0,
    )  # fmt: skip
    total = usage.get("total_tokens")
    counted.total = None if total == counted.total_tokens else total
    known = {"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"}
    counted.extra = {key: value for key, value in usage.items() if key not in known}
    return counted


def write_usage(usage: hub.Usage) -> Json:
    """Token counts with every field that strict clients need."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_tokens,
    }


def response_id(upstream_id: str) -> str:
    """A valid response id that still shows the upstream's; a random one where it gave none."""
    bare = re.sub(r"[^A-Za-z0-9_-]", "", upstream_id)
    if not bare:
        return f"resp_{uuid.uuid4().hex}"
    return bare if bare.startswith("resp_") else f"resp_{bare}"


def shell(start: hub.Start | hub.Response, asked: Json) -> Json:
    """The response object without its answer, still in progress: identity, and the request's settings."""
    echo = {key: value for key, value in asked.items() if value is not None and key in ECHOED}
    if "text" in echo:
        echo["text"] = {"format": {"type": "text"}, **echo["text"]}
    if "tools" in echo:
        echo["tools"] = [_whole(tool) for tool in echo["tools"]]
    if "reasoning" in echo:
        echo["reasoning"] = {**SHELL["reasoning"], **echo["reasoning"]}
    if isinstance(asked.get("conversation"), dict):
        echo["conversation"] = {"id": asked["conversation"].get("id", "")}
    tier = start.service_tier if start.service_tier in SERVICE_TIERS else asked.get("service_tier")
    return {
        "id": response_id(start.id), "object": "response", "created_at": start.created or int(time.time()),
        "status": "in_progress", "completed_at": None, "model": start.model or asked.get("model", ""),
        **SHELL, **echo, "service_tier": tier or "default",
    }  # fmt: skip


def _whole(tool: Json) -> Json:
    """A function tool with the members that the response schema requires."""
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": None, **tool}


def layout(response: hub.Response, identity: str) -> output.Layout:
    """Where each part of a finished response goes."""
    placed = output.Layout(identity)
    for number, choice in enumerate(response.choices):
        for part in choice.parts:
            placed.place(part, number)
    return placed


def write_response(response: hub.Response, asked: Json, report: Report) -> Json:
    """The finished response object. `asked` is the client's request, whose settings are repeated."""
    if response.origin == "responses" and response.wire:
        return _restored(response, report)
    body = shell(response, asked)
    placed = layout(response, body["id"])
    for part in placed.homeless:
        report.dropped(part.path or type(part).__name__, "no place in a response")
    return finish(body, response, write_output(placed, cut(response), report), report)


def cut(response: hub.Response) -> str | None:
    """Why the answer is incomplete, in this wire's words; None when it is complete."""
    kinds = [choice.reason.kind for choice in response.choices]
    return "max_output_tokens" if "length" in kinds else "content_filter" if "filter" in kinds else None


def finish(body: Json, response: hub.Response, items: list[Json], report: Report) -> Json:
    """`body`, a shell, with the output items, the status and the usage."""
    reason = cut(response)
    report.extras("", response.extra)
    tier = response.service_tier if response.service_tier in SERVICE_TIERS else body["service_tier"]
    finished = {
        **body, "status": "incomplete" if reason else "completed", "service_tier": tier,
        "completed_at": None if reason else int(time.time()),
        "incomplete_details": {"reason": reason} if reason else None, "output": items,
        "usage": write_usage(response.usage or hub.Usage()),  # strict clients need the counts, if only zeros
    }  # fmt: skip
    return without_untyped(finished) if reason else finished


def without_untyped(body: Json) -> Json:
    """An answer that broke off, without the members, and the nulls, that OpenAI's published types do not have."""
    return {k: v for k, v in body.items() if k not in UNTYPED and not (v is None and k in NOT_NULL)}


def write_output(placed: output.Layout, reason: str | None, report: Report) -> list[Json]:
    """The output items; the one that the end of the answer cut off is incomplete."""
    return [output.write_item(item, report, status(item, placed, reason)) for item in placed.items]


def status(item: output.Item, placed: output.Layout, reason: str | None) -> str:
    """The status of a finished item."""
    return "incomplete" if reason and item is placed.items[-1] else "completed"


def _restored(response: hub.Response, report: Report) -> Json:
    """A response of this format as it was, from its parts."""
    placed = layout(response, response.id)
    body = dict(response.wire)
    body["output"] = [_at_home(item, response, report) for item in placed.items]
    return body


def _at_home(item: output.Item, response: hub.Response, report: Report) -> Json:
    """An item as its own upstream wrote it: with the members that it had, and no others."""
    written = output.write_item(item, report)
    original = next((each for each in response.wire["output"] if each.get("id") == item.id), None)
    if original is None or original["type"] != written["type"]:
        return written
    return {key: value if key == "status" else written.get(key, value) for key, value in original.items()}
