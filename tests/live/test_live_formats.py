"""All sixteen pairs through real servers: whole, broken off, and silent for a while."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import pytest

from convert import hub, sse, stream
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.losses import Report
from tests.live.client import Answer, Live, on_all_servers, together
from tests.live.servers import KEEP_ALIVE
from tests.live.upstream import Call, Script
from tests.smallest import ASKED

ALL = [(client, wire) for client in FORMATS.values() for wire in FORMATS.values()]
WORDS = ("One ", "two ", "three.")


def frames(wire: Format) -> list[bytes]:
    """A streamed answer of an upstream, as its format writes one."""
    said = [hub.Delta(0, word) for word in WORDS]
    end = hub.End(usage=hub.Usage(1, 3))
    events = [hub.Start("id_1", "m", 1), hub.PartStart(0, hub.Text()), *said, hub.PartEnd(0), end]
    written = b"".join(wire.write_stream(iter(events), ASKED[wire.name], Report()))
    return [frame + b"\n\n" for frame in written.split(b"\n\n") if frame]


def ask(live: Live, client: Format, wire: Format, script: Script) -> Answer:
    """The streamed answer to a client of one format from an upstream of another."""
    more = {name: value for name, value in ASKED[client.name].items() if name != "model"}
    return live.ask(client.name, wire.name, script, stream=True, **more)


def events(client: Format, answer: Answer) -> list[hub.Event]:
    """What a client understands of an answer."""
    assert answer.status == 200 and answer.whole, answer.body
    assert answer.headers["content-type"].startswith("text/event-stream")
    if client.name == "gemini":
        assert not any(word in answer.body for word in (b"event:", b"[DONE]", b"\n:")) and answer.body[:1] != b":"
    return [*stream.check(client.read_stream(sse.chunks([answer.body]), client.flavor()))]


def on_all_pairs(live: Live, check: Callable[[Live, Format, Format], None]) -> None:
    """A check of one pair, of all of them at the same time."""

    def named(client: Format, wire: Format) -> None:
        try:
            check(live, client, wire)
        except AssertionError as error:
            error.add_note(f"{client.name} on {wire.name}")
            raise

    together(functools.partial(named, *pair) for pair in ALL)


@on_all_servers
def test_a_stream_comes_whole(live: Live) -> None:
    def check(live: Live, client: Format, wire: Format) -> None:
        folded = stream.fold(events(client, ask(live, client, wire, lambda call: call.stream(*frames(wire)))))
        assert [part.text for part in folded.choices[0].parts if isinstance(part, hub.Text)] == ["".join(WORDS)]
        assert folded.choices[0].reason.kind == "stop" and folded.usage and folded.usage.output == 3

    on_all_pairs(live, check)


@on_all_servers
def test_a_stream_that_breaks_off_has_one_end_which_is_an_error(live: Live) -> None:
    def broken(wire: Format, call: Call) -> None:
        call.begin()
        told = frames(wire)
        for frame in told[: len(told) // 2]:
            call.chunk(frame)
        time.sleep(0.1)
        call.reset()

    def check(live: Live, client: Format, wire: Format) -> None:
        answer = ask(live, client, wire, functools.partial(broken, wire))
        if answer.status != 200:  # not a word had come: an error of HTTP in the client's shape
            assert answer.status == 502 and client.read_error(502, answer.json).message
            return
        found = events(client, answer)
        assert isinstance(found[-1], hub.Failure) and not any(isinstance(each, hub.End) for each in found)
        assert "broke" in found[-1].error.message or "before it was complete" in found[-1].error.message

    on_all_pairs(live, check)


@on_all_servers
def test_silence_is_filled_in_the_clients_way(live: Live) -> None:
    def silent(wire: Format, call: Call) -> None:
        call.begin()
        told = frames(wire)
        for frame in told[:-1]:
            call.chunk(frame)
        time.sleep(KEEP_ALIVE * 3)
        call.chunk(told[-1])
        call.finish()

    def check(live: Live, client: Format, wire: Format) -> None:
        answer = ask(live, client, wire, functools.partial(silent, wire))
        came = [when for when, _ in answer.arrivals]
        assert any(came[-1] - KEEP_ALIVE * 2.5 < when < came[-1] - KEEP_ALIVE / 2 for when in came), came
        stream.fold(events(client, answer))

    on_all_pairs(live, check)


@pytest.mark.parametrize("name", FORMATS)
def test_the_upstreams_of_these_tests_speak_their_format(name: str) -> None:
    form = FORMATS[name]
    folded = stream.fold(stream.check(form.read_stream(sse.chunks(frames(form)), form.flavor())))
    assert folded.usage and folded.usage.output == 3
