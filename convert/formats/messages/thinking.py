"""How much to think. Source: Anthropic guides, "Extended thinking", "Adaptive thinking", "Effort".

`thinking` is enabled with a budget of tokens, adaptive, or disabled; `output_config.effort` says how much effort the
whole answer is worth. The API refuses a budget that leaves nothing of max_tokens, sampling parameters beside
thinking, and thinking beside a tool that must be called.
"""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import invalid
from convert.formats.contract import expect
from convert.formats.messages.flavor import MessagesFlavor
from convert.losses import Report

Json = dict[str, Any]
LEAST = 1024  # tokens of a budget
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 49152}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
SUMMARIES = {"summarized": "auto"}


def read_thinking(thinking: Any, effort: Any) -> hub.Thinking | None:
    """The wish that `thinking` and `output_config.effort` express together. Raises ProxyError for a wrong shape."""
    if effort is not None:
        expect(effort, str, "output_config.effort")
    if thinking is None:
        return None if effort is None else hub.Thinking(effort=effort, path="output_config")
    if not isinstance(thinking, dict) or thinking.get("type") not in ("enabled", "adaptive", "disabled"):
        raise invalid("thinking.type", "must be enabled, adaptive or disabled")
    body = {key: value for key, value in thinking.items() if key not in ("type", "budget_tokens", "display")}
    if thinking["type"] == "disabled":
        return hub.Thinking(effort="none", enabled=False, path="thinking", extra=body)
    display, budget = thinking.get("display"), thinking.get("budget_tokens")
    if budget is not None:
        expect(budget, int, "thinking.budget_tokens")
    if display not in (None, "omitted"):  # what is omitted here is what other providers leave out anyway
        body |= {} if display in SUMMARIES else {"display": display}
    return hub.Thinking(
        effort=effort, budget=budget, enabled=True, path="thinking", extra=body,
        summary=SUMMARIES.get(display) if isinstance(display, str) else None,
    )  # fmt: skip


def write_thinking(request: hub.Request, body: Json, flavor: MessagesFlavor, report: Report) -> None:
    """Adds the wish of another format's client to `body`, which is complete but for it."""
    thinking = request.thinking
    if thinking is None:
        return
    report.extras(thinking.path, thinking.extra)
    if thinking.effort == "none" or (thinking.effort is None and thinking.enabled is False):
        body["thinking"] = {"type": "disabled"}
        return
    if thinking.enabled is None and (thinking.effort, thinking.budget, thinking.summary) == (None, None, None):
        return
    written = _enabled(thinking, body, flavor, report)
    if written is None:
        return
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        report.approximated(thinking.path, "no thinking, because a tool must be called")
        return
    if written["type"] == "enabled" and not begins_with_thought(body["messages"]):
        report.approximated(thinking.path, "no thinking, because earlier calls came without signed reasoning")
        return
    if thinking.summary is not None:
        written["display"] = "summarized"
        if thinking.summary != "auto":
            report.approximated(f"{thinking.path}.summary", f"{thinking.summary} became summarized")
    body["thinking"] = written


def _enabled(thinking: hub.Thinking, body: Json, flavor: MessagesFlavor, report: Report) -> Json | None:
    """`thinking` in the provider's way of asking; an effort word may join `output_config`."""
    effort, budget = thinking.effort, thinking.budget
    if effort is not None and effort not in BUDGETS:
        report.dropped(f"{thinking.path}.effort", "no such effort here")
        effort = None
    if flavor.thinking == "switch":
        return _switched(thinking, report)
    if flavor.thinking == "both":
        budget = BUDGETS[effort or "medium"] if budget is None else budget
        body.setdefault("output_config", {})["effort"] = _word(thinking, effort or _effort(budget), report)
        return _budget(thinking, budget, body, report)
    if flavor.thinking == "budget":
        if budget is None:
            if effort is None and not thinking.enabled:
                report.dropped(thinking.path, "this upstream wants a budget")
                return None
            budget = BUDGETS[effort or "medium"]
            report.approximated(thinking.path, f"{effort or 'thinking'} became a budget of {budget} tokens")
        elif effort is not None:
            report.dropped(f"{thinking.path}.effort", "the budget says it")
        return _budget(thinking, budget, body, report)
    if budget is not None and flavor.thinking == "effort":
        effort = effort or _effort(budget)
        report.approximated(thinking.path, f"a budget of {budget} tokens became effort {effort}")
        budget = None
    if effort is not None:
        body.setdefault("output_config", {})["effort"] = _word(thinking, effort, report)
    return {"type": "adaptive"} if budget is None else _budget(thinking, budget, body, report)


def _effort(budget: int) -> str:
    """The effort that a budget of tokens speaks of."""
    return "low" if budget <= LEAST else "medium" if budget <= BUDGETS["medium"] else "high"


def _word(thinking: hub.Thinking, effort: str, report: Report) -> str:
    """An effort in the wire's words."""
    word = effort if effort in EFFORTS else "low"
    if word != effort:
        report.approximated(f"{thinking.path}.effort", f"{effort} became {word}")
    return word


def _switched(thinking: hub.Thinking, report: Report) -> Json:
    """`thinking` for a provider that knows on and off only."""
    if thinking.budget == 0:
        return {"type": "disabled"}
    for name in ("effort", "budget"):
        if getattr(thinking, name) is not None:
            report.approximated(f"{thinking.path}.{name}", "thinking has no degrees here")
    return {"type": "adaptive"}


def _budget(thinking: hub.Thinking, budget: int, body: Json, report: Report) -> Json | None:
    """A budget within its bounds: at least LEAST tokens, and fewer than max_tokens."""
    if budget <= 0:
        return {"type": "disabled"} if budget == 0 else {"type": "adaptive"}  # -1: as the model likes (Gemini)
    fitting = min(max(budget, LEAST), body["max_tokens"] - 1)
    if fitting < LEAST:
        report.approximated(thinking.path, f"no thinking, because max_tokens leaves no room for {LEAST} tokens of it")
        return None
    if fitting != budget:
        report.approximated(thinking.path, f"a budget of {budget} tokens became {fitting}")
    return {"type": "enabled", "budget_tokens": fitting}


def begins_with_thought(messages: list[Json]) -> bool:
    """Whether the turn that is still calling tools, if there is one, opened with thinking, as the API demands."""
    first: Json | None = None
    for message in reversed(messages):
        content = message["content"]
        results = isinstance(content, list) and any(block["type"] == "tool_result" for block in content)
        if message["role"] == "user" and not results:
            break
        if message["role"] == "assistant":
            first = message
    if first is None or isinstance(first["content"], str):
        return first is None or messages[-1]["role"] == "user"
    calls = any(block["type"] == "tool_use" for block in first["content"])
    return not calls or first["content"][0]["type"] in ("thinking", "redacted_thinking")


def limit_sampling(body: Json, flavor: MessagesFlavor, paths: Json, report: Report) -> None:
    """Takes sampling parameters that the API would refuse out of `body`. `paths`: what the client calls them."""
    thinking = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if isinstance(temperature, int | float) and temperature > 1:
        report.approximated(paths.get("temperature", "temperature"), f"{temperature} became 1, the highest here")
        body["temperature"] = temperature = 1
    refused: dict[str, str] = {}
    if flavor.sampling == "none":
        refused = dict.fromkeys(("temperature", "top_p", "top_k"), "this upstream takes no sampling parameters")
    elif thinking:
        refused = dict.fromkeys(("temperature", "top_k"), "not together with thinking")
        if temperature == 1:
            refused.pop("temperature")
        if not (isinstance(top_p, int | float) and 0.95 <= top_p <= 1):
            refused["top_p"] = "not together with thinking"
    if flavor.sampling == "one" and temperature is not None and "temperature" not in refused:
        refused.setdefault("top_p", "not together with temperature")
    for name, why in refused.items():
        if body.pop(name, None) is not None:
            report.dropped(paths.get(name, name), why)
