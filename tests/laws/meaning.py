"""What an answer says, for comparing it in two forms. What differs by an API's own rules is left out, with the rule."""

from __future__ import annotations

import copy

from convert import hub

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
