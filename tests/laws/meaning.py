"""What an answer says, for comparing it in two forms of one format (`said`) and in two formats (`assert_same`).

What differs by an API's own rules is left out, with the rule.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from convert import hub
from convert.formats.contract import Format
from convert.tools import short_id
from tests.laws.facts import STRICTEST, arguments, plain_json

Said = list[tuple[list[hub.Part], hub.Reason]]


def said(response: hub.Response, as_values: bool = False) -> Said:
    """The parts and the reason of each choice. `as_values`: arguments as the values that they spell, for forms of which
    one carries the value itself, and not its text."""
    return [([_plain(part, as_values) for part in choice.parts], choice.reason) for choice in response.choices]


def _plain(part: hub.Part, as_values: bool) -> hub.Part:
    part = copy.deepcopy(part)
    if isinstance(part, hub.ToolCall) and part.type != "custom":
        # a call without arguments is written as an empty object: clients parse it
        part.text = plain_json(part.text) if as_values else part.text or "{}"
    if isinstance(part, hub.Reasoning) and part.sealed:
        part.sealed = hub.Sealed(part.sealed.format, "")  # OpenAI encrypts it anew for the last event of a stream
    if isinstance(part, hub.Text | hub.Refusal):
        # Responses has no `bytes` in the log probabilities of its deltas
        part.logprobs = [{"token": each.get("token"), "logprob": each.get("logprob")} for each in part.logprobs]
    if isinstance(part, hub.Text):
        for citation in part.citations:
            citation.quote = None  # OpenRouter's; it is reported
    return part


def assert_same(client: Format, after: hub.Response, before: hub.Response) -> None:
    """Raises AssertionError where words, calls, reason or token counts differ after a conversion for a client. A format
    with one choice only is given all of them as messages of that one."""
    if len(after.choices) < len(before.choices):
        texts = [part.text for choice in before.choices for part in choice.parts if isinstance(part, hub.Text)]
        assert sorted(p.text for p in after.choices[0].parts if isinstance(p, hub.Text)) == sorted(texts)
        before = dataclasses.replace(before, choices=[joined(before.choices)])
        after = dataclasses.replace(after, choices=[joined(after.choices)])
    assert [told(choice) for choice in after.choices] == [
        as_said(told(choice), told(now)) for choice, now in zip(before.choices, after.choices, strict=True)
    ]
    written = 0 if client.name == "gemini" else counts(before).cache_write  # Google does not count it
    assert counts(after) == dataclasses.replace(counts(before), cache_write=written)


def as_said(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What was told, in the form of an API that has no refusals apart from text, and no free text for a tool."""
    if before["refusal"] and not after["refusal"]:
        before |= {"text": before["text"] + before["refusal"], "refusal": ""}
    if any(kind == "custom" for kind, *_ in before["calls"]) and not any(k == "custom" for k, *_ in after["calls"]):
        before["calls"] = [
            ("function", name, {"input": text} if kind == "custom" else text, each)
            for kind, name, text, each in before["calls"]
        ]
    return before


def cut_off(response: hub.Response) -> bool:
    """Whether the token limit ended an answer."""
    return any(choice.reason.kind == "length" for choice in response.choices)


def joined(choices: list[hub.Choice]) -> hub.Choice:
    """The first choice with the calls of all, without the texts."""
    return hub.Choice(
        parts=[part for each in choices for part in each.parts if not isinstance(part, hub.Text)],
        reason=choices[0].reason,
    )


def counts(response: hub.Response) -> hub.Usage:
    """Token counts; a client that needs them is given zeros where the upstream had none."""
    usage = response.usage or hub.Usage()
    whole = max(usage.input, usage.cache_read + usage.cache_write)  # xAI counts what is not from the cache only
    return dataclasses.replace(usage, input=whole, total=None, extra={})


def told(choice: hub.Choice) -> dict[str, Any]:
    """What must be the same in every format, in plain values."""
    said: dict[str, Any] = {"reason": choice.reason.kind, "calls": [], "text": "", "refusal": "", "reasoning": ""}
    for part in choice.parts:
        match part:
            case hub.Text():
                said["text"] += part.text
            case hub.Media(kind="audio"):
                said["text"] += part.text or ""  # its transcript
            case hub.Refusal():
                said["refusal"] += part.text
            case hub.Reasoning():
                said["reasoning"] += part.text.replace("\n\n", "").strip()  # summaries are joined by blank lines
            case hub.ToolCall():
                kind = "function" if part.type == "client" else part.type
                text = part.text if kind == "custom" else arguments(part.text)
                said["calls"].append((kind, part.name, text, short_id(part.id, STRICTEST)))
    return said
