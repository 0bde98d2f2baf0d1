"""Hub messages -> messages on the wire: what `messages` reads, written in a provider's dialect."""

from __future__ import annotations

import json
from typing import Any

from convert import hub
from convert.formats.chat import content
from convert.formats.chat.flavor import ChatFlavor
from convert.losses import Report

Json = dict[str, Any]


def write_messages(messages: list[hub.Message], home: bool, flavor: ChatFlavor, report: Report) -> list[Json]:
    """The `messages` list. Raises ProxyError (unsupported) for content that the wire has no place for."""
    writer = _Writer(home, flavor, report)
    written: list[Json] = []
    held: list[Json] = []  # media of tool results, which wait until all results of a turn are given
    for message in messages:
        kinds = {*map(type, message.parts)}
        if hub.ToolResult in kinds:
            for part in message.parts:
                if isinstance(part, hub.ToolResult):
                    written.append(writer.result(part, message, held))
        elif held:
            written += held
            held = []
        if kinds != RESULT and (body := writer.message(message, kinds)):
            written.append(body)
    written += held
    return _merged_system(written) if flavor.system == "merged" else written


def _merged_system(messages: list[Json]) -> list[Json]:
    """All system messages as one, at the start; for servers whose templates take no other."""
    system = [message for message in messages if message["role"] in ("system", "developer")]
    if len(system) <= 1 and messages[: len(system)] == system:
        return messages
    texts = [_flat(message["content"]) for message in system]
    rest = [message for message in messages if message["role"] not in ("system", "developer")]
    return [{**system[0], "content": "\n\n".join(texts)}, *rest]


def _flat(words: Any) -> str:
    """Text parts as one string."""
    if isinstance(words, str):
        return words
    return "\n\n".join(part["text"] if isinstance(part, dict) else part for part in words)


RESULT = {hub.ToolResult}
CONTENT = {hub.Text, hub.Media, hub.Raw}


class _Writer:
    """Writes one message at a time; holds what all of them need."""

    def __init__(self, home: bool, flavor: ChatFlavor, report: Report) -> None:
        self.home = home
        self.flavor = flavor
        self.report = report
        # beside a call some providers want reasoning even where there is none
        self.thoughtful = {hub.Reasoning} if flavor.missing_reasoning is None else {hub.Reasoning, hub.ToolCall}

    def extra(self, node: hub.Node) -> Json:
        """What only this format knows of a node; at another origin it is reported instead."""
        if self.home:
            return node.extra
        if node.extra:
            self.report.extras(node.path, node.extra)
        return {}

    def message(self, message: hub.Message, kinds: set[type]) -> Json | None:
        """A system, developer, user or assistant message, without results; None where nothing is left of it. `kinds`:
        the types of its parts."""
        role = self.flavor.developer_role if message.role == "developer" else message.role
        body: Json = {"role": role}
        kinds = kinds if role == "assistant" else set()
        if not kinds.isdisjoint(self.thoughtful):
            body |= self.reasoning(message, kinds)
        if words := [part for part in message.parts if self.is_content(part)]:
            body["content"] = self.content(words, message.role, message.plain)
        elif self.home and "empty" in message.wire:
            body["content"] = message.wire["empty"]
        if message.name is not None:
            body["name"] = message.name
        self.thought_first(body)
        if hub.Refusal in kinds:
            body |= self.refusal(message)
        if hub.ToolCall in kinds:
            body |= self.calls(message)
        body |= self.extra(message)
        return body if self.home else self.filled(body)

    def filled(self, body: Json) -> Json | None:
        """A message with some content, which the wire wants even beside calls; None where it says nothing."""
        words = body.get("content")
        if words in (None, []):
            if body.keys().isdisjoint(("tool_calls", "refusal", self.flavor.reasoning_field)):
                return None
            body["content"] = self.flavor.empty_content
        elif words == "" and "tool_calls" in body:
            body["content"] = self.flavor.empty_content
        return body

    def is_content(self, part: hub.Part) -> bool:
        """Whether a part belongs to `content`."""
        if isinstance(part, hub.Refusal):
            return self.home and "field" not in part.wire
        if isinstance(part, hub.Reasoning):
            return self.home and "part" in part.wire
        return type(part) in CONTENT

    def content(self, words: list[hub.Part], role: hub.Role, plain: bool) -> Any:
        """`content`: one string where it was one, or where a single text says it all; else a list."""
        only = words[0] if len(words) == 1 else None
        single = isinstance(only, hub.Text) and not only.cache and not only.citations
        if isinstance(only, hub.Text) and (plain or (single and not self.home and not only.extra)):
            return only.text
        written = []
        for part in words:
            if role == "assistant" and self.is_dropped(part):
                self.report.dropped(part.path, "no place in an earlier answer")
            elif (body := content.write_part(part, self.home, self.report)) not in (None, {"type": "text", "text": ""}):
                written.append(body)
        if self.flavor.flatten and written and all(isinstance(p, str) or p["type"] == "text" for p in written):
            return _flat(written)
        return written

    def is_dropped(self, part: hub.Part) -> bool:
        """Whether a part of an earlier answer of another format has no place here."""
        unknown = isinstance(part, hub.Raw) and ".content[" in part.path
        return not self.home and (unknown or isinstance(part, hub.Media))

    def reasoning(self, message: hub.Message, kinds: set[type]) -> Json:
        """The reasoning of an earlier answer, in the field that the provider reads. `kinds`: the types of its parts."""
        thoughts = [part for part in message.parts if isinstance(part, hub.Reasoning) and "part" not in part.wire]
        if self.home:
            return {field: part.text for part in thoughts for field in part.wire.get("fields", ["reasoning_content"])}
        calls = hub.ToolCall in kinds
        field = self.flavor.reasoning_field if calls or self.flavor.replay == "all" else ""
        texts = []
        for part in thoughts:
            self.report.extras(part.path, part.extra)
            if part.sealed:
                self.report.dropped(part.path, "sealed reasoning")
            if part.text and field:
                texts.append(part.text)
            elif part.text:
                self.report.dropped(part.path, "this upstream takes back no reasoning")
        if calls and field and not texts and self.flavor.missing_reasoning is not None:
            return {field: self.flavor.missing_reasoning}  # of another upstream, or lost
        return {field: "\n\n".join(texts)} if texts else {}

    def thought_first(self, body: Json) -> None:
        """Moves reasoning into the content, for models that read their own tags there."""
        if thought := body.pop("think", None):
            words = body.get("content") or ""
            tagged = f"<think>\n{thought}\n</think>\n\n"
            first = {"type": "text", "text": tagged}
            body["content"] = tagged + words if isinstance(words, str) else [first, *words]

    def refusal(self, message: hub.Message) -> Json:
        """An earlier refusal."""
        texts = [p.text for p in message.parts if isinstance(p, hub.Refusal) and not self.is_content(p)]
        return {"refusal": "\n\n".join(texts)} if texts else {}

    def calls(self, message: hub.Message) -> Json:
        """`tool_calls`, or the legacy single call."""
        calls: list[Json] = []
        for part in message.parts:
            if isinstance(part, hub.ToolCall):
                if self.home and not calls and part.wire.get("legacy"):
                    return {"function_call": {"name": part.name, "arguments": part.text}}
                calls.append(self.call(part))
        return {"tool_calls": calls}

    def call(self, call: hub.ToolCall) -> Json:
        """One call."""
        if call.sealed:
            self.report.dropped(call.path, "sealed state of another provider")
        extra = self.extra(call)
        kind = "custom" if call.type == "custom" else "function"
        inner: Json = {"name": call.name}
        if kind == "custom":
            inner["input"] = call.text
        elif not (self.home and call.wire.get("absent")):
            text = call.text if self.home else call.text.strip() or "{}"
            inner["arguments"] = json.loads(text) if self.home and call.wire.get("object") else text
        body: Json = {"id": call.id, "type": kind, kind: inner}
        if self.home and call.wire.get("untyped"):
            del body["type"]
        if self.home and "index" in call.wire:
            body["index"] = call.wire["index"]
        if extra:
            inner |= {key.removeprefix(f"{kind}."): v for key, v in extra.items() if key.startswith(f"{kind}.")}
            body |= {key: value for key, value in extra.items() if "." not in key}
        return body

    def result(self, result: hub.ToolResult, message: hub.Message, held: list[Json]) -> Json:
        """A tool message. Media that the wire has no place for there follow in a user message of their own."""
        body: Json = {"role": "tool", "tool_call_id": result.call_id}
        if self.home and result.wire.get("legacy"):
            body = {"role": "function"}
        if result.name is not None and self.home:
            body["name"] = result.name
        if result.error and not self.home:
            self.report.approximated(f"{result.path}.is_error", "told in the text of the result only")
        parts = result.parts
        if hub.Media in map(type, parts) and not (self.flavor.tool_media or self.home):
            media = [part for part in parts if isinstance(part, hub.Media)]
            parts = [part for part in parts if not isinstance(part, hub.Media)]
            held.append(self.apart(result, media))
        if not parts and self.home:
            return body | ({} if result.wire.get("absent", True) else {"content": None}) | self.extra(result)
        told = "(see the following message)" if held else ""
        body["content"] = (self.content(parts, "tool", message.plain and len(parts) == 1) or "") if parts else told
        return body | self.extra(result)

    def apart(self, result: hub.ToolResult, media: list[hub.Media]) -> Json:
        """Media of a tool's result as a user message that names the call."""
        for part in media:
            self.report.moved(part.path, "from the tool's result to a user message")
        heading = {"type": "text", "text": f"Attached to the result of tool call {result.call_id}:"}
        return {"role": "user", "content": [heading, *(content.write_part(p, self.home, self.report) for p in media)]}
