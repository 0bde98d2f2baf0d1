"""Hub messages -> `system` and `messages`. Source: Anthropic API reference, "Create a Message".

The wire wants the user's and the assistant's turns to alternate, the user's first, and the results of a turn's calls
at the beginning of the next. System messages have a field of their own; some models take them in between as well.
"""

from __future__ import annotations

import json
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.messages.blocks import REDACTED
from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.sources import write_media
from convert.losses import Report
from convert.turns import as_users, merged, paired

Json = dict[str, Any]
FIRST = "Please continue."  # the words of a user's turn that has to be made up


def write_history(request: hub.Request, flavor: MessagesFlavor, report: Report) -> Json:
    """The members `system`, where there is one, and `messages`. Raises ProxyError (unsupported) for content that the
    wire has no place for."""
    if request.origin == "messages":
        return _restored(request, flavor, report)
    writer = Blocks(False, flavor, report)
    system = writer.blocks(request.instructions) if request.instructions else []
    turns: list[Json] = []
    apart = False  # an answer was left out: the user's turns around it stay two, as they were before it was there
    for message in merged(paired(request.messages, report), report):
        if message.name is not None:
            report.dropped(f"{message.path}.name")
        if message.extra:
            report.extras(message.path, message.extra)
        late = message.role in ("system", "developer") and turns and not flavor.system_in_messages
        blocks = writer.blocks(message) if not late else []
        if message.role not in ("system", "developer"):
            _add(turns, "assistant" if message.role == "assistant" else "user", blocks, apart)
            apart = not blocks if message.role == "assistant" else apart and not blocks
        elif not turns:
            system += blocks
        elif flavor.system_in_messages:
            _add(turns, "system", blocks)
        else:
            _add(turns, "user", writer.blocks(as_users(message, report)), apart)
    if not turns or turns[0]["role"] != "user":
        report.approximated("messages", "the user's turn that must come first was made up")
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": FIRST}]})
    body: Json = {"system": _short(system)} if system else {}
    for turn in turns:
        turn["content"] = _short(sorted(turn["content"], key=_after_results))
    return body | {"messages": turns}


def _add(turns: list[Json], role: str, blocks: list[Json], apart: bool = False) -> None:
    """Appends blocks to the last turn, if it is the same side's, or as a new one."""
    if not blocks:
        return
    if apart or not turns or turns[-1]["role"] != role:
        turns.append({"role": role, "content": []})
    turns[-1]["content"] += blocks


def _after_results(block: Json) -> bool:
    """The order of blocks in a user's turn: results of calls first."""
    return bool(block["type"] != "tool_result")


def _short(blocks: list[Json]) -> str | list[Json]:
    """One text without further members as a bare string."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks


def _restored(request: hub.Request, flavor: MessagesFlavor, report: Report) -> Json:
    """The history of this format as it was; system messages in between move where the provider takes none there."""
    writer = Blocks(True, flavor, report)
    body: Json = {}
    if request.instructions:
        blocks = writer.blocks(request.instructions)
        for place, block in request.wire.get("billing", {}).items() if flavor.billing else ():
            blocks.insert(int(place), block)
        plain = request.instructions.plain and len(blocks) == 1
        line = request.wire.get("line", "") if flavor.billing else ""
        body["system"] = line + blocks[0]["text"] if plain else blocks
    elif "system" in request.wire and (flavor.billing or not request.wire.get("billing")):
        body["system"] = request.wire["system"]
    turns: list[Json] = []
    for message in request.messages:
        if message.role == "system" and not flavor.system_in_messages:
            _add_system(body, turns, message, writer)
            continue
        blocks = writer.blocks(message)
        plain = message.plain and len(blocks) == 1
        content = blocks[0]["text"] if plain else blocks
        if turns and turns[-1].pop("made", False) and message.role == "user":
            content = sorted([*turns.pop()["content"], *blocks], key=_after_results)
        turns.append({"role": message.role, "content": content, **message.extra})
    if turns:
        turns[-1].pop("made", None)
    body["messages"] = turns
    return body


def _add_system(body: Json, turns: list[Json], message: hub.Message, writer: Blocks) -> None:
    """A system message among the others, for a provider that takes none there: in the system prompt, as long as
    nothing was said, else in the user's turn."""
    if not turns:
        writer.report.moved(message.path, "to the system prompt")
        body["system"] = [*_listed(body.get("system", [])), *writer.blocks(message)]
        return
    blocks = writer.blocks(as_users(message, writer.report))
    if turns[-1]["role"] == "user":
        turns[-1] = {**turns[-1], "content": [*_listed(turns[-1]["content"]), *blocks]}
    elif blocks:
        turns.append({"role": "user", "content": blocks, "made": True})


def _listed(content: str | list[Json]) -> list[Json]:
    """Content as a list of blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def arguments(call: hub.ToolCall) -> tuple[Json, bool]:
    """(the input of a call, whether its text was that). Free text, or JSON that is no object, is put into one."""
    if call.type == "custom":
        return {"input": call.text}, True
    try:
        value = json.loads(call.text) if call.text.strip() else {}
    except (ValueError, RecursionError):
        value = None
    return (value, True) if isinstance(value, dict) else ({"arguments": call.text}, False)


class Blocks:
    """Writes the blocks of one message at a time. `home`: the messages were read from this format."""

    def __init__(self, home: bool, flavor: MessagesFlavor, report: Report) -> None:
        self.home = home
        self.flavor = flavor
        self.report = report

    def blocks(self, message: hub.Message) -> list[Json]:
        """The content of a message."""
        return [written for part in message.parts if (written := self.block(part, message.role))]

    def block(self, part: hub.Part, role: str) -> Json | None:
        """One block; None for what was dropped. Raises ProxyError (unsupported) for media without a place."""
        if self.home and "whole" in part.wire:
            return dict(part.wire["whole"])
        if self.home and "within" in part.wire:
            return None
        match part:
            case hub.Text():
                return self.text(part)
            case hub.Refusal():
                return {"type": "text", "text": part.text, **self.extra(part)} if part.text.strip() else None
            case hub.Reasoning():
                return self.reasoning(part)
            case hub.ToolCall():
                return self.call(part)
            case hub.ToolResult():
                return self.result(part, role)
            case hub.Media() if role == "assistant" and not self.home:
                self.report.dropped(part.path, "no place in an earlier answer")
            case hub.Media():
                return write_media(part, self.home, self.report)
            case hub.Tools():
                self.report.moved(part.path, "to the request's tools")
            case hub.Raw():
                return self.raw(part, role)
        return None

    def extra(self, node: hub.Node) -> Json:
        """What only this format knows of a node; at another origin it is reported instead."""
        if self.home:
            return node.extra
        if node.extra:
            self.report.extras(node.path, node.extra)
        return {}

    def text(self, part: hub.Text) -> Json | None:
        """A text block. Blank ones are refused by the API."""
        cache = {"cache_control": part.cache} if part.cache is not None else {}
        if not self.home and not part.text.strip():
            if part.text or cache:
                self.report.dropped(part.path, "blank text")
            return None
        body: Json = {"type": "text", "text": part.text, **cache, **self.extra(part)}
        if self.home and "citations" in part.wire:
            body["citations"] = part.wire["citations"]
        if part.citations and self.home:
            body["citations"] = [citation.wire["citation"] for citation in part.citations]
        elif part.citations:
            self.report.dropped(f"{part.path}.annotations", "citations of another provider")
        return body

    def reasoning(self, part: hub.Reasoning) -> Json | None:
        """A thinking block: signed by this provider, or unsigned where that is accepted."""
        sealed = part.sealed
        if sealed and sealed.format != "messages":
            self.report.dropped(part.path, "sealed reasoning of another provider")
            sealed = None
        if sealed and isinstance(sealed.value, dict):
            return {"type": REDACTED, "data": sealed.value[REDACTED], **self.extra(part)}
        if sealed:
            return {"type": "thinking", "thinking": part.text, "signature": sealed.value, **self.extra(part)}
        if self.home and not part.sealed:
            return {"type": "thinking", "thinking": part.text, **part.wire, **part.extra}
        extra = self.extra(part)
        if part.text.strip() and self.flavor.unsigned_thinking:
            return {"type": "thinking", "thinking": part.text, "signature": "", **extra}
        if part.text:
            self.report.dropped(part.path, "reasoning without a signature of this provider")
        return None

    def call(self, call: hub.ToolCall) -> Json:
        """A tool_use block."""
        if call.sealed and call.sealed.format != "messages":
            self.report.dropped(call.path, "sealed state of another provider")
        given, exact = arguments(call)
        if not exact:
            self.report.approximated(call.path, "arguments that are no JSON object were put into one")
        caller = {"caller": call.wire["caller"]} if self.home and "caller" in call.wire else {}
        return {"type": "tool_use", "id": call.id, "name": call.name, "input": given, **caller, **self.extra(call)}

    def result(self, result: hub.ToolResult, role: str) -> Json:
        """A tool_result block."""
        body: Json = {"type": "tool_result", "tool_use_id": result.call_id}
        written = [block for part in result.parts if (block := self.block(part, "tool"))]
        if not self.home:
            body |= {"content": _short(written)} if written else {}
        elif not result.wire.get("absent"):
            plain = result.wire.get("plain") and len(written) == 1
            body["content"] = written[0]["text"] if plain else written
        if self.home and "is_error" in result.wire:
            body["is_error"] = result.wire["is_error"]
        elif result.error:
            body["is_error"] = True
        return body | self.extra(result)

    def raw(self, part: hub.Raw, role: str) -> Json | None:
        """A block or an item that only its own format understands."""
        if part.format == "messages":
            return dict(part.value)
        kind = part.value.get("type", "part") if isinstance(part.value, dict) else "part"
        if role != "assistant" and (".content[" in part.path or ".output[" in part.path):
            problem = f"{part.path}: this upstream takes no '{kind}' content"
            raise ProxyError("unsupported", problem, param=part.path)
        self.report.dropped(part.path, f"no place for '{kind}'")
        return None
