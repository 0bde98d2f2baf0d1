"""Law of prompt caches: what an earlier turn sent is, byte for byte, how the next turn begins."""

from __future__ import annotations

from typing import Any

import pytest

from convert import hub, sse
from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from tests.recordings import Recording, requests

HISTORY = {"chat": "messages", "responses": "input", "messages": "messages", "gemini": "contents"}
CONVERSATIONS = [
    pytest.param(recording, wire, id=f"{recording.name} to {wire.name}")
    for recording in requests()
    for wire in FORMATS.values()
    if wire is not recording.form and len(recording.request.get(HISTORY[recording.form.name]) or "") > 2
]


@pytest.mark.parametrize(("recording", "wire"), CONVERSATIONS)
def test_a_turn_begins_with_the_bytes_of_the_turn_before(recording: Recording, wire: Format) -> None:
    whole = recording.request
    key = HISTORY[recording.form.name]
    if not isinstance(whole[key], list):
        return
    for length in turns(whole[key]):
        earlier, later = ({**whole, key: whole[key][:end]} for end in (length, len(whole[key])))
        if open_calls(recording.form, earlier):
            continue
        try:
            before, after = (written(recording.form, wire, body) for body in (earlier, later))
        except ProxyError:
            return
        assert after.startswith(before)


def turns(history: list[Any]) -> list[int]:
    """Where a turn of the conversation ends in a request: behind a user's words that are not its last ones."""
    said = [number for number, each in enumerate(history, 1) if isinstance(each, dict) and each.get("role") == "user"]
    answered = [number for number in said if number < len(history) and history[number].get("role") != "user"]
    return [number for number in answered if not results_follow(history[number:])]


def open_calls(form: Format, body: Any) -> bool:
    """Whether a call waits for its result, which a wire may want to stand right behind it."""
    parts = [part for message in form.read_request(body).messages for part in message.parts]
    called = {part.id for part in parts if isinstance(part, hub.ToolCall)}
    return called != {part.call_id for part in parts if isinstance(part, hub.ToolResult)}


def results_follow(rest: list[Any]) -> bool:
    """Whether tools that the rest makes known would stand before the history on some wires."""
    return "tools" in str(rest) and any(isinstance(each, dict) and "tools" in each for each in rest)


def written(client: Format, wire: Format, body: Any) -> bytes:
    """The converted history without its closing bracket."""
    return sse.dumps(Exchange(client, wire, body, wire.flavor()).request()[HISTORY[wire.name]])[:-1]
