"""Reasoning that a client does not give back, and its upstream wants again: it waits until its tool call comes back.

An API that signs its reasoning wants it again beside the calls that it led to, and some want it that do not sign it. A
Chat client returns the call only; Gemini CLI leaves thoughts out; a client of the Messages API that did not ask for
thinking is given none. So the reasoning before an answer's calls, and what is sealed on a call itself, is kept under
the call's id.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from convert import hub, stream
from convert.hub import Sealed

Json = dict[str, Any]
Keep = Callable[[dict[str, Json]], None]  # takes what waits, by call id
Recall = Callable[[list[str]], Mapping[str, Json]]  # gives what waits for those of the call ids that have something


def of_response(response: hub.Response, keep: Keep, slots: bool = False, unsealed: bool = False) -> hub.Response:
    """A finished response whose sealed state has gone to `keep`. `slots`: the client has a place for it, and is given
    it too. `unsealed`: reasoning is kept whether or not it is sealed."""
    found: dict[str, Json] = {}
    for choice in response.choices:
        found |= _of_parts(choice.parts, unsealed)
    if found:
        keep(found)
    if slots:
        return response
    choices = [dataclasses.replace(each, parts=[bare(part) for part in each.parts]) for each in response.choices]
    return dataclasses.replace(response, choices=choices)


def of_events(
    events: Iterator[hub.Event], keep: Keep, slots: bool = False, unsealed: bool = False
) -> Iterator[hub.Event]:
    """The same for a stream; `keep` is called before the end is passed on."""
    folded = stream.Fold()
    watched: dict[int, hub.Part] = {}  # reasoning and calls; other parts hold nothing
    numbers: dict[int, int] = {}
    for event in events:
        match event:
            case hub.PartStart(index, hub.Reasoning() | hub.ToolCall() as part, choice):
                numbers[index] = len(folded.parts)
                folded.add(hub.PartStart(numbers[index], part, choice))
                watched[index] = part
                yield event if slots else dataclasses.replace(event, part=bare(part))
            case hub.Delta(index) if index in watched:
                folded.add(dataclasses.replace(event, index=numbers[index]))
                yield event
            case hub.PartEnd(index) if index in watched:
                folded.add(dataclasses.replace(event, index=numbers[index]))
                yield event if slots else dataclasses.replace(event, sealed=None)
            case hub.End():
                found: dict[str, Json] = {}
                for choice in sorted({*folded.owners}):
                    owned = zip(folded.parts, folded.owners, strict=True)
                    found |= _of_parts([part for part, owner in owned if owner == choice], unsealed)
                if found:
                    keep(found)
                yield event
            case _:
                yield event


def _of_parts(parts: list[hub.Part], unsealed: bool) -> dict[str, Json]:
    """What waits for each call of one answer; the first call gets all of the reasoning before it."""
    found: dict[str, Json] = {}
    thoughts: list[hub.Reasoning] = []
    for part in parts:
        if isinstance(part, hub.Reasoning):
            thoughts.append(part)
        elif isinstance(part, hub.ToolCall) and part.id:
            if part.sealed or any(thought.sealed or (unsealed and thought.text) for thought in thoughts):
                found[part.id] = {"thoughts": [_dumped(each) for each in thoughts], "sealed": _pair(part.sealed)}
            thoughts = []
    return found


def bare(part: hub.Part) -> hub.Part:
    """A part without what is sealed on it."""
    if isinstance(part, hub.Reasoning | hub.ToolCall) and part.sealed:
        return dataclasses.replace(part, sealed=None)
    return part


def put_back(request: hub.Request, recall: Recall) -> hub.Request:
    """A client's request with what waited for its calls: the reasoning before them as it was, in the place of what the
    client made of it. Unchanged where nothing waits."""
    calls = [part.id for message in request.messages for part in message.parts if isinstance(part, hub.ToolCall)]
    known = recall(calls) if calls else {}
    if not known:
        return request
    return dataclasses.replace(request, messages=[_with_state(message, known) for message in request.messages])


def _with_state(message: hub.Message, known: Mapping[str, Json]) -> hub.Message:
    mine = [part.id for part in message.parts if isinstance(part, hub.ToolCall) and part.id in known]
    if not mine:
        return message
    thoughts = any(known[call]["thoughts"] for call in mine)
    parts: list[hub.Part] = []
    for part in message.parts:
        if isinstance(part, hub.ToolCall) and part.id in known:
            parts += [_loaded(thought, part.path) for thought in known[part.id]["thoughts"]]
            parts.append(dataclasses.replace(part, sealed=_sealed(known[part.id]["sealed"]) or part.sealed))
        elif not (thoughts and isinstance(part, hub.Reasoning)):
            parts.append(part)
    return dataclasses.replace(message, parts=parts)


def _dumped(thought: hub.Reasoning) -> Json:
    return {"text": thought.text, "kind": thought.kind, "sealed": _pair(thought.sealed)}


def _loaded(thought: Json, path: str) -> hub.Reasoning:
    return hub.Reasoning(text=thought["text"], kind=thought["kind"], sealed=_sealed(thought["sealed"]), path=path)


def _pair(sealed: Sealed | None) -> list[Any] | None:
    return [sealed.format, sealed.value] if sealed else None


def _sealed(pair: list[Any] | None) -> Sealed | None:
    return Sealed(pair[0], pair[1]) if pair else None
