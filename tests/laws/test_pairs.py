"""Laws of all pairs of formats: an answer says the same in the other format, and what is written is valid there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from convert import hub, sse, stream
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from tests.laws.meaning import assert_same, cut_off
from tests.laws.schemas import violations
from tests.recordings import Recording, cut, requests, responses, streams
from tests.smallest import ASKED


def onto_each(recordings: Callable[[], tuple[Recording, ...]]) -> Any:
    """Each recording with each other format."""
    pairs = [
        pytest.param(recording, other, id=f"{recording.name} to {other.name}")
        for recording in recordings()
        for other in FORMATS.values()
        if other is not recording.form
    ]
    return pytest.mark.parametrize(("recording", "other"), pairs)


def exchange(client: Format, wire: Format) -> Exchange:
    return Exchange(client, wire, ASKED[client.name], wire.flavor())


@onto_each(requests)
def test_a_converted_request_is_valid(recording: Recording, other: Format) -> None:
    try:
        written = Exchange(recording.form, other, recording.request, other.flavor()).request()
    except ProxyError as refusal:
        assert refusal.param and refusal.status < 500
        return
    wrong = violations(f"{other.name}.request", json.loads(sse.dumps(written)))
    # a mistake of the client's stays one, for the upstream to judge
    assert wrong == [] or set(wrong) <= set(violations(f"{recording.form.name}.request", recording.request))


@onto_each(responses)
def test_a_converted_answer_is_valid_and_says_the_same(recording: Recording, other: Format) -> None:
    form = recording.form
    plain = exchange(other, form).response(recording.response)
    assert violations(f"{other.name}.response", plain) == []
    before = form.read_response(recording.response, form.flavor())
    assert_same(other, other.read_response(plain, other.flavor()), before)
    converting = exchange(other, form)
    streamed = b"".join(converting.written(converting.unfolded(recording.response)))
    assert violations(f"{other.name}.response", streamed.decode()) == []
    assert_same(other, folded(other, streamed), before)


@onto_each(streams)
@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_converted_stream_is_valid_and_says_the_same(recording: Recording, other: Format, size: int) -> None:
    form = recording.form
    events = list(exchange(other, form).events(cut(recording.stream, size)))
    written = b"".join(exchange(other, form).written(iter(events)))
    ended = list(stream.check(other.read_stream(sse.chunks([written]), other.flavor())))[-1]
    if isinstance(events[-1], hub.Failure):
        assert isinstance(ended, hub.Failure) and ended.error.message == events[-1].error.message
        return
    said = stream.fold(iter(events))
    assert violations(f"{other.name}.response", written.decode(), cut_off(said)) == []
    assert_same(other, folded(other, written), said)


def folded(form: Format, written: bytes) -> hub.Response:
    return stream.fold(stream.check(form.read_stream(sse.chunks([written]), form.flavor())))
