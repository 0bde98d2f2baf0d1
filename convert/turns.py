"""Puts a history into the order that strict wires demand: results after their calls, one message a turn.

Most wires refuse a call without its result, a result without its call, and results that stand elsewhere than
right after the turn that called. Clients do send all three (an interrupted turn, a compacted history).
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator

from convert import hub
from convert.losses import Report

NO_RESULT = "No output was recorded for this call."
Owned = tuple[hub.ToolResult, hub.Message]


def paired(messages: list[hub.Message], report: Report) -> list[hub.Message]:
    """The messages with every result right after the run of assistant messages that holds its call, in the order
    of the calls, each result a message of its own. A call without a result gets one that says so; a result without
    a call is told in a user message. Both, and moved results, are reported. The input is not changed; it comes back as
    it is where there is nothing to do."""
    if _orderly(messages):
        return messages
    answers = _answers(messages)
    claimed = {id(answer[0]) for answer in answers.values() if answer}
    out: list[hub.Message] = []
    for run, others in _turns(messages):
        out += run
        near = {id(message) for message in _block(others)}
        for message in run:
            for call in message.parts:
                if isinstance(call, hub.ToolCall):
                    out.append(_answer(call, answers[id(call)], near, report))
        for message in others:
            if len(message.parts) != 1 or id(message.parts[0]) not in claimed:
                out += _rest(message, claimed, report)
    return out


def _orderly(messages: list[hub.Message]) -> bool:
    """Whether the calls of each run of assistant messages have their results right after it, in their order and each in
    a message of its own, and there are no other results."""
    due: deque[str] = deque()  # the calls of this run that have no result yet
    answering = False  # whether others of this run have theirs
    for message in messages:
        kinds = {*map(type, message.parts)}
        if hub.ToolResult in kinds:
            if message.role == "assistant" or not _answers_next(message, due):
                return False
            answering = bool(due)
        elif answering or (message.role != "assistant" and (due or hub.ToolCall in kinds)):
            return False
        elif hub.ToolCall in kinds:
            due.extend([part.id for part in message.parts if isinstance(part, hub.ToolCall)])
    return not due


def _answers_next(message: hub.Message, due: deque[str]) -> bool:
    """Whether a message holds the result of the first call that is due, and that alone."""
    result = message.parts[0]
    return (
        isinstance(result, hub.ToolResult) and len(message.parts) == 1
        and bool(due) and result.call_id == due.popleft()
    )  # fmt: skip


def _turns(messages: list[hub.Message]) -> Iterator[tuple[list[hub.Message], list[hub.Message]]]:
    """(adjacent assistant messages, the other messages up to the next assistant one), over and over."""
    run: list[hub.Message] = []
    others: list[hub.Message] = []
    for message in messages:
        if message.role == "assistant" and others:
            yield run, others
            run, others = [], []
        (run if message.role == "assistant" else others).append(message)
    yield run, others


def _block(others: list[hub.Message]) -> Iterator[hub.Message]:
    """The messages right after a run that hold results."""
    for message in others:
        if not any(isinstance(part, hub.ToolResult) for part in message.parts):
            return
        yield message


def _answers(messages: list[hub.Message]) -> dict[int, Owned | None]:
    """For each call, by identity, its result and the message that holds that: the first that no earlier call of
    the same id has claimed."""
    results: dict[str, deque[Owned]] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, hub.ToolResult):
                results.setdefault(part.call_id, deque()).append((part, message))
    calls = [part for message in messages for part in message.parts if isinstance(part, hub.ToolCall)]
    return {id(call): results[call.id].popleft() if results.get(call.id) else None for call in calls}


def _answer(call: hub.ToolCall, owned: Owned | None, near: set[int], report: Report) -> hub.Message:
    """The message with a call's result."""
    if owned is None:
        report.approximated(call.path, "a result was made up: the call has none")
        text = hub.Text(text=NO_RESULT, path=call.path)
        result = hub.ToolResult(call_id=call.id, name=call.name, parts=[text], type=call.type, path=call.path)
        return hub.Message(role="tool", parts=[result], plain=True, path=call.path)
    result, owner = owned
    if id(owner) not in near:
        report.moved(result.path, "to its call")
    return owner if len(owner.parts) == 1 else dataclasses.replace(owner, role="tool", parts=[result])


def _rest(message: hub.Message, claimed: set[int], report: Report) -> Iterator[hub.Message]:
    """What a message holds besides claimed results."""
    if not any(isinstance(part, hub.ToolResult) for part in message.parts):
        yield message
        return
    kept: list[hub.Part] = []
    for part in message.parts:
        if not isinstance(part, hub.ToolResult):
            kept.append(part)
        elif id(part) not in claimed:
            report.approximated(part.path, "a result without its call became a user message")
            kept += _told(part)
    if kept:
        yield dataclasses.replace(message, role="user", parts=kept, plain=False, name=None, extra={}, wire={})


def _told(result: hub.ToolResult) -> list[hub.Part]:
    """A result in words and media for the user's turn."""
    heading = f"The result of an earlier tool call ({result.call_id}) that is no longer part of this conversation:"
    return [hub.Text(text=heading, path=result.path), *result.parts]


def merged(messages: list[hub.Message], report: Report) -> list[hub.Message]:
    """Adjacent assistant messages as one where they are pieces of one turn: all of a run that calls tools;
    without calls, reasoning with the words that follow it, while two messages with words stay two. What only
    the origin's format knew of the later ones is reported."""
    out: list[hub.Message] = []
    for run, others in _turns(messages):
        out += _merged_run(run, report) if len(run) > 1 else run
        out += others
    return out


def _merged_run(run: list[hub.Message], report: Report) -> list[hub.Message]:
    if any(isinstance(part, hub.ToolCall) for message in run for part in message.parts):
        return [_joined(run, report)]
    groups: list[list[hub.Message]] = [[]]
    for message in run:
        speaks = any(isinstance(part, hub.Text | hub.Refusal) for part in message.parts)
        spoken = any(isinstance(part, hub.Text | hub.Refusal) for m in groups[-1] for part in m.parts)
        if spoken and (speaks or any(isinstance(part, hub.Reasoning) for part in message.parts)):
            groups.append([])
        groups[-1].append(message)
    return [_joined(group, report) for group in groups]


def _joined(group: list[hub.Message], report: Report) -> hub.Message:
    """One message with the parts of all."""
    if len(group) == 1:
        return group[0]
    parts = [part for message in group for part in message.parts]
    for message in group[1:]:
        report.extras(message.path, message.extra)
    words = [part for part in parts if isinstance(part, hub.Text)]
    plain = len(words) == 1 and any(message.plain for message in group)
    return dataclasses.replace(group[0], parts=parts, plain=plain, wire={})


def as_users(message: hub.Message, report: Report) -> hub.Message:
    """A system message as the user's words, where it stands, for a wire that takes none inside of a conversation: to
    add it to the system prompt would change how every turn begins. Any other message as it is."""
    if message.role not in ("system", "developer"):
        return message
    report.approximated(message.path, "a system message inside of the conversation became a user's")
    parts = [
        dataclasses.replace(part, text=f"<system>\n{part.text}\n</system>") if isinstance(part, hub.Text) else part
        for part in message.parts
    ]
    return dataclasses.replace(message, role="user", parts=parts, plain=False)
