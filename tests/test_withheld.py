from __future__ import annotations

from typing import Any

from convert import hub, stream, withheld
from convert.hub import Sealed

SIGNED = hub.Reasoning(text="I think", sealed=Sealed("messages", "sig"))
CALL = hub.ToolCall(id="call_1", name="add", text="{}")
SIGNED_CALL = hub.ToolCall(id="call_2", name="add", text="{}", sealed=Sealed("gemini", "s2"))


def response(*parts: hub.Part) -> hub.Response:
    return hub.Response(id="r", choices=[hub.Choice(parts=[*parts])])


def asked(*messages: hub.Message) -> hub.Request:
    return hub.Request(messages=[*messages])


def kept(*parts: hub.Part) -> tuple[hub.Response, dict[str, Any]]:
    found: dict[str, Any] = {}
    return withheld.of_response(response(*parts), found.update), found


def test_an_answer_loses_its_sealed_state_which_is_kept_by_call() -> None:
    bare, found = kept(SIGNED, CALL, SIGNED_CALL)
    assert [part.sealed for part in bare.choices[0].parts if not isinstance(part, hub.Text)] == [None, None, None]  # type: ignore[union-attr]
    assert found == {
        "call_1": {"thoughts": [{"text": "I think", "kind": "full", "sealed": ["messages", "sig"]}], "sealed": None},
        "call_2": {"thoughts": [], "sealed": ["gemini", "s2"]},
    }


def test_an_answer_without_calls_keeps_nothing() -> None:
    assert kept(SIGNED, hub.Text(text="Hi"))[1] == {}


def test_reasoning_that_nobody_sealed_does_not_wait() -> None:
    assert kept(hub.Reasoning(text="open"), CALL)[1] == {}


def test_a_stream_keeps_the_same_as_the_finished_answer() -> None:
    whole, found = kept(hub.Text(text="Let me see"), SIGNED, CALL, SIGNED_CALL)
    streamed: dict[str, Any] = {}
    parts = response(hub.Text(text="Let me see"), SIGNED, CALL, SIGNED_CALL)
    events = withheld.of_events(stream.check(stream.unfold(parts)), streamed.update)
    assert stream.fold(events).choices == whole.choices
    assert streamed == found


def test_what_is_kept_comes_back_before_its_call() -> None:
    _, found = kept(SIGNED, CALL, SIGNED_CALL)
    echo = hub.Message(role="assistant", parts=[hub.ToolCall(id="call_1"), hub.ToolCall(id="call_2")])
    request = withheld.put_back(asked(echo), lambda calls: {call: found[call] for call in calls})
    second = hub.ToolCall(id="call_2", sealed=Sealed("gemini", "s2"))
    assert request.messages[0].parts == [SIGNED, hub.ToolCall(id="call_1"), second]


def test_it_takes_the_place_of_what_the_client_made_of_it() -> None:
    _, found = kept(SIGNED, CALL)
    echo = hub.Message(role="assistant", parts=[hub.Reasoning(text="I think"), CALL])
    assert withheld.put_back(asked(echo), lambda calls: found).messages[0].parts == [SIGNED, CALL]


def test_a_request_without_calls_asks_for_nothing() -> None:
    request = asked(hub.Message(role="user", parts=[hub.Text(text="Hi")]))
    assert withheld.put_back(request, lambda calls: 1 / 0) is request  # type: ignore[arg-type,return-value]


def test_a_request_whose_calls_are_not_known_is_left_as_it_is() -> None:
    request = asked(hub.Message(role="assistant", parts=[CALL]))
    assert withheld.put_back(request, lambda calls: {}) is request
