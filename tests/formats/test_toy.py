"""A fifth format costs one folder, one line in the registry, one blueprint. Here is one, of an API that nobody has:

    request   {"model": "m", "lines": ["user: hi", "assistant: hello"], "stream": false}
    answer    {"id": "1", "said": "hello", "tokens": [3, 1]}
    stream    data: {"id": "1"}      data: {"more": "hel"}      data: {"more": "lo"}      data: {"tokens": [3, 1]}
    error     {"problem": "words"}

It knows text, and nothing else; so it also shows that what a wire lacks is reported by those who write to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, g
from marshmallow import INCLUDE, Schema, fields

from convert import api, hub, sse, stream
from convert.api.serving import serve
from convert.errors import ProxyError, invalid
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Flavor, Format
from convert.losses import Report
from convert.tools import Support
from tests import smallest

Json = dict[str, Any]


class ToySchema(Schema):
    class Meta:
        unknown = INCLUDE

    model = fields.String(required=True)
    lines = fields.List(fields.String(), required=True)


def read_request(body: Json) -> hub.Request:
    request = hub.Request(origin="toy", model=body["model"], stream=bool(body.get("stream")))
    for number, line in enumerate(body["lines"]):
        role, colon, text = line.partition(": ")
        if not colon or role not in ("user", "assistant"):
            raise invalid(f"lines[{number}]", "must begin with user: or assistant:")
        part = hub.Text(text=text, path=f"lines[{number}]")
        request.messages.append(hub.Message(role=role, parts=[part], plain=True, path=part.path))  # type: ignore[arg-type]
    return request


def write_request(request: hub.Request, flavor: Any, report: Report) -> Json:
    lines = []
    for message in [*([request.instructions] if request.instructions else []), *request.messages]:
        role = "assistant" if message.role == "assistant" else "user"
        for part in message.parts:
            if isinstance(part, hub.Text):
                lines.append(f"{role}: {part.text}")
            else:
                report.dropped(part.path, "this wire has text only")
    for tool in request.tools:
        report.dropped(tool.path, "this wire has no tools")
    for name, value in request.params.items():
        report.parameter(name, name, value)
    report.extras("", request.extra)
    return {"model": request.model, "lines": lines, "stream": request.stream}


def read_response(body: Json, flavor: Any) -> hub.Response:
    choice = hub.Choice(parts=[hub.Text(text=body["said"])])
    return hub.Response(origin="toy", id=body["id"], choices=[choice], usage=hub.Usage(*body["tokens"]))


def write_response(response: hub.Response, asked: Json, report: Report) -> Json:
    said = "".join(part.text for part in response.choices[0].parts if isinstance(part, hub.Text))
    usage = response.usage or hub.Usage()
    return {"id": response.id, "said": said, "tokens": [usage.input, usage.output]}


def read_stream(chunks: Iterator[sse.Chunk], flavor: Any) -> Iterator[hub.Event]:
    for chunk in chunks:
        if chunk is sse.PING:
            yield hub.PING
        elif chunk is sse.REST:
            yield hub.REST
        elif "problem" in chunk:
            yield hub.Failure(read_error(502, chunk))
        elif "id" in chunk:
            yield hub.Start(chunk["id"])
            yield hub.PartStart(0, hub.Text())
        elif "more" in chunk:
            yield hub.Delta(0, chunk["more"])
        else:
            yield hub.PartEnd(0)
            yield hub.End(usage=hub.Usage(*chunk["tokens"]))


def write_stream(events: Iterator[hub.Event], asked: Json, report: Report) -> Iterator[bytes]:
    for event in events:
        match event:
            case hub.Start():
                yield sse.event({"id": event.id})
            case hub.Delta():
                yield sse.event({"more": event.text})
            case hub.End():
                usage = event.usage or hub.Usage()
                yield sse.event({"tokens": [usage.input, usage.output]})
            case hub.Failure():
                yield sse.event(write_error(event.error))
            case hub.Rest():
                yield b""


def read_error(status: int, body: Any) -> ProxyError:
    return ProxyError("upstream", body["problem"])


def write_error(error: ProxyError) -> Json:
    return {"problem": error.message}


TOY = Format(
    name="toy", schema=ToySchema(), flavor=Flavor, read_request=read_request, write_request=write_request,
    read_response=read_response, write_response=write_response, read_stream=read_stream, write_stream=write_stream,
    read_error=read_error, write_error=write_error, support=lambda flavor: Support(),
    path=lambda model, stream: "/say", credentials=lambda key: {"key": key},
    ends=lambda frames: b"tokens" in frames, closes=lambda frames: b"tokens" in frames, keep_alive=b": \n\n",
)  # fmt: skip
ASKED = {"model": "m", "lines": ["user: hi"]}
STREAM = [{"id": "1"}, {"more": "hel"}, {"more": "lo"}, {"tokens": [3, 1]}]


def text(response: hub.Response) -> str:
    return "".join(part.text for part in response.choices[0].parts if isinstance(part, hub.Text))


@pytest.mark.parametrize("other", FORMATS.values(), ids=lambda form: form.name)
def test_its_clients_talk_to_every_upstream_and_every_client_to_its_upstreams(other: Format) -> None:
    there = Exchange(TOY, other, ASKED, other.flavor())
    assert "hi" in str(there.request())
    back = Exchange(other, TOY, smallest.ASKED[other.name], Flavor())
    assert back.request()["lines"] == ["user: hi"]
    answer = back.response({"id": "1", "said": "hello", "tokens": [3, 1]})
    assert text(other.read_response(answer, other.flavor())) == "hello"
    written = list(back.written(back.events(sse.event(chunk) for chunk in STREAM)))
    told = stream.fold(stream.check(other.read_stream(sse.chunks(written), other.flavor())))
    assert text(told) == "hello" and told.usage == hub.Usage(3, 1)
    streamed = b"".join(there.written(there.events(written)))
    assert [chunk for chunk in sse.chunks([streamed]) if "more" in chunk] == STREAM[1:3]


def test_what_it_lacks_is_told() -> None:
    tools = [{"type": "function", "name": "f", "parameters": {}}]
    asked = {"model": "m", "input": "hi", "tools": tools, "top_p": 0.5}
    exchange = Exchange(FORMATS["responses"], TOY, asked, Flavor())
    exchange.request()
    lost = [str(loss) for loss in exchange.report.losses]
    assert lost == ["tools[0] dropped (this wire has no tools)", "top_p dropped"]


def test_its_blueprint(make_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    blueprint = Blueprint("toy", __name__)

    @blueprint.before_request
    def choose_format() -> None:
        g.format = TOY

    @blueprint.post("/say")
    def say() -> Response:
        return serve(TOY)

    monkeypatch.setitem(FORMATS, "toy", TOY)
    monkeypatch.setattr(api, "BLUEPRINTS", [*api.BLUEPRINTS, blueprint])
    app: Flask = make_app()
    client = app.test_client()
    assert client.post("/say", json=ASKED).get_json()["said"] == "hi"
    assert client.post("/say", json={"model": "m", "lines": ["hi"]}).get_json() == {
        "problem": "lines[0]: must begin with user: or assistant:"
    }
    streamed = client.post("/say", json={**ASKED, "stream": True}).data
    assert [chunk.get("more") for chunk in sse.chunks([streamed]) if "more" in chunk] == ["hi"]
