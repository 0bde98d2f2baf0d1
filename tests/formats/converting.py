"""Short ways to convert, for tests that read as a table of what goes in and what comes out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from convert import hub, sse, stream
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS

Json = dict[str, Any]
USER = {"role": "user", "content": "hi"}


def sent(client: str, wire: str, body: Json, **flavor: Any) -> tuple[Json, list[str]]:
    """(the body that the upstream gets, the losses) of a client's request without its model."""
    form = FORMATS[wire]
    exchange = Exchange(FORMATS[client], form, {"model": "m", **body}, form.flavor(**flavor))
    written = exchange.request()
    return written, [str(loss) for loss in exchange.report.losses]


def to_chat(body: Json, **flavor: Any) -> Json:
    """What a Chat upstream gets of a Responses request."""
    return sent("responses", "chat", body, **flavor)[0]


def to_responses(body: Json, **flavor: Any) -> Json:
    """What a Responses upstream gets of a Chat request."""
    return sent("chat", "responses", {"messages": [USER], **body}, **flavor)[0]


def fault(client: str, body: Json) -> tuple[str | None, str]:
    """(param, message) of the error that a client's request gets."""
    other = next(form for name, form in FORMATS.items() if name != client)
    with pytest.raises(ProxyError) as caught:
        Exchange(FORMATS[client], other, {"model": "m", **body}, other.flavor()).request()
    assert caught.value.kind == "invalid_request" and caught.value.status == 400
    return caught.value.param, caught.value.message


def answered(wire: str, client: str, body: Json, asked: Json | None = None, **flavor: Any) -> Json:
    """What a client gets of an upstream's finished answer."""
    form = FORMATS[wire]
    exchange = Exchange(FORMATS[client], form, asked or {}, form.flavor(**flavor))
    if asked:
        exchange.request()
    return exchange.response(body)


def events(wire: str, chunks: Iterable[Json | str], **flavor: Any) -> list[hub.Event]:
    """The checked hub events of a stream of chunks; text stands as it is."""
    form = FORMATS[wire]
    pieces = [each.encode() if isinstance(each, str) else sse.event(each) for each in chunks]
    return list(stream.check(form.read_stream(sse.chunks(pieces), form.flavor(**flavor))))


def folded(wire: str, chunks: Iterable[Json | str], **flavor: Any) -> hub.Response:
    """The answer that a stream adds up to. Raises the ProxyError that ended it."""
    return stream.fold(iter(events(wire, chunks, **flavor)))


def streamed(wire: str, client: str, chunks: Iterable[Json | str], asked: Json | None = None) -> list[Json]:
    """The chunks that a client gets of an upstream's stream, without the terminator."""
    form = FORMATS[wire]
    exchange = Exchange(FORMATS[client], form, asked or {}, form.flavor())
    if asked:
        exchange.request()
    pieces = [each.encode() if isinstance(each, str) else sse.event(each) for each in chunks]
    written = exchange.written(exchange.events(pieces))
    return [chunk for chunk in sse.chunks(written) if chunk is not sse.DONE]


def chunk(delta: Json | None = None, finish: str | None = None, **members: Any) -> Json:
    """A chunk of a Chat stream with one choice."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice], **members}


def completion(message: Json | None = None, finish: str = "stop", **members: Any) -> Json:
    """A Chat completion with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **(message or {"content": "Hi"})}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **members}


def response(*items: Json, **members: Any) -> Json:
    """A finished response with these output items."""
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": list(items), **members,
    }  # fmt: skip


def said(text: str, **members: Any) -> Json:
    """An output message."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part], **members}


def spoiled(body: Any) -> Iterator[Any]:
    """Copies of a body, each with one value replaced by one of another type, or taken away."""
    for path in places(body):
        for wrong in (7, "x", [7], {"x": 7}, True, None):
            copy = json.loads(json.dumps(body))
            holder = copy
            for step in path[:-1]:
                holder = holder[step]
            if type(holder[path[-1]]) is not type(wrong):
                holder[path[-1]] = wrong
                yield copy


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value inside of a body."""
    for key, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))
