"""Messages -> input items: what `items` reads, written. Source: OpenAI API reference, `input`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.responses import builtin, content
from convert.formats.responses.definitions import write_tools
from convert.formats.responses.flavor import ResponsesFlavor
from convert.losses import Report

Json = dict[str, Any]
CONTENT = {hub.Text, hub.Refusal, hub.Media}


def write_items(messages: list[hub.Message], home: bool, flavor: ResponsesFlavor, report: Report) -> list[Json]:
    """The `input` list. `home`: the messages were read from this format, and are restored exactly.
    Raises ProxyError (unsupported) for media that the wire has no part for."""
    writer = _Writer(home, flavor, report)
    return [item for message in messages for item in writer.items(message)]


def item_id(prefix: str, *seed: object) -> str:
    """A stable item id: the same history always gives the same bytes (prompt caches)."""
    return prefix + hashlib.sha256(repr(seed).encode("utf-8", "surrogatepass")).hexdigest()[:48]


class _Writer:
    """Writes one message at a time; holds what all of them need."""

    def __init__(self, home: bool, flavor: ResponsesFlavor, report: Report) -> None:
        self.home = home
        self.flavor = flavor
        self.report = report

    def items(self, message: hub.Message) -> Iterator[Json]:
        """The items of one message: content parts of one message item together, every other part its own."""
        if message.name is not None:
            self.report.dropped(f"{message.path}.name")
        if message.extra and not self.home:
            self.report.extras(message.path, message.extra)
        words: list[hub.Part] = []
        thoughts: list[hub.Reasoning] = []
        for part in message.parts:
            if thoughts and (not isinstance(part, hub.Reasoning) or thoughts[-1].sealed):
                yield from self.reasoning(message, thoughts)
                thoughts = []
            if self.is_content(part):
                words.append(part)
                continue
            if words:
                yield self.message(message, words)
                words = []
            if isinstance(part, hub.Reasoning):
                thoughts.append(part)
            else:
                yield from self.item(message, part)
        if thoughts:
            yield from self.reasoning(message, thoughts)
        if words or (self.home and not message.parts):
            yield self.message(message, words)

    def is_content(self, part: hub.Part) -> bool:
        """Whether a part stands inside of a message, and not for an item of its own."""
        return type(part) in CONTENT or (isinstance(part, hub.Raw) and ".content[" in part.path)

    def extra(self, node: hub.Node) -> Json:
        """What only this format knows of a node; at another origin it is reported instead."""
        if self.home:
            return node.extra
        if node.extra:
            self.report.extras(node.path, node.extra)
        return {}

    def identity(self, node: hub.Node) -> Json:
        """The id and status that the node had at home."""
        return {key: node.wire[key] for key in ("id", "status") if key in node.wire} if self.home else {}

    def message(self, message: hub.Message, parts: list[hub.Part]) -> Json:
        """A message item."""
        body: Json = {"type": "message", "role": message.role}
        if self.home:
            body |= self.identity(message) | message.extra
            if message.wire.get("untyped"):
                del body["type"]
        if message.role == "assistant" and not self.home:
            return body | self.answer(parts)
        if message.plain and len(parts) == 1 and isinstance(parts[0], hub.Text) and not parts[0].extra:
            body["content"] = parts[0].text
        else:
            kind = "output_text" if message.role == "assistant" else "input_text"
            body["content"] = [written for part in parts if (written := self.content(part, kind))]
        return body

    def content(self, part: hub.Part, kind: str) -> Json | None:
        """One content part, texts under the type `kind`."""
        if isinstance(part, hub.Text):
            return content.write_text(part, self.home, kind, self.report)
        return content.write_input(part, self.home, self.report)

    def answer(self, parts: list[hub.Part]) -> Json:
        """An earlier answer of another format: one text as a bare string, the form that needs no id; else
        the full form, whose id only has to be well formed."""
        for media in [part for part in parts if isinstance(part, hub.Media | hub.Raw)]:
            self.report.dropped(media.path, "no place in an earlier answer")
        words = [part for part in parts if isinstance(part, hub.Text | hub.Refusal)]
        if len(words) == 1 and isinstance(words[0], hub.Text) and not words[0].citations:
            content.write_text(words[0], self.home, "output_text", self.report)  # reports what is lost
            return {"content": words[0].text}
        written = [body for part in words if (body := self.content(part, "output_text"))]
        for body in written:
            if body["type"] == "output_text":
                body.setdefault("annotations", [])
                body.setdefault("logprobs", [])
        return {"id": item_id("msg_", [part.text for part in words]), "status": "completed", "content": written}

    def reasoning(self, message: hub.Message, parts: list[hub.Reasoning]) -> Iterator[Json]:
        """A reasoning item. Sealed state of another issuer is never sent; what is left may be nothing."""
        sealed = next((part.sealed for part in parts if part.sealed), None)
        if sealed and sealed.format != "responses":
            self.report.dropped(parts[-1].path, "sealed reasoning of another provider")
            sealed = None
        body: Json = {"type": "reasoning", **self.identity(message)}
        body["summary"] = [self.thought(p) for p in parts if p.kind == "summary" and (p.text or self.kept(p))]
        full = [self.thought(part) for part in parts if part.kind == "full"]
        if full and not self.flavor.reasoning_text:
            self.report.dropped(parts[0].path, "this upstream takes back no reasoning in the open")
        elif full:
            body["content"] = full
        if sealed:
            body["encrypted_content"] = sealed.value
        if self.home:
            if not body["summary"] and "summary" not in message.wire:
                del body["summary"]
            if "content" in message.wire:
                body.setdefault("content", [])
            yield body | message.extra
        elif body["summary"] or "content" in body or sealed:
            yield {**body, "id": item_id("rs_", [part.text for part in parts])}

    def kept(self, part: hub.Reasoning) -> bool:
        """Whether a summary without words is one that was sent so, not the mere bearer of a seal."""
        return self.home and "absent" not in part.wire

    def thought(self, part: hub.Reasoning) -> Json:
        """One text of a reasoning item."""
        kind = "summary_text" if part.kind == "summary" else "reasoning_text"
        return {"type": kind, "text": part.text, **self.extra(part)}

    def item(self, message: hub.Message, part: hub.Part) -> Iterator[Json]:
        """The item of a part that stands alone."""
        match part:
            case hub.ToolCall():
                yield self.call(part)
            case hub.ToolResult():
                yield self.result(part, message.plain)
            case hub.Tools():
                tools = write_tools(part.tools, self.home, self.report)
                body: Json = {"type": "additional_tools", "role": message.role, "tools": tools}
                yield body | self.identity(message) | (message.extra if self.home else {})
            case hub.Raw(format="responses", value=value):
                yield dict(value)
            case hub.Raw(format=origin):
                self.report.dropped(part.path, f"an item of the {origin} format")

    def call(self, call: hub.ToolCall) -> Json:
        """A call item of the call's type."""
        if call.sealed and call.sealed.format != "responses":
            self.report.dropped(call.path, "sealed state of another provider")
        if call.type == "client" and (kind := builtin.BY_TOOL.get(call.name)):
            return self.builtin_call(call, kind)
        body: Json = {"type": "function_call", "call_id": call.id, "name": call.name}
        if call.type == "custom":
            body |= {"type": "custom_tool_call", "input": call.text}
        else:
            body["arguments"] = call.text if self.home else call.text or "{}"
        if call.namespace is not None:
            body["namespace"] = call.namespace
        return body | self.identity(call) | self.extra(call)

    def builtin_call(self, call: hub.ToolCall, kind: builtin.Builtin) -> Json:
        """The call item of a built-in tool. Raises ProxyError for arguments that are no JSON object."""
        if call.wire.get("text"):
            arguments: Any = call.text
        else:
            try:
                arguments = json.loads(call.text) if self.home else builtin.call_arguments(kind, call.text)
            except ValueError as error:
                raise ProxyError("invalid_request", f"{call.path}: {error}", param=call.path) from None
        members = call.wire.get("members", kind.members)
        identity = self.identity(call) or {"id": item_id(kind.prefix, call.id), "status": "completed"}
        if self.home:
            identity = self.identity(call)
        called = {"call_id": call.id} if call.wire.get("called", True) or not self.home else {}
        return {
            "type": kind.call, **called, kind.arguments: arguments, **members, **identity, **self.extra(call)
        }  # fmt: skip

    def result(self, result: hub.ToolResult, plain: bool) -> Json:
        """An output item. A failure has no slot here and is told in the text of the output alone."""
        if "item" in result.wire:
            return self.builtin_result(result, builtin.BY_TOOL[result.wire["item"]])
        kind = "custom_tool_call_output" if result.type == "custom" else "function_call_output"
        body: Json = {"type": kind, "call_id": result.call_id}
        if result.error:
            self.report.approximated(f"{result.path}.is_error", "told in the text of the output only")
        only = result.parts[0] if len(result.parts) == 1 else None
        if isinstance(only, hub.Text) and (plain or not (self.home or only.cache)) and not only.extra:
            body["output"] = only.text
        elif not result.parts and not self.home:
            body["output"] = ""
        else:
            body["output"] = [written for part in result.parts if (written := self.content(part, "input_text"))]
        if result.name is not None and self.home:
            body["name"] = result.name
        return body | self.identity(result) | self.extra(result)

    def builtin_result(self, result: hub.ToolResult, kind: builtin.Builtin) -> Json:
        """The output item of a built-in tool, at home."""
        body: Json = {"type": kind.output, **self.identity(result), **result.extra}
        if result.wire["called"]:
            body["call_id"] = result.call_id
        if kind.tool == "tool_search":
            if result.wire["execution"] is not None:
                body["execution"] = result.wire["execution"]
            tools = [tool for part in result.parts if isinstance(part, hub.Tools) for tool in part.tools]
            return body | {"tools": write_tools(tools, self.home, self.report)}
        text = "".join(part.text for part in result.parts if isinstance(part, hub.Text))
        return body | {"output": text if result.wire["text"] else json.loads(text)}
