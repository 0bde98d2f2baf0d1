"""What an answer says, for comparing it in two forms of one format (`said`) and in two formats (`assert_same`).

What differs by an API's own rules is left out, with the rule.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

from convert import hub
from tests.laws.facts import plain_json

Said = list[tuple[list[hub.Part], hub.Reason]]


def said(response: hub.Response) -> Said:
    """The parts and the reason of each choice."""
    return [([_plain(part) for part in choice.parts], choice.reason) for choice in response.choices]


def _plain(part: hub.Part) -> hub.Part:
    part = copy.deepcopy(part)
    if isinstance(part, hub.ToolCall):
        part.text = part.text or "{}"  # a call without arguments is written as an empty object: clients parse it
    if isinstance(part, hub.Reasoning) and part.sealed:
        part.sealed = hub.Sealed(part.sealed.format, "")  # OpenAI encrypts it anew for the last event of a stream
    if isinstance(part, hub.Text | hub.Refusal):
        # Responses has no `bytes` in the log probabilities of its deltas
        part.logprobs = [{"token": each.get("token"), "logprob": each.get("logprob")} for each in part.logprobs]
    if isinstance(part, hub.Text):
        for citation in part.citations:
            citation.quote = None  # OpenRouter's; it is reported
    return part


def assert_same(after: hub.Response, before: hub.Response, form: str = "") -> None:
    """Raises AssertionError where words, calls, reason or token counts differ. A format with one choice only is given
    all of them as messages of that one. `form`: the format in which it was said again."""
    if form == "gemini":
        before = as_gemini_can(before)
    if len(after.choices) < len(before.choices):
        texts = [part.text for choice in before.choices for part in choice.parts if isinstance(part, hub.Text)]
        assert sorted(p.text for p in after.choices[0].parts if isinstance(p, hub.Text)) == sorted(texts)
        before = dataclasses.replace(before, choices=[joined(before.choices)])
        after = dataclasses.replace(after, choices=[joined(after.choices)])
    assert [told(choice) for choice in after.choices] == [told(choice) for choice in before.choices]
    assert counts(after) == counts(before)


def as_gemini_can(response: hub.Response) -> hub.Response:
    """An answer in terms of an API that has no refusals, no free-text tools and no count of what was cached."""
    choices = [dataclasses.replace(each, parts=[*map(_as_gemini_can, each.parts)]) for each in response.choices]
    usage = response.usage and dataclasses.replace(response.usage, cache_write=0)
    return dataclasses.replace(response, choices=choices, usage=usage)


def _as_gemini_can(part: hub.Part) -> hub.Part:
    match part:
        case hub.Refusal():
            return hub.Text(text=part.text)
        case hub.ToolCall(type="custom"):
            return dataclasses.replace(part, type="function", text=json.dumps({"input": part.text}))
    return part


def joined(choices: list[hub.Choice]) -> hub.Choice:
    """The first choice with the calls of all, without the texts."""
    return hub.Choice(
        parts=[part for each in choices for part in each.parts if not isinstance(part, hub.Text)],
        reason=choices[0].reason,
    )


def counts(response: hub.Response) -> hub.Usage:
    """Token counts; a client that needs them is given zeros where the upstream had none."""
    return dataclasses.replace(response.usage or hub.Usage(), total=None, extra={})


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
                said["calls"].append((kind, part.name, plain_json(part.text), part.id))
    return said
