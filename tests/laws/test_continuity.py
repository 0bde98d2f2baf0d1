"""Law of continuity: a conversation may change its upstream in the middle, and change back.

The reasoning that an upstream has sealed (Anthropic's signature, OpenAI's encrypted content, Google's thought
signature) goes back to its issuer, through a client of any format, and to nobody else.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from convert import sse, stream
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.losses import Report
from convert.providers import named
from tests.formats.converting import completion, response

Json = dict[str, Any]
SEAL = {"messages": "sealed-by-anthropic", "responses": "sealed-by-openai", "gemini": "c2VhbGVkLWJ5LWdvb2dsZQ=="}
CALL = {"city": "Rome"}
THOUGHT = "I should look."
ANSWERS: dict[str, Json] = {
    "messages": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
        "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        "content": [
            {"type": "thinking", "thinking": THOUGHT, "signature": SEAL["messages"]},
            {"type": "tool_use", "id": "call_messages", "name": "look", "input": CALL},
        ],
    },
    "responses": response(
        {"type": "reasoning", "id": "rs_1", "encrypted_content": SEAL["responses"],
         "summary": [{"type": "summary_text", "text": THOUGHT}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_responses", "name": "look", "status": "completed",
         "arguments": json.dumps(CALL)},
    ),
    "gemini": {
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"text": THOUGHT, "thought": True},
                {"thoughtSignature": SEAL["gemini"],
                 "functionCall": {"id": "call_gemini", "name": "look", "args": CALL}},
            ]},
            "finishReason": "STOP", "index": 0,
        }],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    },
    "chat": completion(
        {"content": None, "reasoning_content": THOUGHT, "tool_calls": [
            {"id": "call_chat", "type": "function", "function": {"name": "look", "arguments": json.dumps(CALL)}},
        ]},
        "tool_calls",
    ),
}  # fmt: skip
SWITCHES = [(first, second) for first in FORMATS for second in FORMATS if first != second]


class Client:
    """A client of one format with its conversation, whose sealed state waits in `waiting` where it has no slot."""

    def __init__(self, form: str) -> None:
        self.form = FORMATS[form]
        self.waiting: dict[str, Json] = {}
        self.history: list[Any] = [turn(form, "user", "What is the weather?")]

    def asked(self, wire: str, **flavor: Any) -> str:
        """The body that an upstream is sent, as text."""
        return json.dumps(self.exchange(wire, **flavor).request())

    def exchange(self, wire: str, **flavor: Any) -> Exchange:
        """An exchange of the conversation as it is."""
        form = FORMATS[wire]
        body = {"model": "m", **request(self.form.name, self.history)}
        made = Exchange(self.form, form, body, form.flavor(**flavor))
        if made.slotless:
            made.keep = self.waiting.update
            made.recall = lambda calls: {call: kept for call, kept in self.waiting.items() if call in calls}
        return made

    def step(self, wire: str, streamed: bool, **flavor: Any) -> None:
        """The upstream answers with a call; the client runs it, and returns all that it was given."""
        exchange = self.exchange(wire, **flavor)
        exchange.request()
        if streamed and self.form.name != wire:
            upstream = FORMATS[wire]
            said = upstream.read_response(ANSWERS[wire], upstream.flavor())
            sent = upstream.write_stream(stream.unfold(said), {"thinking": {"type": "adaptive"}}, Report())
            frames = list(exchange.written(exchange.events(sent)))
            form = FORMATS[self.form.name]
            again = Exchange(form, form, {}, form.flavor())
            body = again.folded(form.read_stream(sse.chunks(frames), form.flavor()))
        elif self.form.name == wire:
            body = ANSWERS[wire]
        else:
            body = exchange.response(ANSWERS[wire])
        self.history += returned(self.form.name, body)


def turn(form: str, role: str, text: str) -> Json:
    if form == "gemini":
        return {"role": role, "parts": [{"text": text}]}
    return {"role": role, "content": text}


def request(form: str, history: list[Any]) -> Json:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    if form == "gemini":
        function = {"name": "look", "parametersJsonSchema": schema}
        return {"contents": history, "tools": [{"functionDeclarations": [function]}]}
    if form == "messages":
        return {"messages": history, "max_tokens": 9000, "tools": [{"name": "look", "input_schema": schema}]}
    if form == "responses":
        return {"input": history, "tools": [{"type": "function", "name": "look", "parameters": schema}]}
    return {"messages": history, "tools": [{"type": "function", "function": {"name": "look", "parameters": schema}}]}


def returned(form: str, body: Json) -> list[Any]:
    """What a client appends to its conversation: the answer as it was, and the results of its calls."""
    if form == "messages":
        calls = [block["id"] for block in body["content"] if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call, "content": "It rains."} for call in calls]
        return [{"role": "assistant", "content": body["content"]}, {"role": "user", "content": results}]
    if form == "responses":
        calls = [item["call_id"] for item in body["output"] if item["type"] == "function_call"]
        results = [{"type": "function_call_output", "call_id": call, "output": "It rains."} for call in calls]
        return [*body["output"], *results]
    if form == "gemini":
        content = body["candidates"][0]["content"]
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        answered = [{"functionResponse": {**call, "response": {"output": "It rains."}}} for call in calls]
        for each in answered:
            each["functionResponse"].pop("args")
        return [content, {"role": "user", "parts": answered}]
    message = body["choices"][0]["message"]
    calls = [call["id"] for call in message["tool_calls"]]
    return [message, *({"role": "tool", "tool_call_id": call, "content": "It rains."} for call in calls)]


def without_thoughts(history: list[Any]) -> list[Any]:
    """A conversation as it is when the thoughts of its upstream are encrypted: nothing of them can be read."""
    return json.loads(json.dumps(history).replace(THOUGHT, ""))


def tags(form: str) -> list[str]:
    """The ways in which a seal may be written: as it is, and tagged for a client of another format."""
    return [SEAL[form]] if form in SEAL else []


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("first", "second"), SWITCHES)
@pytest.mark.parametrize("form", FORMATS)
def test_sealed_state_returns_to_its_issuer_and_to_nobody_else(
    form: str, first: str, second: str, streamed: bool
) -> None:
    client = Client(form)
    client.step(first, streamed)
    if first in SEAL:
        assert SEAL[first] in client.asked(first), "the issuer gets its state back"
    elsewhere = client.asked(second)
    assert all(seal not in elsewhere for seal in tags(first)), "nobody else gets it"
    assert "Y29udmVydD" not in elsewhere, "nor its tag"
    assert "It rains." in elsewhere and "look" in elsewhere
    client.step(second, streamed)
    again = client.asked(first)
    assert again.count("It rains.") == 2
    if first in SEAL:
        assert SEAL[first] in again, "nor is it lost on the way"


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("form", ["responses", "messages", "gemini"])
@pytest.mark.parametrize("provider", ["deepseek", "kimi", "glm"])
def test_providers_that_want_their_reasoning_back_get_it(form: str, provider: str, streamed: bool) -> None:
    """Also from clients that leave it out: one that did not ask for thinking, and Gemini CLI."""
    client, flavor = Client(form), named(provider).dialect("chat", "some-model").flavor
    client.step("chat", streamed, **flavor)
    if form == "gemini":  # as Gemini CLI does
        client.history[1]["parts"] = [part for part in client.history[1]["parts"] if not part.get("thought")]
    sent = json.loads(client.asked("chat", **flavor))["messages"]
    (answer,) = [each for each in sent if each["role"] == "assistant"]
    assert answer["reasoning_content"] == THOUGHT and answer["tool_calls"][0]["function"]["name"] == "look"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("provider", "words"), [("deepseek", ""), ("kimi", " ")])
def test_providers_that_demand_reasoning_take_over_a_conversation_that_has_none(
    form: str, provider: str, words: str
) -> None:
    if form == "chat":
        return  # its own bytes pass as they are
    client = Client(form)
    client.step("messages", False)
    client.history = without_thoughts(client.history)
    client.waiting.clear()
    sent = json.loads(client.asked("chat", **named(provider).dialect("chat", "some-model").flavor))["messages"]
    (answer,) = [each for each in sent if each["role"] == "assistant"]
    assert answer["reasoning_content"] == words and answer["tool_calls"]
