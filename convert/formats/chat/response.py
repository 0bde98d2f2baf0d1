"""The completion object <-> hub response. Source: OpenAI API reference, "The chat completion object"."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

from convert import hub
from convert.formats.chat import answer, think
from convert.formats.chat.errors import read_chunk_error
from convert.formats.chat.flavor import ChatFlavor
from convert.losses import Report

Json = dict[str, Any]


def read_response(body: Json, flavor: ChatFlavor) -> hub.Response:
    """Raises ProxyError for an error in a successful answer, and what stream.MALFORMED lists for a wrong shape."""
    if body.get("error") and not body.get("choices"):
        raise read_chunk_error(body["error"])
    identity = body.get("id") or ""
    choices = [_read_choice(choice, identity, number, flavor) for number, choice in enumerate(body["choices"])]
    if not choices:
        raise ValueError("no choices")
    return hub.Response(
        origin="chat", id=identity, model=body.get("model") or "", created=int(body.get("created") or 0),
        choices=choices, usage=answer.read_usage(body.get("usage")), service_tier=body.get("service_tier"),
        extra=answer.extra_of(body), wire=body,
    )  # fmt: skip


def _read_choice(choice: Json, identity: str, number: int, flavor: ChatFlavor) -> hub.Choice:
    parts = [*read_message(choice["message"], choice.get("logprobs") or {}, identity, number, flavor)]
    calls = any(isinstance(part, hub.ToolCall) for part in parts)
    return hub.Choice(parts=parts, reason=answer.read_reason(choice.get("finish_reason"), calls))


def read_message(
    message: Json, logprobs: Json, identity: str, number: int, flavor: ChatFlavor
) -> Iterator[hub.Part]:
    """The parts of an answer's message: reasoning, text, refusal, sound, images, calls."""
    thoughts, words = _words(message, flavor)
    if thoughts:
        yield hub.Reasoning(text=thoughts)
    if words:
        citations = [answer.read_annotation(each) for each in message.get("annotations") or []]
        yield hub.Text(text=words, citations=citations, logprobs=logprobs.get("content") or [])
    if message.get("refusal"):
        yield hub.Refusal(text=message["refusal"], logprobs=logprobs.get("refusal") or [])
    sound = message.get("audio") or {}
    if any(sound.values()):  # Snowflake sends every member of the schema, blank
        rest = {key: value for key, value in sound.items() if key != "transcript"}
        yield hub.Media(kind="audio", text=sound.get("transcript") or "", extra=rest)
    for image in message.get("images") or []:
        yield answer.read_image(image)
    used: set[str] = set()
    for place, call in enumerate(message.get("tool_calls") or []):
        yield _read_call(call, identity, number, place, used)
    call = message.get("function_call") or {}
    if any(call.values()):
        text = answer.arguments_text(call.get("arguments"))
        yield hub.ToolCall(text=text, id=answer.call_id(identity, number, 0), name=_name(call))


def _words(message: Json, flavor: ChatFlavor) -> tuple[str, str]:
    """(reasoning, text) of a message."""
    thoughts, words = [answer.reasoning_of(message)], list[str]()
    pieces = answer.content_pieces(message.get("content"))
    if flavor.think_tags and think.OPEN in "".join([text for kind, text in pieces if kind == "text"]):
        machine = think.split()
        next(machine)
        pieces = [out for kind, text in pieces for out in (machine.send(text) if kind == "text" else [(kind, text)])]
        pieces += machine.send(None)
    for kind, text in pieces:
        (words if kind == "text" else thoughts).append(text)
    return "".join(thoughts), "".join(words)


def _read_call(call: Json, identity: str, number: int, place: int, used: set[str]) -> hub.ToolCall:
    kind: Any = "custom" if call.get("custom") else "function"
    inner = call[kind]
    given = call.get("id")
    unique = given if given and given not in used else answer.call_id(identity, number, place)
    used.add(unique)
    text = answer.arguments_text(inner.get("input" if kind == "custom" else "arguments"))
    return hub.ToolCall(type=kind, text=text, id=unique, name=_name(inner), extra=answer.call_extra(call))


def _name(function: Json) -> str:
    """The name of a called tool. Raises ValueError where there is none: nobody could run it."""
    name = function["name"]
    if not isinstance(name, str) or not name:
        raise ValueError("a tool call without a name")
    return name


def completion_id(upstream_id: str) -> str:
    """A valid completion id that still shows the upstream's; a random one where it gave none."""
    bare = re.sub(r"[^A-Za-z0-9_-]", "", upstream_id).removeprefix("resp_")
    if not bare:
        return f"chatcmpl-{uuid.uuid4().hex}"
    return bare if bare.startswith("chatcmpl-") else f"chatcmpl-{bare}"


def write_response(response: hub.Response, asked: Json, report: Report) -> Json:
    """The completion object. `asked` is the client's request: one with `functions` is answered in kind."""
    legacy = "functions" in asked and "tools" not in asked
    if response.origin == "chat" and response.wire:
        return _restored(response, _choices(response, legacy, Report()))
    choices = _choices(response, legacy, report)
    report.extras("", response.extra)
    body: Json = {
        "id": completion_id(response.id), "object": "chat.completion", "created": response.created or int(time.time()),
        "model": response.model or asked.get("model", ""), "choices": choices,
    }  # fmt: skip
    if response.usage:
        body["usage"] = answer.write_usage(response.usage)
    if response.service_tier in answer.SERVICE_TIERS:
        body["service_tier"] = response.service_tier
    return body


def _choices(response: hub.Response, legacy: bool, report: Report) -> list[Json]:
    return [
        {
            "index": number,
            "message": write_message(choice.parts, legacy, report),
            "logprobs": write_logprobs(choice.parts),
            "finish_reason": finish_reason(choice.reason, legacy),
        }
        for number, choice in enumerate(response.choices)
    ]


def finish_reason(reason: hub.Reason, legacy: bool) -> str:
    """`finish_reason`, in the words of the API version that was asked."""
    word = answer.write_reason(reason)
    return "function_call" if legacy and word == "tool_calls" else word


def write_message(parts: list[hub.Part], legacy: bool, report: Report) -> Json:
    """The message of an answer. Reasoning goes to `reasoning_content`."""
    texts = [part for part in parts if isinstance(part, hub.Text)]
    calls = [part for part in parts if isinstance(part, hub.ToolCall)]
    refusals = [part.text for part in parts if isinstance(part, hub.Refusal)]
    thoughts = [part.text for part in parts if isinstance(part, hub.Reasoning) and part.text]
    message: Json = {
        "role": "assistant",
        "content": "".join(part.text for part in texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if thoughts:
        message["reasoning_content"] = "\n\n".join(thoughts)
    if annotations := write_annotations(texts, report):
        message["annotations"] = annotations
    if calls and legacy:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].text or "{}"}
        for call in calls[1:]:
            report.dropped(call.path or f"tool_calls[{call.name}]", "the legacy API has one call only")
    elif calls:
        message["tool_calls"] = [write_call(call) for call in calls]
    message |= write_media(parts)
    for part in parts:
        report_part(part, report)
    return message


def report_part(part: hub.Part, report: Report) -> None:
    """Reports what an answer's part has that this wire does not."""
    if isinstance(part, hub.Raw):
        report.dropped(f"output.{part.value.get('type', 'item')}" if isinstance(part.value, dict) else "output")
    if isinstance(part, hub.ToolResult | hub.Tools) or (isinstance(part, hub.Media) and part.kind in ("file", "video")):
        report.dropped(f"output.{type(part).__name__}")
    if isinstance(part, hub.Reasoning | hub.ToolCall) and part.sealed:
        report.dropped("output.reasoning.encrypted_content", "sealed reasoning")
    if isinstance(part, hub.ToolCall) and part.extra:
        report.extras("output.tool_call", part.extra)


def write_annotations(texts: list[hub.Text], report: Report) -> list[Json]:
    """`annotations`, their offsets moved to where each text stands in the joined content."""
    written, offset = [], 0
    for part in texts:
        for citation in part.citations:
            if citation.quote is not None:
                report.dropped("annotations.content", "the quoted text")
            if body := answer.write_annotation(citation, part.text):
                body["url_citation"]["start_index"] += offset
                body["url_citation"]["end_index"] += offset
                written.append(body)
            else:
                report.dropped("annotations", "a citation without a URL")
        offset += len(part.text)
    return written


def write_call(call: hub.ToolCall) -> Json:
    """One entry of `tool_calls`. A call without arguments has an empty object: clients parse them."""
    if call.type == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.text}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text or "{}"}}


def write_logprobs(parts: list[hub.Part]) -> Json | None:
    """`logprobs` of a choice; null where there are none."""
    content = [token for part in parts if isinstance(part, hub.Text) for token in part.logprobs]
    refusal = [token for part in parts if isinstance(part, hub.Refusal) for token in part.logprobs]
    return {"content": content or None, "refusal": refusal or None} if content or refusal else None


def write_media(parts: list[hub.Part]) -> Json:
    """The members of a message for sound (`audio`) and images (`images`)."""
    body: Json = {}
    for part in parts:
        if isinstance(part, hub.Media) and part.kind == "audio":
            data = {} if part.data is None else {"id": "audio_0", "expires_at": 0, "data": part.data}
            body["audio"] = {**data, **part.extra, "transcript": part.text or ""}
        elif isinstance(part, hub.Media) and part.kind == "image":
            url = part.url or f"data:{part.mime or 'image/png'};base64,{part.data}"
            body.setdefault("images", []).append({"type": "image_url", "image_url": {"url": url}})
    return body


def _restored(response: hub.Response, choices: list[Json]) -> Json:
    """A completion as its own upstream wrote it, with the calls as they are known to the client."""
    body = dict(response.wire)
    body["choices"] = [_as_it_was(choice, written) for choice, written in zip(body["choices"], choices, strict=True)]
    return body


def _as_it_was(choice: Json, written: Json) -> Json:
    message = dict(choice["message"])
    for key in ("tool_calls", "function_call"):
        if message.get(key) and written["message"].get(key):
            message[key] = _calls_as_they_were(message[key], written["message"][key])
    return {**choice, "message": message}


def _calls_as_they_were(calls: Any, written: Any) -> Any:
    """Calls of the upstream; those whose type or name is another for the client as they are written now."""
    if isinstance(calls, dict):
        return calls | {"name": written["name"]}
    return [
        call if _same(call, now) else {**{k: v for k, v in call.items() if k not in ("function", "custom")}, **now}
        for call, now in zip(calls, written, strict=True)
    ]  # fmt: skip


def _same(call: Json, now: Json) -> bool:
    kind = now["type"]
    return kind in call and call[kind].get("name") == now[kind]["name"]
