"""The form of the answer (JSON, or JSON that follows a schema) for a wire that has no way to say it.

A schema becomes a tool whose arguments are the answer. The model must call it where the client offers no tools of its
own; else it is told to, because a forced call would leave it no other. The call comes back as the text that the client
waits for. Where no call can be asked for either, the schema is told in words.

Source: Anthropic guide, "Tool use", JSON output before there were structured outputs; the same is done by LiteLLM,
LangChain and the AI SDK. Everything is derived from the request alone, so the same request always gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator

from convert import hub
from convert.losses import Report
from convert.tools import Support

NAME = "structured_answer"  # of the tool, where the client's schema has no name
LENGTH = 64  # characters of a tool's name
JSON_IN_WORDS = "Answer with one JSON object, and nothing else."
SCHEMA_IN_WORDS = "Answer with one JSON object that follows this JSON Schema, and nothing else:\n"
DESCRIPTION = "Gives the final answer to the user; its arguments are the answer."
INSTRUCTION = "Give your final answer by calling the tool '{}', and not as text. Use the other tools before, as needed."


def fit(request: hub.Request, support: Support, report: Report, home: bool = False) -> tuple[hub.Request, str]:
    """The request with only such a form of output as the wire can say, and the name of the tool whose call is the
    answer ("" for none). `home`: the wire is the request's own."""
    output = request.output
    if output is None or output.kind == "text":
        return request, ""
    can_schema, can_json = support.schemas, support.json
    if not home and not support.output_beside_tools and any(tool.type == "function" for tool in request.tools):
        can_schema = can_json = False
    if can_schema if output.kind == "schema" else can_json:
        return request, ""
    if output.kind == "schema" and support.named_choice and _is_object(output.schema):
        return _as_tool(request, output, report)
    return _in_words(request, output, can_json, report), ""


def _is_object(schema: hub.Json | None) -> bool:
    """Whether a schema can be that of a tool's arguments."""
    return schema is not None and schema.get("type") == "object"


def _as_tool(request: hub.Request, output: hub.Output, report: Report) -> tuple[hub.Request, str]:
    """The schema as a tool. A client's own tool that must be called leaves no room for an answer."""
    choice = request.choice
    if choice is not None and choice.kind in ("required", "named"):
        report.dropped(output.path, "a tool must be called, so that there is no answer in words")
        return dataclasses.replace(request, output=None), ""
    name = _free_name(output.name, {tool.name for tool in request.tools})
    tool = hub.Tool(
        name=name, description=output.description or DESCRIPTION, schema=output.schema,
        strict=output.strict, path=output.path,
    )  # fmt: skip
    report.approximated(output.path, "the schema became a tool, whose call is the answer")
    fitted = dataclasses.replace(request, output=None, tools=[*request.tools, tool])
    if not request.tools or (choice is not None and choice.kind == "none"):
        fitted.choice = hub.ToolChoice(kind="named", tool=tool, path=output.path)
        return fitted, name
    return _instructed(fitted, INSTRUCTION.format(name)), name


def _free_name(wanted: str | None, taken: set[str]) -> str:
    """A legal name for the tool that none of the client's has."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", wanted or NAME)[:LENGTH]
    while name in taken:
        name = f"{name[: LENGTH - 1]}_" if len(name) < LENGTH else f"_{name[:-1]}"
    return name


def _in_words(request: hub.Request, output: hub.Output, can_json: bool, report: Report) -> hub.Request:
    """The form told in words, and any JSON asked for where the wire can say that."""
    words = JSON_IN_WORDS
    if output.kind == "schema":
        words = SCHEMA_IN_WORDS + json.dumps(output.schema or {}, ensure_ascii=False)
    report.approximated(output.path, "the form of the answer is told in words")
    rest = hub.Output(kind="json", path=output.path, extra=output.extra) if can_json else None
    if rest is None:
        report.extras(output.path, output.extra)
    return _instructed(dataclasses.replace(request, output=rest), words)


def _instructed(request: hub.Request, words: str) -> hub.Request:
    """The request with more words at the end of its instructions, wherever the client has them."""
    if request.instructions is not None:
        return dataclasses.replace(request, instructions=_longer(request.instructions, words))
    opening = 0
    while opening < len(request.messages) and request.messages[opening].role in ("system", "developer"):
        opening += 1
    if not opening:
        told = hub.Message(role="system", parts=[hub.Text(text=words)], plain=True)
        return dataclasses.replace(request, instructions=told)
    messages = list(request.messages)
    messages[opening - 1] = _longer(messages[opening - 1], words)
    return dataclasses.replace(request, messages=messages)


def _longer(message: hub.Message, words: str) -> hub.Message:
    """A message with more words at its end; behind a cache breakpoint as a part of their own."""
    last = message.parts[-1] if message.parts else None
    if isinstance(last, hub.Text) and last.cache is None and not last.wire:
        longer = dataclasses.replace(last, text=f"{last.text}\n\n{words}")
        return dataclasses.replace(message, parts=[*message.parts[:-1], longer])
    return dataclasses.replace(message, parts=[*message.parts, hub.Text(text=words)], plain=False)


# --- the way back ----------------------------------------------------------------------------------


def restore(response: hub.Response, name: str) -> hub.Response:
    """A finished response with the call of the tool `name` as text; it is then no longer the upstream's object. Where
    it was not called, the very response."""
    if not any(_is_answer(part, name) for choice in response.choices for part in choice.parts):
        return response
    choices = [_restored(choice, name) for choice in response.choices]
    return dataclasses.replace(response, choices=choices, origin="")


def _restored(choice: hub.Choice, name: str) -> hub.Choice:
    if not any(_is_answer(part, name) for part in choice.parts):
        return choice
    parts: list[hub.Part] = []
    for part in choice.parts:
        if isinstance(part, hub.ToolCall) and part.name == name:
            parts.append(hub.Text(text=part.text))
        elif isinstance(part, hub.Text):  # the client reads all texts as the one answer
            parts.append(hub.Reasoning(text=part.text))
        else:
            parts.append(part)
    calls = any(isinstance(part, hub.ToolCall) for part in parts)
    return dataclasses.replace(choice, parts=parts, reason=_reason(choice.reason, calls))


def _is_answer(part: hub.Part, name: str) -> bool:
    return isinstance(part, hub.ToolCall) and part.name == name


def _reason(reason: hub.Reason, calls: bool) -> hub.Reason:
    """Why an answer ended of which one call was none. `calls`: whether there are others."""
    return hub.Reason("stop") if reason.kind == "tool_calls" and not calls else reason


def restored(events: Iterator[hub.Event], name: str) -> Iterator[hub.Event]:
    """The same for a stream. Text that comes before is held back until it is known what it is: the answer after all, or
    words on the way to it. Parts are numbered anew."""
    return _Restoring(name).run(events)


class _Restoring:
    def __init__(self, name: str) -> None:
        self.name = name
        self.held: dict[int, list[hub.Event]] = {}  # the events of text parts, by part
        self.numbers: dict[int, int] = {}  # of the parts that were passed on
        self.aside: set[int] = set()  # texts that became reasoning
        self.answered: set[int] = set()  # choices
        self.called: set[int] = set()

    def run(self, events: Iterator[hub.Event]) -> Iterator[hub.Event]:
        """The events, with the answer's call as text."""
        for event in events:
            match event:
                case hub.PartStart(index, hub.Text(), choice) if choice not in self.answered:
                    self.held[index] = [event]
                    continue
                case hub.PartStart(index, hub.Text()):
                    self.aside.add(index)
                case hub.PartStart(index, hub.ToolCall() as call, choice) if call.name == self.name:
                    yield from self.released(choice, True)
                    self.answered.add(choice)
                    event = hub.PartStart(index, hub.Text(), choice)
                case hub.PartStart(_, hub.ToolCall(), choice):
                    yield from self.released(choice, False)
                    self.called.add(choice)
                case hub.Delta(index) | hub.PartEnd(index) if index in self.held:
                    self.held[index].append(event)
                    continue
                case hub.End(reasons):
                    yield from self.released(None, False)
                    kept = [_reason(why, n in self.called) for n, why in enumerate(reasons)]
                    kept = [new if n in self.answered else reasons[n] for n, new in enumerate(kept)]
                    event = dataclasses.replace(event, reasons=kept)
                case hub.Failure():
                    yield from self.released(None, False)
            yield self.passed(event)

    def released(self, choice: int | None, aside: bool) -> Iterator[hub.Event]:
        """What was held back of a choice (None: of all). `aside`: as reasoning, because the answer is another part."""
        for index, events in list(self.held.items()):
            opening = events[0]
            if choice is not None and isinstance(opening, hub.PartStart) and opening.choice != choice:
                continue
            del self.held[index]
            if aside:
                self.aside.add(index)
            yield from (self.passed(event) for event in events)

    def passed(self, event: hub.Event) -> hub.Event:
        """An event under the number that its part has here."""
        match event:
            case hub.PartStart(index, part, choice):
                self.numbers[index] = len(self.numbers)
                return hub.PartStart(self.numbers[index], hub.Reasoning() if index in self.aside else part, choice)
            case hub.Delta(index, text, logprobs):
                return hub.Delta(self.numbers[index], text, None if index in self.aside else logprobs)
            case hub.PartEnd(index) if index in self.aside:
                return hub.PartEnd(self.numbers[index])
            case hub.PartEnd(index):
                return dataclasses.replace(event, index=self.numbers[index])
        return event
