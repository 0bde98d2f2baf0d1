"""A golden conversion for each provider, and the evidence for each quirk. A new provider file is covered at once: it
needs expected/NAME.toml beside this file, with the cases in which its quirks are felt.

    [[case]]
    client = "responses"    the client's format; the request is the rich one below
    wire = "chat"           the upstream's format (chat when absent)
    model = "acme-2"        (any-model when absent)
    change = { ... }        fields of the request that are set otherwise; "" takes one away
    has = { path = value }  what the body must hold, by path; a list has a number: messages[0].role
    lacks = [path]          what it must not hold
    told = [path]           what must be told as lost or changed
    untold = [path]         what must not be, because the client did not ask for it
    betas = "a-1"           what is sent of the anthropic-beta header below
    state = true            whether the provider keeps the answers itself
    waits = true            whether reasoning is kept for a client that does not give it back
    think = "reasoning"     what <think> in an answer's content becomes: reasoning or text
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from convert import hub
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.providers import load
from convert.providers.loader import FOLDER, Provider, parse

Json = dict[str, Any]
EXPECTED = Path(__file__).parent / "expected"
NAMES = sorted(load())
FILES = {data["name"]: data for data in (tomllib.loads(path.read_text()) for path in FOLDER.glob("*.toml"))}

PNG = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WORDS = ("Be kind.", "Speak plainly.", "What is this?", "I looked.", "It rains.", "And tomorrow?")

RESPONSES: Json = {
    "instructions": "Be kind.",
    "input": [
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": PNG, "detail": "high"},
        ]},
        {"type": "message", "role": "developer", "content": "Speak plainly."},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I should call."}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Rome"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": [
            {"type": "input_text", "text": "It rains."}, {"type": "input_text", "text": "A lot."},
        ]},
        {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "I should answer."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I looked."}]},
        {"type": "message", "role": "user", "content": "And tomorrow?"},
    ],
    "tools": [
        {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True},
        {"type": "custom", "name": "apply_patch"},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "function", "name": "weather"},
    "parallel_tool_calls": False,
    "text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}, "verbosity": "low"},
    "reasoning": {"effort": "xhigh"},
    "max_output_tokens": 1000,
    "temperature": 1.5,
    "top_p": 0.001,
    "top_logprobs": 2,
    "service_tier": "flex",
    "prompt_cache_key": "session-1",
    "prompt_cache_retention": "24h",
    "safety_identifier": "user-1",
    "metadata": {"team": "blue"},
    "store": True,
    "stream": True,
}  # fmt: skip

CHAT: Json = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": "Speak plainly."},
        {"role": "user", "name": "ann", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PNG}},
        ]},
        {"role": "assistant", "content": None, "reasoning_content": "I should call.", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "It rains."},
        {"role": "assistant", "content": "I looked."},
        {"role": "user", "content": "And tomorrow?"},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
    "reasoning_effort": "xhigh",
    "max_completion_tokens": 1000,
    "temperature": 1.5,
    "top_p": 0.001,
    "top_k": 40,
    "n": 2,
    "seed": 7,
    "stop": ["END"],
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 2,
    "user": "user-1",
    "service_tier": "flex",
    "prompt_cache_key": "session-1",
    "prompt_cache_retention": "24h",
    "safety_identifier": "user-1",
    "verbosity": "low",
    "metadata": {"team": "blue"},
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True},
}  # fmt: skip
MESSAGES: Json = {
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=1;"},
        {"type": "text", "text": "Be kind."}, {"type": "text", "text": "Speak plainly."},
    ],
    "messages": [
        {"role": "user", "content": "What is this?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "It rains."}]},
        {"role": "assistant", "content": "I looked."},
        {"role": "user", "content": "And tomorrow?"},
    ],
    "tools": [{"name": "weather", "input_schema": SCHEMA}],
    "max_tokens": 1000,
}  # fmt: skip
GEMINI: Json = {
    "contents": [
        {"role": "user", "parts": [{"text": "Be kind. Speak plainly. What is this?"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "call_1", "name": "weather", "args": {}}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": "It rains."}}},
        ]},
        {"role": "model", "parts": [{"text": "I looked."}]},
        {"role": "user", "parts": [{"text": "And tomorrow?"}]},
    ],
    "generationConfig": {"thinkingConfig": {"thinkingBudget": 1000}},
}  # fmt: skip
REQUESTS = {"responses": RESPONSES, "chat": CHAT, "messages": MESSAGES, "gemini": GEMINI}
BETAS = "claude-code-20250219,files-api-2025-04-14"
KEYS = {"betas", "client", "wire", "model", "change", "has", "lacks", "told", "untold", "state", "think", "waits"}


def cases(name: str) -> list[Json]:
    """The cases of a provider."""
    path = EXPECTED / f"{name}.toml"
    assert path.exists(), f"a provider needs its cases: write {path}"
    return list(tomllib.loads(path.read_text())["case"])


def converted(provider: Provider, case: Json) -> tuple[Json, Exchange]:
    """The body for the upstream, which the client's own request must survive unchanged."""
    client, wire = FORMATS[case["client"]], FORMATS[case.get("wire", "chat")]
    model = case.get("model", "any-model")
    asked = {"model": model, **copy.deepcopy(REQUESTS[client.name]), **case.get("change", {})}
    asked = {key: value for key, value in asked.items() if value != ""}
    before = copy.deepcopy(asked)
    dialect = provider.dialect(wire.name, model)
    exchange = Exchange(client, wire, asked, wire.flavor(**dialect.flavor), patch=dialect.patch)
    body = exchange.request()
    assert asked == before
    return body, exchange


def at(body: Any, path: str) -> Any:
    """What stands at a path; None where nothing does."""
    for name, number in re.findall(r"([^.\[\]]+)|\[(-?\d+)\]", path):
        try:
            body = body[int(number)] if number else body[name]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def faults(provider: Provider, case: Json) -> Iterator[str]:
    """What is not as the case says."""
    body, exchange = converted(provider, case)
    losses = {loss.path for loss in exchange.report.losses}
    for path, value in case.get("has", {}).items():
        if (found := at(body, path)) != value:
            yield f"{path} is {found!r}, not {value!r}"
    for path in case.get("lacks", ()):
        if (found := at(body, path)) is not None:
            yield f"{path} is {found!r}, and must not be there"
    for path in set(case.get("told", ())) - losses:
        yield f"{path} is not told; told are {sorted(losses)}"
    for path in losses.intersection(case.get("untold", ())):
        yield f"{path} is told"
    sent = exchange.wire.known({"anthropic-beta": BETAS}, exchange.flavor).get("anthropic-beta", "")
    if case.get("betas", sent) != sent:
        yield f"of the betas, {sent!r} is sent"
    if case.get("state", found := getattr(exchange.flavor, "state", None)) != found:
        yield f"that the provider keeps state is {found}"
    if case.get("waits", exchange.slotless) != exchange.slotless:
        yield f"that reasoning is kept is {exchange.slotless}"
    if case.get("think", found := thought(exchange)) != found:
        yield f"<think> in an answer is taken for {found}"


def thought(exchange: Exchange) -> str:
    """What <think> at the start of an answer's content becomes."""
    if exchange.wire.name != "chat":
        return ""
    message = {"role": "assistant", "content": "<think>hm</think>yes"}
    response = exchange.wire.read_response({"choices": [{"message": message}]}, exchange.flavor)
    first = response.choices[0].parts[0]
    return "reasoning" if isinstance(first, hub.Reasoning) else "text"


@pytest.mark.parametrize("name", NAMES)
def test_the_rich_requests_become_what_the_provider_takes(name: str) -> None:
    wrong = [(case["client"], case.get("model"), *faults(load()[name], case)) for case in cases(name)]
    assert [each for each in wrong if len(each) > 2] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_dialect_loses_the_conversation(name: str) -> None:
    for case in cases(name):
        body, _ = converted(load()[name], case)
        told = str(body)
        assert all(words in told for words in WORDS if not case.get("change", {}).keys() & {"input", "messages"})
        assert "weather" in told
        named = r"'(?:tool_call_id|call_id|tool_use_id)': '([^']+)'|'functionResponse': \{'id': '([^']+)'"
        (identity, *others) = ["".join(found) for found in re.findall(named, told)]  # of the result, perhaps the call
        assert set(others) <= {identity} and told.count(f"'{identity}'") >= 2


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_are_for_both_clients_and_for_every_rule_of_models(name: str) -> None:
    given = cases(name)
    assert {key for case in given for key in case} <= KEYS
    assert {case["client"] for case in given} >= {"responses", "chat"}
    for rule in load()[name].rules:
        assert any(rule.matches(case.get("model", "any-model")) for case in given), rule.match


def leaves(data: Json) -> Iterator[tuple[str, ...]]:
    """The place of each single quirk in a provider file: of each behaviour, and of each entry of each patch."""
    for form, behaviours in data.get("flavor", {}).items():
        yield from (("flavor", form, key) for key in behaviours)
    for form, patch in data.get("patch", {}).items():
        for operation, entries in patch.items():
            yield from (("patch", form, operation, entry) for entry in entries)
    for number, model in enumerate(data.get("model", ())):
        yield from (("model", str(number), *leaf) for leaf in leaves(model))


def without(data: Json, leaf: tuple[str, ...]) -> Json:
    """A provider file without one quirk."""
    changed = copy.deepcopy(data)
    node: Any = changed
    for step in leaf[:-1]:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if isinstance(node, list):
        node.remove(leaf[-1])
    else:
        del node[leaf[-1]]
    return changed


@pytest.mark.parametrize("name", NAMES)
def test_every_quirk_is_felt_by_a_case(name: str) -> None:
    unfelt = [
        ".".join(leaf)
        for leaf in leaves(FILES[name])
        if not any(fault for case in cases(name) for fault in faults(parse(without(FILES[name], leaf)), case))
    ]
    assert unfelt == [], "these may be taken out and no case fails"


def named_quirks(data: Json, start: str = "") -> set[str]:
    """The quirks of a file, as a [[source]] names them: flavor.chat.effort, model.patch.chat.drop."""
    found = {f"{start}{'.'.join(leaf[:3])}" for leaf in leaves({**data, "model": []})}
    return found.union(*(named_quirks(model, "model.") for model in data.get("model", ())))


@pytest.mark.parametrize("name", NAMES)
def test_every_quirk_has_a_source_and_every_source_a_quirk(name: str) -> None:
    told = {quirk for source in FILES[name].get("source", ()) for quirk in source["quirks"]}
    assert told == named_quirks(FILES[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_source_is_a_page_that_was_read_on_a_day(name: str) -> None:
    for source in load()[name].sources:
        assert source.url.startswith("https://")
        assert date(2025, 1, 1) < date.fromisoformat(source.date) <= date.today()
        assert len(source.note) > 20


def test_no_case_is_left_of_a_provider_that_is_gone() -> None:
    assert sorted(path.stem for path in EXPECTED.iterdir()) == NAMES
