"""Combinators over hub events. A stream is an iterator; where it stands is its state.

The grammar, which `check` enforces: Start (PartStart Delta* PartEnd)* (End | Failure). Parts may
overlap, every Delta lies inside its own part, a Ping may stand anywhere.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from convert import hub, shape
from convert.errors import ProxyError

log = logging.getLogger(__name__)
Events = Iterator[hub.Event]
# What a reader may raise on a chunk of the wrong shape; everything else is a bug of ours and stays loud.
MALFORMED = (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError)


class Parts:
    """Gives a reader whose wire has no part boundaries the numbers of its parts, and closes them.

    `key` says, in the wire's terms, what a delta belongs to (`(choice, "content")`)."""

    def __init__(self) -> None:
        self._open: dict[Any, int] = {}
        self._count = 0

    def __contains__(self, key: Any) -> bool:
        return key in self._open

    def open(self, key: Any, part: hub.Part, choice: int = 0) -> hub.PartStart:
        """The event that opens a part under `key`."""
        self._open[key] = index = self._count
        self._count += 1
        return hub.PartStart(index, part, choice)

    def delta(self, key: Any, text: str, logprobs: list[hub.Json] | None = None) -> hub.Delta:
        """The event that grows the part under `key`. Raises KeyError when it is not open."""
        return hub.Delta(self._open[key], text, logprobs)

    def more(self, key: Any, text: str) -> hub.Delta | None:
        """The event that grows the part under `key`; None when it is not open."""
        index = self._open.get(key)
        return None if index is None else hub.Delta(index, text)

    def close(self, key: Any, **closing: Any) -> Events:
        """The event that closes the part under `key`, with PartEnd's fields; none if it is not open."""
        if key in self._open:
            yield hub.PartEnd(self._open.pop(key), **closing)

    def close_all(self, but: Any = None) -> Events:
        """Closes what is open, in the order of opening, except the part under `but`."""
        for key in [key for key in self._open if key != but]:
            yield from self.close(key)


def check(events: Iterable[hub.Event]) -> Events:
    """The same events, with the grammar enforced: exactly one terminal event, nothing after it.

    A reader that stops short, breaks the grammar or trips over a malformed chunk gives a Failure, and so
    does a ProxyError raised below (a cut connection, a timeout, JSON that is none). Never raises."""
    started, opened = False, set[int]()
    source = iter(events)
    while True:
        try:
            event = next(source)
            while True:  # most events
                if type(event) is hub.Delta and event.index in opened:
                    shape.delta(event)
                elif event is not hub.REST:
                    break
                yield event
                event = next(source)
            shape.delta(event) if type(event) is hub.Delta else shape.check(event)
        except StopIteration:
            yield hub.Failure(ProxyError("upstream", "the upstream's answer ended before it was complete"))
            return
        except ProxyError as error:
            yield hub.Failure(error)
            return
        except MALFORMED as error:
            log.warning("malformed upstream chunk: %s: %s", type(error).__name__, error)
            yield hub.Failure(ProxyError("upstream", "the upstream sent a chunk of an unexpected shape"))
            return
        fault = ""
        match event:
            case hub.Delta():
                fault = "a delta outside its part"
            case hub.PartStart(index):
                fault = "a part before the start" if not started else "a part opened twice" if index in opened else ""
                opened.add(index)
            case hub.PartEnd(index):
                fault = "" if index in opened else "the end of a part that is not open"
                opened.discard(index)
            case hub.Start():
                fault, started = ("a second start" if started else ""), True
            case hub.End():
                fault = "an end before the start" if not started else "an end inside a part" if opened else ""
        if fault:
            yield hub.Failure(ProxyError("upstream", f"the upstream's stream is out of order: {fault}"))
            return
        yield event
        if isinstance(event, hub.End | hub.Failure):
            return


class Fold:
    """Adds events up to a finished response."""

    def __init__(self) -> None:
        self.response = hub.Response()
        self.parts: list[hub.Part] = []  # by index; a part has its text once it has ended
        self.owners: list[int] = []  # the choice of each part
        self._texts: list[list[str]] = []  # joined once, at the end: adding strings up is quadratic

    def add(self, event: hub.Event) -> None:
        """Takes the next event; Ping, Rest and Failure add nothing."""
        if type(event) is hub.Delta:  # most events
            self._texts[event.index].append(event.text)
            if event.logprobs:
                self.parts[event.index].logprobs.extend(event.logprobs)  # type: ignore[union-attr]
            return
        match event:
            case hub.PartStart(_, part, choice):
                self.parts.append(copy_part(part))
                self.owners.append(choice)
                self._texts.append([])
            case hub.PartEnd(index):
                close_part(self.parts[index], "".join(self._texts[index]), event)
            case hub.Start():
                self.response = hub.Response(
                    id=event.id, model=event.model, created=event.created, usage=event.usage,
                    service_tier=event.service_tier, extra=dict(event.extra),
                )  # fmt: skip
            case hub.End():
                self._end(event)

    def grown(self, index: int) -> bool:
        """Whether the part, still open, has any text yet."""
        return any(self._texts[index])

    def _end(self, event: hub.End) -> None:
        response = self.response
        response.usage = event.usage or response.usage
        response.service_tier = event.service_tier or response.service_tier
        response.extra |= event.extra
        owned = list(zip(self.parts, self.owners, strict=True))
        response.choices = [
            hub.Choice(parts=[part for part, owner in owned if owner == n], reason=reason)
            for n, reason in enumerate(event.reasons)
        ]


def fold(events: Iterable[hub.Event], seen: Callable[[], None] | None = None) -> hub.Response:
    """The finished response that a stream adds up to. Raises the ProxyError of a Failure.

    `seen` is called at each Ping, so that a caller can notice that its client has gone."""
    folded = Fold()
    for event in events:
        if isinstance(event, hub.Failure):
            raise event.error
        if isinstance(event, hub.Ping) and seen:
            seen()
        folded.add(event)
    return folded.response


def copy_part(part: hub.Part) -> hub.Part:
    """A part that may grow without changing the event that opened it."""
    copy = dataclasses.replace(part)
    if isinstance(copy, hub.Text | hub.Refusal):
        copy.logprobs = list(copy.logprobs)
    if isinstance(copy, hub.Text):
        copy.citations = list(copy.citations)
    copy.extra = dict(copy.extra)
    return copy


def close_part(part: hub.Part, text: str, end: hub.PartEnd) -> None:
    """Gives a part the text that it grew, and what its PartEnd brought."""
    if text:
        part.text = (part.text or "") + text  # type: ignore[union-attr]
    part.extra |= end.extra
    if end.citations and isinstance(part, hub.Text):
        part.citations.extend(end.citations)
    if end.sealed and isinstance(part, hub.Reasoning | hub.ToolCall):
        part.sealed = end.sealed


def unfold(response: hub.Response) -> Events:
    """A finished response as a stream of events, each text in one Delta."""
    yield hub.Start(response.id, response.model, response.created, None, response.service_tier, response.extra)
    parts = [(n, part) for n, choice in enumerate(response.choices) for part in choice.parts]
    for index, (choice, part) in enumerate(parts):
        opening = copy_part(part)
        text = getattr(part, "text", None)
        closing = hub.PartEnd(index)
        if text is not None:
            opening.text = ""  # type: ignore[union-attr]
        if isinstance(opening, hub.Text):
            closing.citations, opening.citations = opening.citations, []
        logprobs = getattr(part, "logprobs", None)
        if logprobs:
            opening.logprobs = []  # type: ignore[union-attr]
        yield hub.PartStart(index, opening, choice)
        if text or logprobs:
            yield hub.Delta(index, text or "", logprobs or None)
        yield closing
    yield hub.End([choice.reason for choice in response.choices], response.usage, response.service_tier)


def sequential(events: Iterable[hub.Event]) -> Events:
    """The same parts, one after another, for writers that cannot interleave them: the part that opened
    first stays live, the others are held until it closes."""
    live: int | None = None
    held: dict[int, list[hub.Event]] = {}
    for event in events:
        if type(event) is hub.Delta and event.index == live:  # most events
            yield event
            continue
        match event:
            case hub.PartStart(index) if live is not None:
                held[index] = [event]
            case hub.Delta(index) | hub.PartEnd(index) if index in held:
                held[index].append(event)
            case hub.PartStart(index):
                live = index
                yield event
            case hub.PartEnd():
                yield event
                live = None
                while held and live is None:
                    index = next(iter(held))
                    waiting = held.pop(index)
                    yield from waiting
                    live = None if isinstance(waiting[-1], hub.PartEnd) else index
            case _:
                yield event


def tap(events: Iterable[hub.Event], done: Callable[[hub.Response | ProxyError], None]) -> Events:
    """The same events; `done` is called once, before the terminal event is passed on, with the folded
    response or with the error that ended it."""
    folded = Fold()
    for event in events:
        folded.add(event)
        if isinstance(event, hub.Failure):
            done(event.error)
        elif isinstance(event, hub.End):
            done(folded.response)
        yield event
