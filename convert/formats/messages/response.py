"""The message object <-> hub response. Source: Anthropic API reference, "Create a Message", response."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.messages import answer, blocks
from convert.formats.messages.errors import read_error
from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.history import arguments
from convert.losses import Report
from convert.sealed import shown
from convert.tools import Support, short_id

Json = dict[str, Any]
LEGAL = Support(legal_id="[a-zA-Z0-9_-]+", id_length=128)


def read_response(body: Json, flavor: MessagesFlavor) -> hub.Response:
    """Raises ProxyError for an error in a successful answer, and what stream.MALFORMED lists for a wrong shape."""
    if body.get("type") == "error" or (body.get("error") and "content" not in body):
        raise read_error(502, body)
    identity = body.get("id") or ""
    parts = [part for block in body["content"] or [] for part in read_block(block)]
    calls = [part for part in parts if isinstance(part, hub.ToolCall)]
    _name_calls(calls, identity)
    usage = body.get("usage")
    return hub.Response(
        origin="messages", id=identity, model=body.get("model") or "",
        choices=[hub.Choice(parts=parts, reason=answer.read_reason(body.get("stop_reason"), bool(calls)))],
        usage=answer.read_usage(usage), service_tier=answer.service_tier(usage), extra=answer.extra(body), wire=body,
    )  # fmt: skip


def _name_calls(calls: list[hub.ToolCall], identity: str) -> None:
    """Gives a call without an id, or with one that was used already, its own."""
    used: set[str] = set()
    for number, call in enumerate(calls):
        if not call.id or call.id in used:
            call.id = answer.call_id(identity, number)
        used.add(call.id)


def read_block(block: Any) -> list[hub.Part]:
    """The parts of an answer's block. Raises ValueError where it is faulty: the fault is not the client's."""
    if isinstance(block, dict) and block.get("type") == "tool_use":
        block = {**block, "id": block.get("id") or "", "input": block.get("input") or {}}
    try:
        parts = blocks.read_block(block, "")
    except ProxyError as error:
        raise ValueError(f"content: {error.message}") from None
    for part in parts:
        if isinstance(part, hub.Reasoning) and part.sealed and part.sealed.format != "messages":
            part.sealed = hub.Sealed("messages", block.get("signature") or {blocks.REDACTED: block["data"]})
    return parts


def write_response(response: hub.Response, asked: Json, report: Report) -> Json:
    """The message object; the blocks of several choices follow each other."""
    if response.origin == "messages" and response.wire:
        return _restored(response)
    report_choices(len(response.choices), report)
    report.extras("", response.extra)
    return {
        **shell(response, asked),
        "content": content([part for choice in response.choices for part in choice.parts], asked, report),
        "stop_reason": answer.write_reason(response.choices[0].reason), "usage": answer.write_usage(response.usage),
    }  # fmt: skip


def asked_thinking(asked: Json) -> str:
    """What the client asked for: thinking that is enabled (then it comes first), adaptive, or disabled."""
    thinking = asked.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    return kind if kind in ("enabled", "adaptive") else "disabled"


def content(parts: list[hub.Part], asked: Json, report: Report) -> list[Json]:
    """The blocks of an answer. A client that did not ask for thinking is given none: it would not know the block."""
    mode = asked_thinking(asked)
    if mode == "disabled" and any(isinstance(part, hub.Reasoning) for part in parts):
        report_unasked(report)
        parts = [part for part in parts if not isinstance(part, hub.Reasoning)]
    written = [block for part in parts for block in write_part(part, report)]
    if mode == "enabled" and written and written[0]["type"] not in ("thinking", "redacted_thinking"):
        written.insert(0, {"type": "thinking", "thinking": "", "signature": ""})
    return written


def report_unasked(report: Report) -> None:
    """Reports thoughts that are not told."""
    report.dropped("output.thinking", "the client did not ask for it")


def report_choices(count: int, report: Report) -> None:
    """Reports that several choices became one message."""
    if count > 1:
        report.approximated("choices", f"{count} choices became one message")


def shell(start: hub.Start | hub.Response, asked: Json) -> Json:
    """The message object without its answer."""
    return {
        "id": answer.message_id(start.id), "type": "message", "role": "assistant",
        "model": start.model or asked.get("model", ""), "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": answer.write_usage(start.usage),
    }  # fmt: skip


def write_part(part: hub.Part, report: Report) -> list[Json]:
    """The blocks of a finished part; none for what the wire has no place for, or for what says nothing."""
    match part:
        case hub.Text():
            report_tokens(part, report)
            return [{"type": "text", "text": part.text, **citations(part, report)}] if part.text else []
        case hub.Refusal():
            report_tokens(part, report)
            return [{"type": "text", "text": part.text, "citations": None}] if part.text else []
        case hub.Media(kind="audio"):
            report.dropped("output.audio.data", "only its transcript is kept")
            return [{"type": "text", "text": part.text, "citations": None}] if part.text else []
        case hub.Reasoning():
            return _write_reasoning(part)
        case hub.ToolCall():
            given, exact = arguments(part)
            if not exact:
                report.approximated("output.tool_call", "arguments that are no JSON object were put into one")
            report_call(part, report)
            return [open_call(part) | {"input": given}]
        case hub.Raw(format="messages", value=value):
            return [dict(value)]
    report_homeless(part, report)
    return []


def citations(part: hub.Text, report: Report) -> Json:
    """`citations` of a text block."""
    written = [body for each in part.citations if (body := answer.write_citation(each, part.text))]
    if len(written) < len(part.citations):
        report.dropped("annotations", "a citation without a URL")
    return {"citations": written or None}


def report_tokens(part: hub.Text | hub.Refusal, report: Report) -> None:
    """Reports log probabilities, for which the wire has no place."""
    if part.logprobs:
        report.dropped("output.logprobs")


def open_call(call: hub.ToolCall) -> Json:
    """A tool_use block whose input is still to come."""
    caller = {"caller": call.wire["caller"]} if "caller" in call.wire else {}
    return {"type": "tool_use", "id": short_id(call.id, LEGAL), "name": call.name, "input": {}, **caller}


def report_call(call: hub.ToolCall, report: Report) -> None:
    """Reports what a call has that the wire has no place for."""
    if call.sealed:
        report.dropped("output.tool_call", "sealed state of another provider")
    known = ("caller",) if "caller" in call.wire else ()
    report.extras("output.tool_call", {key: value for key, value in call.extra.items() if key not in known})


def report_homeless(part: hub.Part, report: Report) -> None:
    """Reports a part that an answer has no block for."""
    kind = part.value.get("type", "item") if isinstance(part, hub.Raw) and isinstance(part.value, dict) else ""
    report.dropped(f"output.{kind or type(part).__name__}", "no place in an answer")


def _write_reasoning(part: hub.Reasoning) -> list[Json]:
    """Thinking, redacted or with the signature that its issuer needs back."""
    if redacted := redacted_block(part.sealed):
        return [redacted]
    if not part.text and not part.sealed:
        return []
    signature = shown(part.sealed, "messages") if part.sealed else ""
    return [{"type": "thinking", "thinking": part.text, "signature": signature}]


def redacted_block(sealed: hub.Sealed | None) -> Json | None:
    """The block of redacted thinking; None where the state is none."""
    if sealed and sealed.format == "messages" and isinstance(sealed.value, dict):
        return {"type": blocks.REDACTED, "data": sealed.value[blocks.REDACTED]}
    return None


def _restored(response: hub.Response) -> Json:
    """A message as its own upstream wrote it, with the calls under the names that the client knows."""
    calls = iter([part for part in response.choices[0].parts if isinstance(part, hub.ToolCall)])
    content = []
    for block in response.wire["content"] or []:
        if isinstance(block, dict) and block.get("type") == "tool_use":
            call = next(calls)
            if call.name != block.get("name") or call.id != block.get("id"):
                block = {**block, "name": call.name, "id": call.id}
        content.append(block)
    return {**response.wire, "content": content} if response.wire["content"] is not None else dict(response.wire)
