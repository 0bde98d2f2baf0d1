"""The answer <-> hub response. Source: Gemini API reference, "GenerateContentResponse"."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from convert import hub, sealed
from convert.formats.gemini import answer, content
from convert.formats.gemini.errors import read_chunk_error
from convert.formats.gemini.flavor import GeminiFlavor
from convert.losses import Report

Json = dict[str, Any]


def read_response(body: Json, flavor: GeminiFlavor) -> hub.Response:
    """Raises ProxyError for an error in a successful answer and for an answer that cannot be used, and what
    stream.MALFORMED lists for a wrong shape."""
    if body.get("error") and not body.get("candidates"):
        raise read_chunk_error(body["error"])
    identity = body.get("responseId") or ""
    choices = [_read_candidate(each, identity, number) for number, each in enumerate(body.get("candidates") or [])]
    blocked = answer.read_block(body.get("promptFeedback"))
    if not choices and blocked:
        choices = [hub.Choice(reason=blocked)]
    if not choices:
        raise ValueError("no candidates")
    return hub.Response(
        origin="gemini", id=identity, model=body.get("modelVersion") or "", created=answer.created(body),
        choices=choices, usage=answer.read_usage(body.get("usageMetadata")), extra=answer.extra_of(body), wire=body,
    )  # fmt: skip


def _read_candidate(candidate: Json, identity: str, number: int) -> hub.Choice:
    parts = list(_joined(read_parts(candidate, identity, number)))
    texts = [part for part in parts if isinstance(part, hub.Text)]
    seen: set[str] = set()
    for text in texts:
        cited = [each for each in answer.read_citations(candidate, text.text) if repr(each) not in seen]
        text.citations = cited if text is texts[-1] else [each for each in cited if each.start is not None]
        seen |= {repr(each) for each in text.citations}
    if texts:
        texts[0].logprobs = answer.read_logprobs(candidate.get("logprobsResult"))
    calls = any(isinstance(part, hub.ToolCall) for part in parts)
    reason = answer.read_reason(candidate.get("finishReason"), candidate.get("finishMessage"), calls)
    return hub.Choice(parts=parts, reason=reason)


def read_parts(candidate: Json, identity: str, number: int) -> Iterator[hub.Part]:
    """The parts of a candidate, one by one. A signature on anything but thoughts and calls follows it as reasoning."""
    calls = 0
    for part in (candidate.get("content") or {}).get("parts") or []:
        signature = part.get("thoughtSignature")
        if "functionCall" in part:
            yield answer.read_call(part["functionCall"], signature, answer.call_id(identity, number, calls))
            calls += 1
            continue
        if "text" in part and part.get("thought"):
            if part["text"] or signature:
                yield hub.Reasoning(text=part["text"], kind="summary", sealed=answer.seal(signature))
            continue
        if "inlineData" in part or "fileData" in part:
            yield answer.read_blob(part)
        elif part.get("text"):
            yield hub.Text(text=part["text"])
        elif part.keys() - {"text", "thought", "thoughtSignature"}:
            yield hub.Raw(format=content.FORMAT, value=part)
            continue
        if signature:
            yield hub.Reasoning(kind="summary", sealed=answer.seal(signature))


def _joined(parts: Iterator[hub.Part]) -> Iterator[hub.Part]:
    """The parts with adjacent texts in one, as they would be in a stream; thoughts up to the one that is signed."""
    held: hub.Part | None = None
    for part in parts:
        if isinstance(part, hub.Text) and isinstance(held, hub.Text):
            held.text += part.text
        elif isinstance(part, hub.Reasoning) and isinstance(held, hub.Reasoning) and _continues(held, part):
            held.text += part.text
            held.sealed = part.sealed
        else:
            if held is not None:
                yield held
            held = part
    if held is not None:
        yield held


def _continues(held: hub.Reasoning, part: hub.Reasoning) -> bool:
    """Whether a thought goes on."""
    return held.sealed is None and bool(held.text) and bool(part.text)


def response_id(upstream_id: str) -> str:
    """The upstream's id; a random one where it gave none."""
    return re.sub(r"[^A-Za-z0-9_-]", "", upstream_id) or uuid.uuid4().hex


def write_response(response: hub.Response, asked: Json, report: Report) -> Json:
    """The finished answer. `asked` is the client's request."""
    if response.origin == "gemini" and response.wire:
        return _restored(response)
    report.extras("", response.extra)
    body: Json = {"candidates": [_candidate(choice, number, report) for number, choice in enumerate(response.choices)]}
    if response.usage:
        body["usageMetadata"] = answer.write_usage(response.usage)
        report_usage(response.usage, report)
    return {**body, "modelVersion": response.model or asked.get("model", ""), "responseId": response_id(response.id)}


def _candidate(choice: hub.Choice, number: int, report: Report) -> Json:
    parts: list[Json] = []
    before: hub.Part | None = None
    for part in choice.parts:
        written = write_part(part, report)
        if second_thought(before, part):
            written[0]["text"] = "\n\n" + written[0]["text"]
        parts += written
        before = part
    candidate: Json = {
        "content": {"parts": parts or [{"text": ""}], "role": "model"},
        "finishReason": answer.write_reason(choice.reason), "index": number,
    }  # fmt: skip
    texts = [part for part in choice.parts if isinstance(part, hub.Text)]
    if metadata := answer.write_citations(texts):
        candidate["groundingMetadata"] = metadata
    if tokens := [token for part in choice.parts for token in getattr(part, "logprobs", [])]:
        candidate["logprobsResult"] = answer.write_logprobs(tokens)
    return candidate


def second_thought(before: hub.Part | None, part: hub.Part) -> bool:
    """Whether a thought follows another one, from which a blank line parts it."""
    both = isinstance(before, hub.Reasoning) and isinstance(part, hub.Reasoning)
    return both and not before.sealed and bool(before.text and part.text)  # type: ignore[union-attr]


def write_part(part: hub.Part, report: Report) -> list[Json]:
    """The wire parts of a part of an answer; what has no place is reported."""
    report_part(part, report)
    match part:
        case hub.Text() | hub.Refusal():
            return [{"text": part.text}] if part.text else []
        case hub.Reasoning():
            return write_thought(part)
        case hub.ToolCall():
            return [write_call(part)]
        case hub.Media():
            return [*([{"text": part.text}] if part.text else []), *write_blob(part)]
        case hub.Raw(format=content.FORMAT, value=value):
            return [dict(value)]
    return []


def report_part(part: hub.Part, report: Report) -> None:
    """Reports what an answer's part has that this wire does not."""
    match part:
        case hub.Text():
            for citation in part.citations:
                if citation.url is None:
                    report.dropped("annotations", "a citation without a URL")
                elif citation.quote is not None:
                    report.dropped("annotations.content", "the quoted text")
        case hub.Refusal():
            report.approximated("output.refusal", "told as text")
        case hub.ToolCall():
            if content.arguments_of(part.text) is None and part.type != "custom":
                report.approximated("output.tool_call.arguments", "they are no JSON object")
            report.extras("output.tool_call", part.extra)
        case hub.Media() if not (part.data or part.url or part.extra.get("data") or part.text):
            report.dropped("output.Media")
        case hub.Raw() if part.format != content.FORMAT:
            kind = part.value.get("type", "item") if isinstance(part.value, dict) else "item"
            report.dropped(f"output.{kind}")
        case hub.ToolResult() | hub.Tools():
            report.dropped(f"output.{type(part).__name__}")


def report_usage(usage: hub.Usage, report: Report) -> None:
    """Reports the counts that this wire does not have."""
    if usage.cache_write:
        report.dropped("usage.cache_write_tokens")


def write_thought(part: hub.Reasoning) -> list[Json]:
    """A thought; a signature alone stands on a text without words, as Google's own."""
    signed = {"thoughtSignature": sealed.shown(part.sealed, content.FORMAT)} if part.sealed else {}
    if part.text:
        return [{"text": part.text, "thought": True, **signed}]
    return [{"text": "", **signed}] if signed else []


def write_call(call: hub.ToolCall) -> Json:
    """A functionCall part."""
    args = {"input": call.text} if call.type == "custom" else content.arguments_of(call.text)
    inner = {"id": call.id, "name": call.name, "args": {"arguments": call.text} if args is None else args}
    signed = {"thoughtSignature": sealed.shown(call.sealed, content.FORMAT)} if call.sealed else {}
    return {"functionCall": inner, **signed}


def write_blob(part: hub.Media) -> list[Json]:
    """An image or a sound, which Chat keeps under a name of its own."""
    mime = part.mime or content.MIMES[part.kind]
    if data := part.data or part.extra.get("data"):
        return [{"inlineData": {"mimeType": mime, "data": data}}]
    return [{"fileData": {"mimeType": mime, "fileUri": part.url}}] if part.url else []


def _restored(response: hub.Response) -> Json:
    """An answer as its own upstream wrote it, with the calls under the names that the client knows."""
    body = dict(response.wire)
    if not body.get("candidates"):
        return body
    pairs = zip(body["candidates"], response.choices, strict=True)
    body["candidates"] = [_renamed(candidate, choice) for candidate, choice in pairs]
    return body


def _renamed(candidate: Json, choice: hub.Choice) -> Json:
    calls = (part for part in choice.parts if isinstance(part, hub.ToolCall))
    parts = (candidate.get("content") or {}).get("parts") or []
    if not any("functionCall" in part for part in parts):
        return candidate
    renamed = [
        {**part, "functionCall": {**part["functionCall"], "name": next(calls).name}} if "functionCall" in part else part
        for part in parts
    ]
    return {**candidate, "content": {**candidate["content"], "parts": renamed}}
