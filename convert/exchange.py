"""One request and its answer, converted: the three lanes, without a network.

lane 0  same format, nothing to change: the very bytes both ways
lane 1  same format, small changes to the request (model name, provider quirks); the answer's bytes untouched
lane 2  another format: through the hub
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from convert import hub, repeats, seals, shape, sse, stream, structured, tools, withheld
from convert.errors import ProxyError, invalid
from convert.formats.contract import Flavor, Format
from convert.losses import Report

Json = dict[str, Any]
Patch = Callable[[Json, Report], Json]


@dataclass(slots=True)
class Exchange:
    """Converts between a client's format and an upstream's wire.

    asked   the client's body, checked at the door (its schema), not changed here
    model   the model name to send upstream; None: the client's
    flavor  the provider's dialect of the wire
    patch   the provider's last changes to the written body (providers/*.toml, [patch.FORMAT])
    """

    client: Format
    wire: Format
    asked: Json
    flavor: Flavor
    model: str | None = None
    patch: Patch | None = None
    report: Report = field(default_factory=Report)
    names: tools.Names = field(default_factory=tools.Names)
    answer: str = ""  # the tool whose call is the answer, where the wire has no other way to ask for its form
    streaming: bool = False  # what the upstream was asked for
    identity: str | None = None  # the id of the answer, where it is not the upstream's
    created: int | None = None  # when the answer was begun, where that is told already
    echo: Json | None = None  # the body whose settings the answer repeats, where it is not `asked`
    keep: withheld.Keep | None = None  # where sealed state waits that the client has no slot for
    recall: withheld.Recall | None = None

    @property
    def same(self) -> bool:
        """Whether the upstream speaks the client's own format."""
        return self.client.name == self.wire.name

    @property
    def untouched(self) -> bool:
        """Lanes 0 and 1, once `request` was called: the answer's bytes pass as they are."""
        return self.same and not self.names and not self.answer and self.identity is None

    @property
    def slotless(self) -> bool:
        """Whether the upstream wants reasoning again that the client may not give back, so that it has to wait here."""
        if self.same or self.client.returns(self.asked):
            return False
        return bool(self.wire.seals) or self.demanding

    @property
    def demanding(self) -> bool:
        """Whether the upstream wants reasoning again that it does not seal."""
        return bool(getattr(self.flavor, "wants_reasoning", False))

    @property
    def borne(self) -> bool:
        """Whether state that is sealed on calls must travel on reasoning: the client has a slot only there."""
        return not self.same and "reasoning" in self.client.seals and "call" not in self.client.seals

    def request(self) -> Json:
        """The body to send upstream; losses go to the report. Raises ProxyError for the client's mistakes.

        Returns `asked` itself (the same object) when nothing had to be changed, so that the caller may
        send the client's own bytes."""
        body = self.wire.trimmed(self.asked, self.flavor, self.report) if self.same else self.asked
        if not self.same or self.flavor != type(self.flavor)():
            request = read(self.client, body)
            if not self.same and (request.state.recalls or request.state.background):
                raise request.state.wire.get("refusal") or _stateless(request.state)
            if not self.same:
                _known(request)
                request = seals.together(request) if self.borne else request
                request = withheld.put_back(request, self.recall) if self.slotless and self.recall else request
            support = self.wire.support(self.flavor)
            request, self.names = tools.fit(request, support, self.report, home=self.same)
            request, self.answer = structured.fit(request, support, self.report, home=self.same)
            body = self.wire.write_request(request, self.flavor, self.report)
        if self.model is not None and "model" in body and body["model"] != self.model:
            body = {**body, "model": self.model}
        if self.patch:
            body = self.patch(body, self.report)
        self.streaming = bool(body.get("stream"))
        return self.asked if body == self.asked else body

    @property
    def repeated(self) -> Json:
        """The body whose settings the answer repeats."""
        return self.asked if self.echo is None else self.echo

    def response(self, body: Json) -> Json:
        """The client's form of a finished answer. Raises ProxyError when the upstream's is malformed."""
        return self.client.write_response(self._read(body), self.repeated, self.report)

    def events(self, pieces: Iterable[bytes], resting: bool = False) -> Iterator[hub.Event]:
        """The checked hub events of a streamed answer; an empty piece stands for silence. `resting`: with a Rest
        after those of each piece."""
        events = stream.check(self._heard(pieces, resting))
        if self.answer:
            events = structured.restored(events, self.answer)
        if self.names.offered:  # each stage costs every event a step
            events = tools.restored(events, self.names)
        if self.slotless and self.keep:
            events = withheld.of_events(events, self.keep, bool(self.client.seals), self.demanding)
        return seals.events_apart(events) if self.borne and "call" in self.wire.seals else events

    def _heard(self, pieces: Iterable[bytes], resting: bool) -> Iterator[hub.Event]:
        """What the wire's reader makes of a stream."""
        if self.wire.alike is None:
            return self.wire.read_stream(sse.chunks(pieces, resting), self.flavor)
        read = functools.partial(self.wire.read_stream, flavor=self.flavor)
        return repeats.read_stream(pieces, read, self.wire.alike, resting)

    def unfolded(self, body: Json) -> Iterator[hub.Event]:
        """The events of a finished answer, for a client that asked for a stream."""
        return stream.unfold(self._read(body))

    def _read(self, body: Json) -> hub.Response:
        """The hub's form of a finished answer, with everything as the client knows it."""
        response = guarded(self.wire.read_response, body, self.flavor)
        response = structured.restore(response, self.answer) if self.answer else response
        response = tools.restore(response, self.names)
        response = self._identified(response)
        if self.slotless and self.keep:
            response = withheld.of_response(response, self.keep, bool(self.client.seals), self.demanding)
        return seals.apart(response) if self.borne else response

    def written(self, events: Iterator[hub.Event]) -> Iterator[bytes]:
        """Hub events as the bytes of the client's stream."""
        if self.identity is not None:
            events = identified(events, self._own)
        return self.client.write_stream(events, self.repeated, self.report)

    def folded(self, events: Iterable[hub.Event], seen: Callable[[], None] | None = None) -> Json:
        """Hub events as one finished body, for a client that did not ask for a stream."""
        return self.client.write_response(self._identified(stream.fold(events, seen)), self.repeated, self.report)

    def _identified(self, response: hub.Response) -> hub.Response:
        """A response under this exchange's own id; it is then no longer the upstream's object."""
        if self.identity is None:
            return response
        return dataclasses.replace(response, **self._own, origin="")

    @property
    def _own(self) -> Json:
        """What the answer is not told by the upstream."""
        return {"id": self.identity} if self.created is None else {"id": self.identity, "created": self.created}


def identified(events: Iterator[hub.Event], own: Json) -> Iterator[hub.Event]:
    """The same events under another id (the fields `own` of Start), which is known before the upstream's Start."""
    for event in events:
        if event is hub.REST:
            yield event
            continue
        if isinstance(event, hub.Start):
            yield dataclasses.replace(event, **own)
        else:
            yield hub.Start(**own)
            yield event
        break
    for event in events:
        yield dataclasses.replace(event, **own) if isinstance(event, hub.Start) else event


def _known(request: hub.Request) -> None:
    """Raises ProxyError for an item of a type that nobody here knows, or that only refers to one which is held
    elsewhere: to leave it out might change everything."""
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, hub.Raw) and "unknown" in part.wire:
                raise invalid(f"{part.path}.type", f"'{part.wire['unknown']}' is not a known type")
            if isinstance(part, hub.Raw) and "absent" in part.wire:
                raise ProxyError("not_found", f"Item with id '{part.wire['absent']}' not found.", param=part.path)


def read(form: Format, body: Json) -> hub.Request:
    """The hub request of a client's body. Raises ProxyError (invalid_request), also for shapes that the
    reader did not foresee."""
    try:
        request = form.read_request(body)
        shape.check(request)
        return request
    except shape.ShapeError as error:
        raise invalid(error.path, error.problem) from error
    except stream.MALFORMED as error:
        raise ProxyError("invalid_request", f"the request has a field of an unexpected type: {error}") from error


def guarded(reader: Callable[[Json, Any], hub.Response], body: Json, flavor: Flavor) -> hub.Response:
    """What `reader` makes of an upstream's body. Raises ProxyError (upstream) for a body of the wrong shape."""
    try:
        response = reader(body, flavor)
        shape.check(response)
        return response
    except stream.MALFORMED as error:
        message = "the upstream sent an answer of an unexpected shape"
        raise ProxyError("upstream", message) from error


def _stateless(state: hub.State) -> ProxyError:
    """The refusal of a request that leans on state which this upstream does not hold."""
    if state.previous is not None:
        return ProxyError(
            "not_found",
            f"Previous response with id '{state.previous}' not found.",
            status=400,
            code="previous_response_not_found",
            param="previous_response_id",
        )
    name = "conversation" if state.conversation is not None else "prompt" if state.prompt is not None else "background"
    return ProxyError("unsupported", f"'{name}' is not supported with this upstream.", param=name)
