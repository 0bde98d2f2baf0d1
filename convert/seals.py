"""State that is sealed on a tool call, for clients whose API has no slot there.

Google signs the calls themselves; other APIs have a place for such state on reasoning only. So it travels on a piece of
reasoning without words beside its call, which names the call, and is put back on it when the conversation returns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import count
from typing import Any

from convert import hub
from convert.hub import Sealed


def _bearer(call: hub.ToolCall, sealed: Sealed) -> hub.Reasoning:
    """The reasoning that bears the state of a call."""
    return hub.Reasoning(kind="summary", sealed=Sealed(sealed.format, {"call": call.id, "value": sealed.value}))


def apart(response: hub.Response) -> hub.Response:
    """A finished response with the state of each call on reasoning before it. Unchanged where there is none."""
    if not any(isinstance(p, hub.ToolCall) and p.sealed for choice in response.choices for p in choice.parts):
        return response
    choices = [dataclasses.replace(choice, parts=[*_apart(choice.parts)]) for choice in response.choices]
    return dataclasses.replace(response, choices=choices)


def _apart(parts: list[hub.Part]) -> Iterator[hub.Part]:
    for part in parts:
        if isinstance(part, hub.ToolCall) and part.sealed:
            yield _bearer(part, part.sealed)
            yield dataclasses.replace(part, sealed=None)
        else:
            yield part


def events_apart(events: Iterator[hub.Event]) -> Iterator[hub.Event]:
    """The same for a stream: before the call where it opens with its state, after it where the state comes at its end.
    Parts are numbered anew."""
    numbers = count()
    renumbered: dict[int, int] = {}
    calls: dict[int, tuple[hub.ToolCall, int]] = {}  # open calls, and whose choice they are in
    for event in events:
        if type(event) is hub.Delta and renumbered[event.index] == event.index:  # most events
            yield event
            continue
        match event:
            case hub.PartStart(index, part, choice):
                if isinstance(part, hub.ToolCall):
                    calls[index] = part, choice
                    if part.sealed:
                        yield from _borne(next(numbers), part, part.sealed, choice)
                        part = dataclasses.replace(part, sealed=None)
                renumbered[index] = next(numbers)
                yield hub.PartStart(renumbered[index], part, choice)
            case hub.Delta(index, text, logprobs):
                yield hub.Delta(renumbered[index], text, logprobs)
            case hub.PartEnd(index, sealed) if index in calls and sealed:
                call, choice = calls.pop(index)
                yield dataclasses.replace(event, index=renumbered[index], sealed=None)
                yield from _borne(next(numbers), call, sealed, choice)
            case hub.PartEnd(index):
                calls.pop(index, None)
                yield dataclasses.replace(event, index=renumbered[index])
            case _:
                yield event


def _borne(index: int, call: hub.ToolCall, sealed: Sealed, choice: int) -> Iterator[hub.Event]:
    bearer = _bearer(call, sealed)
    yield hub.PartStart(index, hub.Reasoning(kind="summary"), choice)
    yield hub.PartEnd(index, sealed=bearer.sealed)


def together(request: hub.Request) -> hub.Request:
    """A client's request with the state of calls back on them, and without the reasoning that bore it."""
    found: dict[str, Sealed] = {}
    for message in request.messages:
        for part in message.parts:
            if (borne := _borne_by(part)) is not None:
                found[borne.value["call"]] = Sealed(borne.format, borne.value["value"])
    if not found:
        return request
    messages = [_together(message, found) for message in request.messages]
    return dataclasses.replace(request, messages=[message for message in messages if message.parts])


def _borne_by(part: Any) -> Sealed | None:
    """The state that a piece of reasoning bears for a call."""
    sealed = part.sealed if isinstance(part, hub.Reasoning) and not part.text else None
    if sealed and isinstance(sealed.value, dict) and sealed.value.keys() == {"call", "value"}:
        return sealed if isinstance(sealed.value["call"], str) else None
    return None


def _together(message: hub.Message, found: dict[str, Sealed]) -> hub.Message:
    parts: list[hub.Part] = []
    for part in message.parts:
        if isinstance(part, hub.ToolCall) and part.id in found:
            part = dataclasses.replace(part, sealed=found[part.id])
        if _borne_by(part) is None:
            parts.append(part)
    return dataclasses.replace(message, parts=parts)
