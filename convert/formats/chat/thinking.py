"""How much to think: the ways in which Chat Completions providers ask for it.

OpenAI: `reasoning_effort`. DeepSeek, GLM, Kimi: `thinking: {"type": "enabled" | "disabled"}`. Qwen:
`enable_thinking`, `thinking_budget`. OpenRouter: `reasoning: {"effort" | "max_tokens", "enabled", "exclude"}`.
"""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.chat.flavor import ChatFlavor
from convert.losses import Report

Json = dict[str, Any]
FIELDS = ("reasoning_effort", "reasoning", "thinking", "enable_thinking")


def read_thinking(body: Json) -> hub.Thinking | None:
    """Takes the fields out of a request body. Raises ProxyError for one of the wrong shape."""
    given = {field: body.pop(field) for field in FIELDS if body.get(field) is not None}
    if not given:
        return None
    thinking = hub.Thinking(path=next(iter(given)), wire={"fields": given})
    for field, value in given.items():
        if field == "reasoning_effort":
            thinking.effort = value
        elif field == "enable_thinking":
            thinking.enabled = bool(value)
        elif not isinstance(value, dict):
            raise invalid(field, "must be an object")
        elif field == "thinking":
            thinking.enabled = value.get("type") != "disabled"
            thinking.budget = value.get("budget_tokens")
            thinking.extra |= {k: v for k, v in value.items() if k not in ("type", "budget_tokens")}
        else:
            thinking.effort = value.get("effort", thinking.effort)
            thinking.budget, thinking.enabled = value.get("max_tokens"), value.get("enabled", thinking.enabled)
            known = ("effort", "max_tokens", "enabled")
            thinking.extra |= {key: each for key, each in value.items() if key not in known}
    return thinking


def write_thinking(thinking: hub.Thinking, home: bool, flavor: ChatFlavor, report: Report) -> Json:
    """The fields for a request body."""
    if home:
        return dict(thinking.wire["fields"])
    report.extras(thinking.path, thinking.extra)
    if thinking.summary is not None:
        report.dropped(f"{thinking.path}.summary")
    match flavor.effort:
        case "reasoning_effort":
            effort = _effort(thinking, flavor, report)
            return {"reasoning_effort": effort} if effort else {}
        case "reasoning":
            return _reasoning(thinking, flavor, report)
        case "thinking":
            on = _switch(thinking, report)
            return {} if on is None else {"thinking": {"type": "enabled" if on else "disabled"}}
        case "thinking_effort":
            effort = _effort(thinking, flavor, report)
            if effort in (None, "none"):
                return {} if effort is None else {"thinking": {"type": "disabled"}}
            return {"thinking": {"type": "enabled"}, "reasoning_effort": effort}
        case "enable_thinking":
            on = _switch(thinking, report)
            return {} if on is None else {"enable_thinking": on}
    if thinking.effort is not None or thinking.budget is not None:
        report.dropped(f"{thinking.path}.effort", "this upstream has no such control")
    return {}


def _effort(thinking: hub.Thinking, flavor: ChatFlavor, report: Report) -> str | None:
    """The effort word; a budget becomes the nearest effort, an unknown word what the provider has for it."""
    effort = thinking.effort
    if effort is None and thinking.budget is not None:
        effort = "low" if thinking.budget <= 1024 else "medium" if thinking.budget <= 8192 else "high"
        report.approximated(thinking.path, f"a budget of {thinking.budget} tokens became effort {effort}")
    if effort is None and thinking.enabled is False:
        effort = "none"
    if effort == "max" and flavor.effort == "reasoning_effort" and not flavor.efforts:
        report.approximated(f"{thinking.path}.effort", "max became xhigh")
        return "xhigh"
    if effort is None or not flavor.efforts:
        return effort
    word = flavor.efforts.get(effort, "")
    if word != effort:
        report.approximated(f"{thinking.path}.effort", f"{effort} became {word or 'the default'}")
    return word or None


def _reasoning(thinking: hub.Thinking, flavor: ChatFlavor, report: Report) -> Json:
    if thinking.effort is None and thinking.budget is not None:
        return {"reasoning": {"max_tokens": thinking.budget}}
    effort = _effort(thinking, flavor, report)
    if effort:
        return {"reasoning": {"effort": effort}}
    return {} if thinking.enabled is None else {"reasoning": {"enabled": thinking.enabled}}


def _switch(thinking: hub.Thinking, report: Report) -> bool | None:
    """Whether to think at all, for providers that know no degrees."""
    if thinking.effort is not None:
        if thinking.effort != "none":
            report.approximated(f"{thinking.path}.effort", f"{thinking.effort} became thinking enabled")
        return thinking.effort != "none"
    if thinking.budget is not None:
        report.approximated(thinking.path, f"a budget of {thinking.budget} tokens became thinking enabled")
        return thinking.budget > 0
    return thinking.enabled
