import pytest

from convert import hub, seals, stream
from convert.hub import Sealed

STATE = Sealed("gemini", "sig==")


def call(**more):
    return hub.ToolCall(id="c", name="f", **more)


def test_the_state_of_a_call_stands_before_it_and_comes_back_on_it():
    response = hub.Response(choices=[hub.Choice(parts=[hub.Text(text="a"), call(text="{}", sealed=STATE)])])
    text, bearer, bare = seals.apart(response).choices[0].parts
    assert isinstance(bearer, hub.Reasoning) and bearer.text == "" and bare.sealed is None
    history = hub.Request(messages=[hub.Message(parts=[part]) for part in (text, bearer, bare)])
    back = seals.together(history)
    assert [message.parts for message in back.messages] == [[text], [call(text="{}", sealed=STATE)]]


def test_what_has_no_such_state_is_left_alone():
    response = hub.Response(choices=[hub.Choice(parts=[call()])])
    request = hub.Request(messages=[hub.Message(parts=[hub.Reasoning(text="hm", sealed=STATE), call()])])
    assert seals.apart(response) is response and seals.together(request) is request


EVENTS = [
    hub.Start("r"), hub.PartStart(0, hub.Text()), hub.Delta(0, "a"), hub.PartEnd(0),
    hub.PartStart(1, call(sealed=STATE)), hub.PartStart(2, call()), hub.Delta(1, "{}"), hub.Delta(2, "{}"),
    hub.PartEnd(1), hub.PartEnd(2, sealed=STATE), hub.End(),
]  # fmt: skip


def test_a_stream_says_the_same():
    events = list(seals.events_apart(iter(EVENTS)))
    assert list(stream.check(events)) == events
    kinds = [type(part).__name__ for part in stream.fold(events).choices[0].parts]
    assert kinds == ["Text", "Reasoning", "ToolCall", "ToolCall", "Reasoning"]
    borne = [part.sealed.value for part in stream.fold(events).choices[0].parts if isinstance(part, hub.Reasoning)]
    assert borne == [{"call": "c", "value": "sig=="}] * 2


@pytest.mark.parametrize("value", [{"call": 7, "value": 1}, {"call": "c"}, "text", None])
def test_odd_state_stays_where_it_is(value):
    part = hub.Reasoning(sealed=Sealed("gemini", value))
    request = hub.Request(messages=[hub.Message(parts=[part])])
    assert seals.together(request) is request
