import pytest

from convert import hub, stream
from convert.errors import ProxyError

S, E = hub.Start("r", "m", 1), hub.End([hub.Reason("stop")], hub.Usage(3, 2))


def text(index, *deltas, choice=0):
    return [
        hub.PartStart(index, hub.Text(), choice),
        *[hub.Delta(index, delta) for delta in deltas],
        hub.PartEnd(index),
    ]


WHOLE = [S, *text(0, "a", "b"), *text(1, "c"), E]


def test_an_orderly_stream_passes():
    assert list(stream.check(WHOLE)) == WHOLE


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_every_prefix_ends_in_exactly_one_failure(length):
    events = list(stream.check(WHOLE[:length]))
    assert events[:-1] == WHOLE[:length]
    assert isinstance(events[-1], hub.Failure)


@pytest.mark.parametrize(
    "events",
    [
        [hub.PartStart(0, hub.Text())],
        [S, hub.Delta(0, "x")],
        [S, hub.PartEnd(0)],
        [S, S],
        [E],
        [S, hub.PartStart(0, hub.Text()), hub.PartStart(0, hub.Text())],
        [S, hub.PartStart(0, hub.Text()), E],
        [S, *text(0, "a"), hub.Delta(0, "late")],
    ],
)
def test_each_breach_of_the_grammar_is_a_failure(events):
    checked = list(stream.check([*events, E]))
    assert isinstance(checked[-1], hub.Failure) and "out of order" in checked[-1].error.message
    assert not any(isinstance(event, hub.End) for event in checked)


def test_nothing_follows_the_end():
    assert list(stream.check([*WHOLE, S, E])) == WHOLE


@pytest.mark.parametrize("fault", [KeyError("x"), TypeError(), ValueError(), IndexError(), AttributeError()])
def test_a_reader_that_trips_gives_a_failure(fault):
    def broken():
        yield S
        raise fault

    assert list(stream.check(broken()))[-1] == hub.Failure(
        ProxyError("upstream", "the upstream sent a chunk of an unexpected shape")
    )


def test_our_own_bugs_stay_loud():
    def broken():
        yield S
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(stream.check(broken()))


def test_an_upstream_error_below_becomes_the_failure():
    def cut():
        yield S
        raise ProxyError("timeout", "too slow")

    assert list(stream.check(cut()))[-1].error.kind == "timeout"


def test_fold_adds_up():
    response = stream.fold(WHOLE)
    assert [part.text for part in response.choices[0].parts] == ["ab", "c"]
    assert (response.id, response.model, response.created, response.usage) == ("r", "m", 1, hub.Usage(3, 2))


def test_fold_keeps_choices_apart():
    events = [
        S,
        hub.PartStart(0, hub.Text(), 0),
        hub.PartStart(1, hub.Text(), 1),
        hub.Delta(1, "B"),
        hub.Delta(0, "A"),
        hub.PartEnd(0),
        hub.PartEnd(1),
        hub.End([hub.Reason("stop"), hub.Reason("length")]),
    ]
    choices = stream.fold(stream.check(events)).choices
    assert [(choice.parts[0].text, choice.reason.kind) for choice in choices] == [("A", "stop"), ("B", "length")]


def test_fold_raises_a_failure():
    with pytest.raises(ProxyError, match="ended before"):
        stream.fold(stream.check([S]))


def test_fold_tells_of_silence():
    calls = []
    stream.fold([S, hub.PING, hub.PING, E], lambda: calls.append(1))
    assert len(calls) == 2


def test_fold_does_not_change_the_events():
    part = hub.Text()
    stream.fold([S, hub.PartStart(0, part), hub.Delta(0, "x"), hub.PartEnd(0), E])
    assert part.text == ""


RESPONSE = hub.Response(
    id="r",
    model="m",
    choices=[
        hub.Choice(
            parts=[
                hub.Reasoning(text="hm", kind="summary", sealed=hub.Sealed("responses", "blob")),
                hub.Text(text="hello", citations=[hub.Citation(url="u")], logprobs=[{"token": "hello"}]),
                hub.Refusal(text="no"),
                hub.ToolCall(text='{"a":1}', id="c", name="f"),
                hub.Media(kind="image", data="AAAA"),
                hub.Raw(format="responses", value={"type": "x"}),
            ],
            reason=hub.Reason("tool_calls"),
        )
    ],
    usage=hub.Usage(1, 2),
)


def test_unfold_is_undone_by_fold():
    assert stream.fold(stream.check(stream.unfold(RESPONSE))) == RESPONSE


def test_unfold_does_not_change_the_response():
    before = repr(RESPONSE)
    list(stream.unfold(RESPONSE))
    assert repr(RESPONSE) == before


def interleaved():
    yield from [S, hub.PartStart(0, hub.Text()), hub.PartStart(1, hub.Text()), hub.PartStart(2, hub.Text())]
    yield from [hub.Delta(1, "b"), hub.Delta(0, "a"), hub.PartEnd(1), hub.Delta(2, "c"), hub.PartEnd(0)]
    yield from [hub.Delta(2, "d"), hub.PartEnd(2), E]


def test_sequential_puts_parts_one_after_another():
    events = list(stream.check(stream.sequential(interleaved())))
    opened = [(type(e).__name__, e.index) for e in events if isinstance(e, hub.PartStart | hub.PartEnd)]
    assert opened == [(kind, n) for n in range(3) for kind in ("PartStart", "PartEnd")]
    assert stream.fold(events) == stream.fold(interleaved())


def test_sequential_keeps_the_first_part_live():
    source = stream.sequential(interleaved())
    seen = [next(source) for _ in range(3)]
    assert seen == [S, hub.PartStart(0, hub.Text()), hub.Delta(0, "a")]


def test_tap_sees_the_response_before_the_end_leaves():
    seen = []
    events = stream.tap(iter(WHOLE), seen.append)
    for event in events:
        if isinstance(event, hub.End):
            assert [part.text for part in seen[0].choices[0].parts] == ["ab", "c"]
    assert len(seen) == 1


def test_tap_sees_a_failure():
    seen = []
    list(stream.tap(stream.check([S]), seen.append))
    assert [error.kind for error in seen] == ["upstream"]


def test_parts_numbers_and_closes():
    parts = stream.Parts()
    events = [parts.open("a", hub.Text()), parts.open("b", hub.Text(), 1), parts.delta("a", "x")]
    assert "a" in parts
    events += [*parts.close_all(but="b"), *parts.close("a"), *parts.close_all()]
    assert events == [
        hub.PartStart(0, hub.Text()),
        hub.PartStart(1, hub.Text(), 1),
        hub.Delta(0, "x"),
        hub.PartEnd(0),
        hub.PartEnd(1),
    ]
    with pytest.raises(KeyError):
        parts.delta("a", "late")
