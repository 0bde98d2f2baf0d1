"""What a conversion alone costs, for each pair of formats: `pytest bench` (not part of the everyday suite).

The time of `stream` is that of 200 deltas with their opening and ending, each frame in a piece of its own; that of
`request`, of one long history of 300 messages and its tools, and of a short one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from convert import hub, sse
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.losses import Report

DELTAS = 200
PAIRS = pytest.mark.parametrize(("client", "wire"), [(client, wire) for client in FORMATS for wire in FORMATS])


def streamed(wire: str) -> bytes:
    """An upstream's stream."""
    events: list[hub.Event] = [hub.Start(id="1", model="m", created=1700000000), hub.PartStart(0, hub.Text())]
    events += [hub.Delta(0, f"word {number:04} ") for number in range(DELTAS)]
    events += [hub.PartEnd(0), hub.End([hub.Reason()], hub.Usage(10, DELTAS))]
    return b"".join(FORMATS[wire].write_stream(iter(events), {"stream_options": {"include_usage": True}}, Report()))


def history(rounds: int) -> hub.Request:
    """A conversation of a coding agent."""
    messages: list[hub.Message] = []
    for turn in range(rounds):
        messages.append(hub.Message("user", [hub.Text(text="Please read the file. " * 20)]))
        for number in range(4):
            call_id = f"call_{turn}_{number}"
            call = hub.ToolCall(id=call_id, name="read_file", text=json.dumps({"path": f"src/{number}.py"}))
            messages.append(hub.Message("assistant", [call]))
            result = hub.ToolResult(call_id=call_id, parts=[hub.Text(text="x = 1\n" * 200)])
            messages.append(hub.Message("tool", [result]))
        messages.append(hub.Message("assistant", [hub.Text(text="Here it is. " * 20)]))
    messages.append(hub.Message("user", [hub.Text(text="Thanks.")]))
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    tools = [hub.Tool(type="function", name="read_file", description="Reads a file.", schema=schema)]
    return hub.Request(model="m", messages=messages, tools=tools if rounds else [], params={"max_tokens": 1000})


def asked(client: str, rounds: int) -> dict[str, Any]:
    """A client's request."""
    form = FORMATS[client]
    return dict(sse.loads(sse.dumps(form.write_request(history(rounds), form.flavor(), Report()))))


@PAIRS
@pytest.mark.benchmark(group="stream of 200 deltas")
def test_stream(benchmark: BenchmarkFixture, client: str, wire: str) -> None:
    pieces = [frame + b"\n\n" for frame in streamed(wire).split(b"\n\n")[:-1]]
    exchange = Exchange(FORMATS[client], FORMATS[wire], {"model": "m", "stream": True}, FORMATS[wire].flavor())
    written = benchmark(lambda: b"".join(exchange.written(exchange.events(pieces))))
    assert b"word 0199" in written


@PAIRS
@pytest.mark.parametrize("rounds", [0, 30], ids=["short", "long"])
def test_request(benchmark: BenchmarkFixture, client: str, wire: str, rounds: int) -> None:
    benchmark.group = "short request" if rounds == 0 else "request with 300 messages"
    body, flavor = asked(client, rounds), FORMATS[wire].flavor()
    written = benchmark(lambda: Exchange(FORMATS[client], FORMATS[wire], body, flavor).request())
    assert written
