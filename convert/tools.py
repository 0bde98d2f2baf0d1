"""Fits a request's tools to what a wire can say, and maps the calls that come back to what was offered.

Not every wire has custom (free text) tools, namespaces, built-in tools that the client runs, or names over 64
characters. `fit` rewrites the request (tools, choice, history) into plain functions under legal names and
returns `Names`, which turns each returning call into the type, name and namespace that the client knows.
Everything is derived from the request alone, so the same history always gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import operator
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from convert import hub
from convert.losses import Report
from convert.unwrap import Input, unwrap

_SEPARATOR = re.compile(r"__|[.:/]")
_compiled = functools.cache(re.compile)  # of patterns that formats and providers declare


@dataclass(frozen=True, slots=True)
class Support:
    """What a wire can say of tools, and of the form of the output. `hosted`: hosted tools of other formats that it can
    carry. `legal_id`: the pattern that a whole call id must match, if any. `illegal_name`: what no name may have."""

    custom: bool = False
    namespaces: bool = False
    client: bool = False  # its own built-ins that the client executes
    in_history: bool = False  # tools that are announced in the middle of a conversation
    hosted: frozenset[str] = frozenset()
    allowed_choice: bool = False  # a choice among some of the tools
    name_length: int = 64
    illegal_name: str = r"[^A-Za-z0-9_-]"
    id_length: int = 64
    legal_id: str = ""
    named_choice: bool = True  # a choice of one function
    schemas: bool = True  # a JSON Schema for the output
    json: bool = True  # any JSON as the output
    output_beside_tools: bool = True  # a form of the output while there are functions


@dataclass(frozen=True, slots=True)
class Known:
    """A tool as the client knows it."""

    type: str
    name: str
    namespace: str | None = None


class Names:
    """The way back: for each wire name that was changed, the tool as the client knows it.
    False in a condition when nothing was changed, and answers need no mapping."""

    def __init__(self) -> None:
        self.changed: dict[str, Known] = {}
        self.offered: dict[str, Known] = {}

    def __bool__(self) -> bool:
        return bool(self.changed)

    def add(self, wire: str, known: Known) -> None:
        """Records that `known` is offered under the name `wire`."""
        self.offered[wire] = known
        if known != Known("function", wire):
            self.changed[wire] = known

    def find(self, name: str) -> Known | None:
        """The client's tool for a called name; None when it needs no change, or cannot be told.

        Models drop or respell namespaces (`echo_text`, `mcp__echo.echo_text`): a name that was not offered
        is taken for the one tool whose last component it ends with, if there is just one."""
        if name in self.offered:
            return self.changed.get(name)
        last = _SEPARATOR.split(name)[-1]
        alike = {known for known in self.offered.values() if _SEPARATOR.split(known.name)[-1] == last}
        return alike.pop() if len(alike) == 1 else None


def fit(request: hub.Request, support: Support, report: Report, home: bool = False) -> tuple[hub.Request, Names]:
    """The request with only such tools, calls and results as the wire can say, the very one where it has no others; and
    the way back.
    `home`: the wire is the request's own, so that its hosted tools and announcements are understood."""
    fitting = _Fitting(support, report, home)
    tools = request.tools if support.in_history else [*request.tools, *_announced(request.messages)]
    offered = fitting.offer(tools)
    messages = [fitted for message in request.messages if (fitted := fitting.message(message)) is not None]
    choice = request.choice
    if choice is not None:
        choice, offered = fitting.choose(choice, offered)
    if choice is not request.choice or not _same(offered, request.tools) or not _same(messages, request.messages):
        request = dataclasses.replace(request, tools=offered, messages=messages, choice=choice)
    return request, fitting.names


def _same(new: list[Any], old: list[Any]) -> bool:
    """Whether two lists hold the very same objects."""
    return len(new) == len(old) and all(map(operator.is_, new, old))


def _announced(messages: list[hub.Message]) -> list[hub.Tool]:
    """The tools that become known in the course of the conversation."""
    return [
        tool
        for message in messages
        for part in message.parts
        for inner in (part.parts if type(part) is hub.ToolResult else (part,))
        if type(inner) is hub.Tools
        for tool in inner.tools
    ]


def short_id(call_id: str, support: Support) -> str:
    """A call id that the wire accepts; the same for a call and its result, in every request."""
    if len(call_id) <= support.id_length and (not support.legal_id or _compiled(support.legal_id).fullmatch(call_id)):
        return call_id
    digest = _digest(call_id)[:32]
    return f"call_{digest}" if support.id_length > len(digest) + 4 else digest[: support.id_length]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Fitting:
    def __init__(self, support: Support, report: Report, home: bool) -> None:
        self.support = support
        self.report = report
        self.home = home
        self.client = support.client and home  # built-ins differ from format to format
        self.names = Names()
        self.illegal = _compiled(support.illegal_name)

    # --- names ---

    def wire_name(self, name: str, namespace: str | None) -> str:
        """The name of a tool on the wire: flattened, legal and short enough."""
        if namespace is not None and not self.support.namespaces:
            name = name if name.startswith(f"{namespace}__") else f"{namespace}__{name}"
        if len(name) <= self.support.name_length and not self.illegal.search(name):
            return name
        legal = self.illegal.sub("_", name)
        return f"{legal[: self.support.name_length - 9]}_{_digest(name)[:8]}"

    # --- tools on offer ---

    def offer(self, tools: list[hub.Tool]) -> list[hub.Tool]:
        """The tools that the wire is given; each name once, the first definition wins."""
        offered: dict[tuple[str, str], hub.Tool] = {}
        for tool in tools:
            for fitted in self.fitted(tool):
                offered.setdefault((fitted.type, fitted.name if fitted.type != "hosted" else repr(fitted)), fitted)
        return list(offered.values())

    def fitted(self, tool: hub.Tool) -> Iterator[hub.Tool]:
        """What becomes of one tool."""
        if tool.type == "namespace" and not self.support.namespaces:
            yield from self.flattened(tool)
        elif tool.type == "namespace":
            nested = [inner for each in tool.tools for inner in self.named(each, tool.name)]
            yield dataclasses.replace(tool, tools=nested)
        elif tool.type == "hosted":
            if self.home or tool.name in self.support.hosted:
                yield tool
            else:
                self.report.dropped(tool.path, f"hosted tool '{tool.name}'")
        else:
            yield from self.named(tool, None)

    def flattened(self, group: hub.Tool) -> Iterator[hub.Tool]:
        """The tools of a namespace on their own; its description opens that of the first."""
        self.report.approximated(group.path, "a namespace became a prefix of its tools' names")
        for number, tool in enumerate(group.tools):
            if number == 0 and group.description:
                text = f"{group.description}\n\n{tool.description}" if tool.description else group.description
                tool = dataclasses.replace(tool, description=text)
            yield from self.named(tool, group.name)

    def named(self, tool: hub.Tool, namespace: str | None) -> Iterator[hub.Tool]:
        """A function, custom or client tool under its wire name, emulated where the wire lacks its type."""
        wire = self.wire_name(tool.name, namespace)
        if tool.type == "custom" and not self.support.custom:
            fitted = self.emulated(tool)
        elif tool.type == "client" and not self.client:
            self.report.approximated(tool.path, f"'{tool.name}' is offered as a function")
            fitted = dataclasses.replace(tool, type="function", wire={})
        else:
            fitted = tool
        kept = namespace is not None and self.support.namespaces  # such a call says its namespace itself
        if fitted is tool and wire == tool.name and (namespace is None or kept):
            if not kept:
                self.names.add(wire, Known("function", wire))
            yield tool
            return
        self.names.add(wire, Known(tool.type, tool.name, namespace))
        yield dataclasses.replace(fitted, name=wire)

    def emulated(self, tool: hub.Tool) -> hub.Tool:
        """A custom tool as a function with one string."""
        self.report.approximated(tool.path, "a custom tool became a function with one string")
        description, grammar = tool.description or "", tool.schema or {}
        if grammar.get("definition"):
            description += (
                f"\n\nThe input must follow this {grammar.get('syntax', 'lark')} grammar:\n{grammar['definition']}"
            )
        schema = {
            "type": "object",
            "properties": {"input": {"type": "string", "description": "The whole input, as plain text."}},
            "required": ["input"],
            "additionalProperties": False,
        }
        return dataclasses.replace(tool, type="function", description=description.strip(), schema=schema)

    # --- choice ---

    def choose(
        self, choice: hub.ToolChoice, offered: list[hub.Tool]
    ) -> tuple[hub.ToolChoice | None, list[hub.Tool]]:
        """The choice in terms of what is offered, and the tools that then remain on offer."""
        if choice.kind == "named" and choice.tool:
            chosen = self.chosen(choice.tool, offered)
            if chosen:
                return dataclasses.replace(choice, tool=chosen), offered
            self.report.approximated(choice.path, f"'{choice.tool.name}' is not offered to this upstream; now auto")
            return hub.ToolChoice(kind="auto", path=choice.path), offered
        if choice.kind == "allowed":
            chosen_ones = [found for tool in choice.tools if (found := self.chosen(tool, offered))]
            if self.support.allowed_choice:
                return dataclasses.replace(choice, tools=chosen_ones), offered
            self.report.approximated(choice.path, "only the allowed tools are offered")
            names = {tool.name for tool in chosen_ones}
            kept = [tool for tool in offered if tool.name in names]
            for tool in offered if kept else ():
                if tool.name not in names:
                    self.report.dropped(tool.path, "not among the allowed tools")
            return hub.ToolChoice(kind=choice.mode if kept else "none", path=choice.path), kept or offered
        return choice, offered

    def chosen(self, tool: hub.Tool, offered: list[hub.Tool]) -> hub.Tool | None:
        """The offered form of a tool that a choice names."""
        for candidate in offered:
            known = self.names.changed.get(candidate.name)
            name = known.name if known else candidate.name
            if name == tool.name or candidate.name == tool.name:
                return dataclasses.replace(tool, type=candidate.type, name=candidate.name)
        return tool if self.home else None

    # --- history ---

    def message(self, message: hub.Message) -> hub.Message | None:
        """A message with its calls and results fitted; None when nothing is left of it. Unchanged ones as they are."""
        parts: list[hub.Part] = []
        same = True
        for part in message.parts:
            fitted = self.part(part)
            same = same and fitted is part
            if fitted is not None:
                parts.append(fitted)
        if same:
            return message
        return dataclasses.replace(message, parts=parts) if parts else None

    def part(self, part: hub.Part) -> hub.Part | None:
        """One part of the history; None where it has no place there."""
        if isinstance(part, hub.ToolCall):
            return self.call(part)
        if isinstance(part, hub.ToolResult):
            return self.result(part)
        if isinstance(part, hub.Tools) and not self.support.in_history:
            self.report.moved(part.path, "to the request's tools")
            return None
        return part

    def call(self, call: hub.ToolCall) -> hub.ToolCall:
        """An earlier call under the name and type that the wire knows."""
        changes: dict[str, object] = {}
        if call.type == "custom" and not self.support.custom:
            changes |= {"type": "function", "text": json.dumps({"input": call.text})}
        elif call.type == "client" and not self.client:
            changes |= {"type": "function"}
        name = call.name
        if call.namespace is not None or name not in self.names.offered:
            name = self.wire_name(name, call.namespace)
        if changes and name not in self.names.offered:  # else the tool was reported
            self.report.approximated(call.path, f"a {call.type} call became a function call")
        if name not in self.names.offered and call.name in self.names.offered:
            name = call.name  # a tool that a search has loaded is called with itself as its namespace
        if name != call.name:
            changes["name"] = name
        if call.namespace is not None and not self.support.namespaces:
            changes["namespace"] = None
        if (call_id := short_id(call.id, self.support)) != call.id:
            changes["id"] = call_id
        return dataclasses.replace(call, **changes) if changes else call  # type: ignore[arg-type]

    def result(self, result: hub.ToolResult) -> hub.ToolResult:
        """An earlier result, of the type that its call has on the wire."""
        changes: dict[str, object] = {}
        emulated = (result.type == "custom" and not self.support.custom) or (
            result.type == "client" and not self.client
        )
        if emulated:
            changes |= {"type": "function", "wire": {}}
        if (call_id := short_id(result.call_id, self.support)) != result.call_id:
            changes["call_id"] = call_id
        if hub.Tools in map(type, result.parts) and not (self.support.in_history and self.home):
            changes["parts"] = [self.told(part) if isinstance(part, hub.Tools) else part for part in result.parts]
        return dataclasses.replace(result, **changes) if changes else result  # type: ignore[arg-type]

    def told(self, part: hub.Tools) -> hub.Text:
        """Tools that a search found, told in words; they themselves join the request's tools."""
        self.report.moved(part.path, "to the request's tools")
        found = [fitted.name for tool in part.tools for fitted in _Fitting(self.support, Report(), True).fitted(tool)]
        text = f"These tools are available now: {', '.join(found)}." if found else "No tools were found."
        return hub.Text(text=text, path=part.path)


def restored(events: Iterable[hub.Event], names: Names) -> Iterator[hub.Event]:
    """Events with each tool call under its type, name and namespace of the client; the input of an emulated
    custom tool comes out of its JSON wrapping as it arrives."""
    inputs: dict[int, Input] = {}
    for event in events:
        if type(event) is hub.Delta and event.index not in inputs:  # most events
            yield event
            continue
        match event:
            case hub.PartStart(index, hub.ToolCall() as call, choice) if known := names.find(call.name):
                event = hub.PartStart(index, _as_known(call, known), choice)
                if known.type == "custom" and call.type == "function":
                    inputs[index] = Input()
            case hub.Delta(index, text):
                event = hub.Delta(index, inputs[index].add(text))
                if not event.text:
                    continue
            case hub.PartEnd(index) if index in inputs:
                if rest := inputs.pop(index).end():
                    yield hub.Delta(index, rest)
        yield event


def restore(response: hub.Response, names: Names) -> hub.Response:
    """The same for a finished response."""
    if not names:
        return response
    choices = [
        dataclasses.replace(choice, parts=[_restored_part(part, names) for part in choice.parts])
        for choice in response.choices
    ]
    return dataclasses.replace(response, choices=choices)


def _restored_part(part: hub.Part, names: Names) -> hub.Part:
    if not isinstance(part, hub.ToolCall) or not (known := names.find(part.name)):
        return part
    call = _as_known(part, known)
    if known.type == "custom" and part.type == "function":
        call.text = unwrap(part.text)
    return call


def _as_known(call: hub.ToolCall, known: Known) -> hub.ToolCall:
    return dataclasses.replace(call, type=known.type, name=known.name, namespace=known.namespace)  # type: ignore[arg-type]
