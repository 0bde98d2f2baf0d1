"""Output items: which parts of an answer share an item, and what each item looks like.

The finished response and the stream are both written from here, so the two cannot disagree.
Source: OpenAI API reference, "The response object", `output`; OpenAPI schemas OutputMessage, ReasoningItem,
FunctionToolCall, CustomToolCall, ImageGenToolCall.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.responses import builtin, content
from convert.formats.responses.history import item_id
from convert.losses import Report
from convert.sealed import shown

Json = dict[str, Any]
OWN = re.compile(r"resp_([0-9a-f]{48})")  # ids that this proxy gives (convert/state/ids.py)
PREFIX = {"message": "msg_", "reasoning": "rs_", "function": "fc_", "custom": "ctc_", "image": "ig_"}


@dataclass(slots=True, eq=False)
class Item:
    """One output item: its place, its id and the parts that it holds."""

    index: int
    id: str
    kind: str  # message, reasoning, function, custom, client, image, raw
    choice: int
    parts: list[hub.Part] = field(default_factory=list)

    def slots(self, part: hub.Part) -> list[hub.Part]:
        """The parts that are numbered together with `part`: contents, or the summaries of a reasoning item."""
        if isinstance(part, hub.Reasoning):
            return [each for each in self.parts if isinstance(each, hub.Reasoning) and each.kind == part.kind]
        return self.parts


class Layout:
    """Assigns parts, in the order in which they open, to output items."""

    def __init__(self, response_id: str) -> None:
        self.response_id = response_id
        self.items: list[Item] = []
        self.latest: dict[int, Item] = {}  # the last item of each choice
        self.homeless: list[hub.Part] = []  # parts that this wire has no place for

    def place(self, part: hub.Part, choice: int = 0) -> Item | None:
        """The item that `part` belongs to, new or the latest of its choice; None: no place on this wire."""
        kind = _kind(part)
        if kind is None:
            self.homeless.append(part)
            return None
        item = self.latest.get(choice)
        if item is None or item.kind != kind or not _joins(item, part):
            given = part.wire.get("item", {}).get("id") or part.wire.get("id")
            identity = given or self._item_id(_prefix(kind, part))
            item = Item(len(self.items), identity, kind, choice)
            self.items.append(item)
            self.latest[choice] = item
        item.parts.append(part)
        return item


    def _item_id(self, prefix: str) -> str:
        """The id of the next item. It holds that of a response of our own, so that a reference to the item finds it."""
        if own := OWN.fullmatch(self.response_id):
            return f"{prefix}{own[1]}{len(self.items):04x}"
        return item_id(prefix, self.response_id, len(self.items))


def _prefix(kind: str, part: hub.Part) -> str:
    if kind == "client" and isinstance(part, hub.ToolCall):
        return builtin.BY_TOOL[part.name].prefix
    return PREFIX.get(kind, "item_")


def _kind(part: hub.Part) -> str | None:
    match part:
        case hub.Text() | hub.Refusal():
            return "message"
        case hub.Reasoning():
            return "reasoning"
        case hub.ToolCall(type="client", name=name):
            return "client" if name in builtin.BY_TOOL else "function"
        case hub.ToolCall():
            return part.type
        case hub.Media(kind="image"):
            return "image"
        case hub.Media(kind="audio"):
            return "message"  # its transcript
        case hub.Raw(format="responses"):
            return "raw"
    return None


def _joins(item: Item, part: hub.Part) -> bool:
    """Whether a part of the item's kind goes into it: words always do; thoughts of one item at home do."""
    home = part.wire.get("item", {}).get("id")
    if home is not None or item.kind == "reasoning":
        return home is not None and home == item.parts[-1].wire.get("item", {}).get("id")
    return item.kind == "message"


def write_item(item: Item, report: Report, status: str = "completed") -> Json:
    """The finished item. `report` takes what the wire has no slot for."""
    part = item.parts[0]
    home = part.wire.get("item", {})
    match part:
        case hub.Reasoning():
            return _write_reasoning(item, home)
        case hub.ToolCall():
            return _write_call(item, part, status, report)
        case hub.Media(kind="image"):
            return {"type": "image_generation_call", "id": item.id, "status": "completed", "result": part.data}
        case hub.Raw(value=value):
            return dict(value)
    body = {"type": "message", "id": item.id, "role": "assistant", "status": status, **home}
    body["content"] = [write_part(each, report) for each in item.parts]
    return body


def open_item(item: Item) -> Json:
    """The item as it is announced, before anything of it is known."""
    part = item.parts[0]
    home = part.wire.get("item", {})
    match part:
        case hub.Reasoning():
            return {"type": "reasoning", "id": item.id, "summary": []}
        case hub.ToolCall() if item.kind == "client":
            kind = builtin.BY_TOOL[part.name]
            return _builtin_item(item, part, kind, kind.blank, "in_progress")
        case hub.ToolCall():
            blank = hub.ToolCall(id=part.id, name=part.name, namespace=part.namespace, type=part.type)
            return _call_item(item, blank, "in_progress")
        case hub.Media(kind="image"):
            return {"type": "image_generation_call", "id": item.id, "status": "in_progress", "result": None}
        case hub.Raw(value=value):
            return dict(value)
    return {"type": "message", "id": item.id, "role": "assistant", **home, "status": "in_progress", "content": []}


def write_part(part: hub.Part, report: Report) -> Json:
    """A content part of an output message."""
    match part:
        case hub.Refusal():
            return {"type": "refusal", "refusal": part.text}
        case hub.Media():
            report.dropped("message.audio.data", "only its transcript is kept")
            return {"type": "output_text", "text": part.text or "", "annotations": [], "logprobs": []}
        case hub.Text():
            citations = [written for each in part.citations if (written := content.write_citation(each, part, report))]
            body = {"type": "output_text", "text": part.text, "annotations": citations}
            if part.logprobs or "type" not in part.wire or "logprobs" in part.wire:  # some servers have no list
                body["logprobs"] = [logprob(each) for each in part.logprobs]
            return body
    raise TypeError(f"{type(part).__name__} is not a content part")


def logprob(token: Json) -> Json:
    """A token's log probability with every field that this wire requires."""
    listed = token.get("top_logprobs")
    alternatives = [_counted(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {**_counted(token), "top_logprobs": alternatives}


def streamed_logprob(token: Json) -> Json:
    """The same as deltas carry it, without the bytes."""
    whole = logprob(token)
    for each in (whole, *whole["top_logprobs"]):
        del each["bytes"]
    return whole


def _counted(token: Json) -> Json:
    text = str(token.get("token", ""))
    spelled = token.get("bytes")
    return {
        "token": text,
        "logprob": token.get("logprob", 0),
        "bytes": list(text.encode("utf-8", "replace")) if spelled is None else spelled,
    }


def _write_reasoning(item: Item, home: Json) -> Json:
    thoughts = [part for part in item.parts if isinstance(part, hub.Reasoning)]
    body: Json = {"type": "reasoning", "id": item.id, **home}
    body["summary"] = [{"type": "summary_text", "text": p.text} for p in thoughts if p.kind == "summary" and p.text]
    if full := [{"type": "reasoning_text", "text": p.text} for p in thoughts if p.kind == "full"]:
        body["content"] = full
    if sealed := next((p.sealed for p in thoughts if p.sealed), None):
        body["encrypted_content"] = shown(sealed, "responses")
    return body


def _write_call(item: Item, call: hub.ToolCall, status: str, report: Report) -> Json:
    if item.kind == "client":
        kind = builtin.BY_TOOL[call.name]
        try:
            return _builtin_item(item, call, kind, builtin.call_arguments(kind, call.text), "completed")
        except ValueError:
            report.approximated(call.name, "the model's arguments are no JSON object; given as a function call")
            return _call_item(item, hub.ToolCall(id=call.id, name=call.name, text=call.text), status)
    if "id" in call.wire:  # of this wire
        return _call_item(item, call, status) | call.extra
    report.extras("output.tool_call", call.extra)
    return _call_item(item, call, status)


def _builtin_item(item: Item, call: hub.ToolCall, kind: builtin.Builtin, arguments: Any, status: str) -> Json:
    members = call.wire.get("members", kind.members)
    return {
        "type": kind.call, "id": item.id, "call_id": call.id, kind.arguments: arguments, "status": status, **members
    }  # fmt: skip


def _call_item(item: Item, call: hub.ToolCall, status: str) -> Json:
    body: Json = {"type": "function_call", "id": item.id, "call_id": call.id, "name": call.name}
    if call.type == "custom":
        body["type"] = "custom_tool_call"
        body["input"] = call.text
    else:
        body["arguments"] = call.text or ("" if status == "in_progress" else "{}")
        body["status"] = status
    if call.namespace is not None:
        body["namespace"] = call.namespace
    return body


# --- reading ------------------------------------------------------------------------------------------


def read_output(items: list[Json]) -> list[hub.Part]:
    """The parts of an answer's output items."""
    return [part for item in items for part in read_item(item)]


def read_item(item: Json) -> list[hub.Part]:
    """The parts of one output item. Raises what stream.MALFORMED lists for an item of the wrong shape."""
    match item["type"]:
        case "message":
            wire = {"item": {key: value for key, value in item.items() if key not in ("type", "role", "content")}}
            return [_with_item(read_part(part), wire) for part in item["content"] or []]
        case "reasoning":
            return [*read_reasoning(item)]
        case "function_call" | "custom_tool_call" as kind:
            return [read_call(item, item["input" if kind == "custom_tool_call" else "arguments"])]
        case kind if kind in builtin.BY_CALL and item.get("execution") != "server" and item.get("call_id"):
            return [read_builtin(item)]
    return [hub.Raw(format="responses", value=item)]


def read_part(part: Any) -> hub.Part:
    """A content part of an answer. Raises ValueError where it is faulty: the fault is not the client's."""
    try:
        return content.read_part(part, "")
    except ProxyError as error:
        raise ValueError(f"content: {error.message}") from None


def _with_item(part: hub.Part, wire: Json) -> hub.Part:
    part.wire = {**part.wire, **wire}
    return part


def read_reasoning(item: Json) -> list[hub.Reasoning]:
    """The texts of a reasoning item, the encrypted content on the last of them."""
    summary = [("summary", part["text"]) for part in item.get("summary") or []]
    full = [("full", part["text"]) for part in item.get("content") or []]
    known = ("type", "summary", "content", "encrypted_content")
    wire = {"item": {key: value for key, value in item.items() if key not in known}}
    parts = [hub.Reasoning(kind=kind, text=text, wire=wire) for kind, text in summary + full]  # type: ignore[arg-type]
    parts = parts or [hub.Reasoning(kind="summary", wire=wire)]
    if item.get("encrypted_content"):
        parts[-1].sealed = hub.Sealed("responses", item["encrypted_content"])
    return parts


def read_call(item: Json, text: str) -> hub.ToolCall:
    """A function or custom call with the arguments given. Raises ValueError for one without a name."""
    if not item["name"]:
        raise ValueError("a tool call without a name")
    known = ("type", "id", "status", "call_id", "name", "namespace", "arguments", "input")
    return hub.ToolCall(
        type="custom" if item["type"] == "custom_tool_call" else "function", text=text, name=item["name"],
        id=item.get("call_id") or item.get("id") or "", namespace=item.get("namespace"),
        wire={"id": item.get("id")},
        extra={key: value for key, value in item.items() if key not in known},
    )  # fmt: skip


def read_builtin(item: Json) -> hub.ToolCall:
    """A call of a built-in tool that the client runs."""
    kind = builtin.BY_CALL[item["type"]]
    arguments = item.get(kind.arguments)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, separators=(",", ":"))
    members = {key: item[key] for key in kind.members if key in item}
    return hub.ToolCall(
        type="client", text=text, id=item["call_id"], name=kind.tool, wire={"id": item.get("id"), "members": members}
    )
