"""Laws of streams: 3. cut, 4. parity, 5. prefix, 6. grammar."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from convert import hub, sse, stream
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.losses import Report
from tests.laws.meaning import said
from tests.recordings import Recording, cut, responses, streams
from tests.smallest import ASKED

named = {"ids": lambda each: each.name}
PREFIXES = 40  # of each stream, spread over its length


def events(form: Format, pieces: Iterable[bytes]) -> list[hub.Event]:
    """The checked events of a stream in the dialect of an unknown server."""
    return list(stream.check(form.read_stream(sse.chunks(pieces), form.flavor())))


def terminal(event: hub.Event) -> bool:
    return isinstance(event, hub.End | hub.Failure)


@pytest.mark.parametrize("recording", streams(), **named)
def test_the_bytes_of_a_stream_give_the_same_events_at_any_cut(recording: Recording) -> None:
    whole = events(recording.form, [recording.stream])
    assert sum(map(terminal, whole)) == 1 and terminal(whole[-1])
    with_crlf = recording.stream.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    for size in (1, 7, 100):
        assert events(recording.form, cut(recording.stream, size)) == whole
        assert events(recording.form, cut(with_crlf, size)) == whole


@pytest.mark.parametrize("recording", streams(), **named)
def test_what_is_taken_for_a_repetition_is_read_as_if_it_were_none(recording: Recording) -> None:
    form = recording.form
    exchange = Exchange(form, form, ASKED[form.name], form.flavor())
    for size in (1, 7, 100, 1500, len(recording.stream)):
        pieces = list(cut(recording.stream, size))
        assert list(exchange.events(pieces)) == events(form, pieces)


@pytest.mark.parametrize("recording", streams(), **named)
def test_every_prefix_of_a_stream_ends_in_exactly_one_terminal_event(recording: Recording) -> None:
    data = recording.stream
    whole = events(recording.form, [data])
    for at in range(1, len(data), max(1, len(data) // PREFIXES)):
        cut_off = events(recording.form, [data[:at]])
        assert sum(map(terminal, cut_off)) == 1 and terminal(cut_off[-1])
        if isinstance(cut_off[-1], hub.End):  # nothing but the tail was lost
            assert stream.fold(iter(cut_off)).choices == stream.fold(iter(whole)).choices
        else:
            assert cut_off[:-1] == whole[: len(cut_off) - 1]


@pytest.mark.parametrize("recording", streams(), **named)
def test_a_stream_that_is_read_and_written_and_read_is_the_same_answer(recording: Recording) -> None:
    form = recording.form
    first = events(form, [recording.stream])
    written = b"".join(form.write_stream(iter(first), ASKED[form.name], Report()))
    again = events(form, [written])
    if isinstance(first[-1], hub.Failure):
        assert isinstance(again[-1], hub.Failure)
        assert again[-1].error.message == first[-1].error.message
        return
    before, after = stream.fold(iter(first)), stream.fold(iter(again))
    assert (said(after), after.usage) == (said(before), before.usage)


@pytest.mark.parametrize("recording", responses(), **named)
def test_a_finished_answer_and_its_stream_are_the_same(recording: Recording) -> None:
    form = recording.form
    response = form.read_response(recording.response, form.flavor())
    folded = stream.fold(stream.check(stream.unfold(response)))
    assert (folded.choices, folded.usage, folded.id) == (response.choices, response.usage, response.id)
    asked = ASKED[form.name]
    written = b"".join(form.write_stream(stream.unfold(response), asked, Report()))
    read = stream.fold(iter(events(form, [written])))
    assert said(read) == said(response)


@pytest.mark.parametrize("recording", [each for each in streams() if each.form.name == "responses"], **named)
def test_the_last_event_of_a_stream_holds_what_the_stream_said(recording: Recording) -> None:
    ended = [
        chunk["response"]
        for chunk in sse.chunks([recording.stream])
        if chunk.get("type") in ("response.completed", "response.incomplete")
    ]
    for body in ended:
        streamed = stream.fold(iter(events(recording.form, [recording.stream])))
        told = recording.form.read_response(body, recording.form.flavor())
        assert (said(streamed), streamed.usage) == (said(told), told.usage)


@pytest.mark.parametrize("recording", streams(), **named)
def test_a_stream_and_its_folded_answer_convert_to_the_same(recording: Recording) -> None:
    source = recording.form
    if isinstance(events(source, [recording.stream])[-1], hub.Failure):
        return
    for client in (form for form in FORMATS.values() if form is not source):
        exchange = Exchange(client, source, ASKED[client.name], source.flavor())
        plain = exchange.folded(exchange.events([recording.stream]))
        streamed = events(client, exchange.written(exchange.events([recording.stream])))
        read, folded = client.read_response(plain, client.flavor()), stream.fold(iter(streamed))
        as_values = client.name == "messages"  # a finished message carries arguments as a value, its stream their text
        assert (said(read, as_values), read.usage) == (said(folded, as_values), folded.usage)
