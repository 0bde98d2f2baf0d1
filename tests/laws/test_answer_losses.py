"""Law 7 for answers: what only an upstream's own format knows of a tool call is reported to a client of another one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from tests.recordings import Recording, responses
from tests.smallest import ASKED

Json = dict[str, Any]
UNKNOWN = {"member_of_the_future": "x"}


def chat_calls(body: Json) -> Iterator[Json]:
    for choice in body["choices"]:
        yield from choice["message"].get("tool_calls") or []


def responses_calls(body: Json) -> Iterator[Json]:
    yield from (item for item in body["output"] if item["type"] in ("function_call", "custom_tool_call"))


def messages_calls(body: Json) -> Iterator[Json]:
    yield from (block for block in body["content"] or [] if block["type"] == "tool_use")


def gemini_calls(body: Json) -> Iterator[Json]:
    for candidate in body.get("candidates") or []:
        parts = (candidate.get("content") or {}).get("parts") or []
        yield from (part["functionCall"] for part in parts if "functionCall" in part)


CALLS = {"chat": chat_calls, "responses": responses_calls, "messages": messages_calls, "gemini": gemini_calls}


def conversions() -> Iterator[Any]:
    """Each recorded answer with calls, for a client of each other format."""
    for recording in responses():
        if any(True for _ in CALLS[recording.form.name](recording.response)):
            for client in FORMATS.values():
                if client is not recording.form:
                    yield pytest.param(recording, client, id=f"{recording.name} to {client.name}")


@pytest.mark.parametrize(("recording", "client"), list(conversions()))
def test_a_member_of_a_call_that_the_client_cannot_be_given_is_reported(recording: Recording, client: Format) -> None:
    body = copy.deepcopy(recording.response)
    planted = 0
    for call in CALLS[recording.form.name](body):
        call |= UNKNOWN
        planted += 1
    for streamed in (False, True):
        exchange = Exchange(client, recording.form, ASKED[client.name], recording.form.flavor())
        if streamed:
            assert b"".join(exchange.written(exchange.unfolded(body)))
        else:
            assert exchange.response(body)
        told = [str(loss) for loss in exchange.report.losses if "member_of_the_future" in loss.path]
        assert told == ["output.tool_call.member_of_the_future dropped"] * planted
