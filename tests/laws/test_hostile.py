"""Law 8, hostile input: whatever arrives gives a ProxyError or a Failure, never another exception, and one end."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert import hub, sse, stream
from convert.api.bodies import check
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from tests.recordings import OWN, Recording, cut, requests, responses, streams
from tests.smallest import SMALLEST

MUTANTS = 60  # of each recording
JUNK: list[Any] = [
    None, True, 0, -1, 1.5, "", "x", "\ud83d", [], {}, [None], [[]], [{}], {"type": "x"}, {"type": None}, "9" * 400,
    [{"type": "text"}], {"": {}},
]  # fmt: skip
WIRES = [(client, wire) for client in FORMATS.values() for wire in FORMATS.values() if client is not wire]


def own(found: tuple[Recording, ...]) -> list[Recording]:
    """The project's own recordings are enough here."""
    return [each for each in found if OWN in each.folder.parents]


def mutants(body: Any, seed: str, count: int = MUTANTS) -> Iterator[Any]:
    """Copies of a body, each with one place removed, doubled or replaced by junk; the same ones in every run."""
    chance = random.Random(seed)
    places = list(walk(body))
    for _ in range(count):
        mutant = copy.deepcopy(body)
        holder, key = find(mutant, chance.choice(places))
        match chance.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case _:
                holder[key] = copy.deepcopy(chance.choice(JUNK))
        yield mutant


def walk(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value inside a body."""
    for key, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield (*path, key)
        yield from walk(value, (*path, key))


def find(body: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """(the object or list that holds the last step of a path, that step)."""
    for step in path[:-1]:
        body = body[step]
    return body, path[-1]


def converted(client: Format, wire: Format, body: Any) -> None:
    """Converts a request as the server would; a fault must be the client's."""
    try:
        check(client, body)
        Exchange(client, wire, body, wire.flavor()).request()
    except ProxyError as error:
        assert 400 <= error.status < 500


@pytest.mark.parametrize("recording", own(requests()), ids=lambda each: each.name)
def test_a_request_that_is_wrong_anywhere_is_the_clients_fault(recording: Recording) -> None:
    for mutant in mutants(recording.request, recording.name):
        for wire in FORMATS.values():
            converted(recording.form, wire, mutant)


@pytest.mark.parametrize("recording", own(responses()), ids=lambda each: each.name)
def test_an_answer_that_is_wrong_anywhere_is_the_upstreams_fault(recording: Recording) -> None:
    for mutant in mutants(recording.response, recording.name):
        for client in FORMATS.values():
            exchange = Exchange(client, recording.form, SMALLEST[client.name], recording.form.flavor())
            try:
                exchange.response(mutant)
                b"".join(exchange.written(exchange.unfolded(mutant)))
            except ProxyError as error:
                assert error.kind != "invalid_request"  # which would be the client's fault


@pytest.mark.parametrize("recording", own(streams()), ids=lambda each: each.name)
def test_a_stream_that_is_wrong_anywhere_has_one_end(recording: Recording) -> None:
    chunks = [chunk for chunk in sse.chunks([recording.stream]) if chunk is not sse.DONE]
    for mutant in mutants(chunks, recording.name):
        data = b"".join(sse.event(chunk) for chunk in mutant)
        for client in FORMATS.values():
            exchange = Exchange(client, recording.form, SMALLEST[client.name], recording.form.flavor())
            events = list(exchange.events([data]))
            assert [isinstance(event, hub.End | hub.Failure) for event in events].index(True) == len(events) - 1
            written = b"".join(exchange.written(iter(events)))
            # Gemini's streams have no event that says that nothing follows
            assert (client.closes(written) or client.ends(written)) and written.endswith(b"\n\n")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", FORMATS)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_json_in_the_place_of_any_field(name: str, data: st.DataObject) -> None:
    form = FORMATS[name]
    known = sorted({key for recording in own(requests()) if recording.form is form for key in recording.request})
    fields = data.draw(st.dictionaries(st.sampled_from(known), json_values, max_size=4))
    for wire in FORMATS.values():
        converted(form, wire, {**SMALLEST[name], **fields})


@pytest.mark.parametrize("name", FORMATS)
@given(pieces=st.lists(st.binary(max_size=40) | st.sampled_from([b"data: ", b"{", b"}", b"\n\n", b"data: {}\n\n"])))
@settings(max_examples=150, deadline=None)
def test_any_bytes_as_a_stream(name: str, pieces: list[bytes]) -> None:
    form = FORMATS[name]
    events = list(stream.check(form.read_stream(sse.chunks(pieces), form.flavor())))
    assert [isinstance(event, hub.End | hub.Failure) for event in events].index(True) == len(events) - 1


@pytest.mark.parametrize(("client", "wire"), WIRES, ids=lambda form: form.name)
def test_a_line_of_ten_megabytes_passes(client: Format, wire: Format) -> None:
    recording = next(each for each in own(streams()) if each.form is wire and each.name.endswith("/plain-stream"))
    text = "x" * 10_000_000
    chunks = [chunk for chunk in sse.chunks([recording.stream]) if chunk is not sse.DONE]
    long = b"".join(sse.event(chunk) for chunk in lengthened(chunks, text))
    long += b"" if wire.name == "gemini" else b"data: [DONE]\n\n"
    exchange = Exchange(client, wire, SMALLEST[client.name], wire.flavor())
    written = b"".join(exchange.written(exchange.events(cut(long, 65536))))
    assert text.encode() in written


def lengthened(chunks: list[Any], text: str) -> Iterator[Any]:
    """The chunks of a stream, the first delta of text replaced."""
    waiting = iter([text])
    for chunk in chunks:
        chunk = copy.deepcopy(chunk)
        for choice in chunk.get("choices") or []:
            if choice["delta"].get("content"):
                choice["delta"]["content"] = next(waiting, choice["delta"]["content"])
        for candidate in chunk.get("candidates") or []:
            for part in candidate["content"]["parts"]:
                part["text"] = next(waiting, part["text"])
        if chunk.get("type") == "response.output_text.delta":
            chunk["delta"] = next(waiting, chunk["delta"])
        if chunk.get("type") == "content_block_delta" and "text" in chunk["delta"]:
            chunk["delta"]["text"] = next(waiting, chunk["delta"]["text"])
        if not str(chunk.get("type")).endswith(".done"):
            yield chunk
