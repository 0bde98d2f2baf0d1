"""The request body <-> hub request. Source: OpenAI API reference, "Create a model response"."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError, invalid
from convert.formats.contract import PARAMS, expect, take
from convert.formats.responses import definitions, history, items
from convert.formats.responses.flavor import ResponsesFlavor
from convert.losses import Report
from convert.tools import Support
from convert.turns import paired

Json = dict[str, Any]

# wire name -> the hub's name; drives reading and writing of plain parameters
FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_tokens",
    "top_logprobs": "top_logprobs",
    "parallel_tool_calls": "parallel_tool_calls",
    "service_tier": "service_tier",
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_retention": "prompt_cache_retention",
    "safety_identifier": "safety_identifier",
    "user": "user",
    "metadata": "metadata",
    "store": "store",
    "truncation": "truncation",
    "max_tool_calls": "max_tool_calls",
}
LEAST_TOKENS = 16  # of max_output_tokens
HOTTEST = 2  # of temperatures
SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority")
LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"  # how reasoning comes back that is not stored upstream
# params that this wire carries elsewhere than in FIELDS, or that ask for what it always gives
ELSEWHERE = {"verbosity", "logprobs", "include_usage"}


def support(flavor: ResponsesFlavor) -> Support:
    """What this wire can say of tools."""
    return Support(
        custom=flavor.custom_tools, namespaces=flavor.namespaces, client=flavor.hosted_tools,
        in_history=flavor.namespaces, hosted=frozenset({"web_search"}), allowed_choice=True, name_length=128,
    )  # fmt: skip


def read_request(body: Json) -> hub.Request:
    """Raises ProxyError (invalid_request) with the path of the first fault."""
    rest = dict(body)
    request = hub.Request(origin="responses", model=rest.pop("model", ""), extra=rest)
    request.messages = items.read_items(rest.pop("input")) if rest.get("input") is not None else []
    if (instructions := take(rest, "instructions")) is not None:
        request.instructions = _read_instructions(instructions)
    if (tools := take(rest, "tools")) is not None:
        request.tools = definitions.read_tools(tools, "tools")
        request.wire["tools"] = True
    request.choice = definitions.read_choice(take(rest, "tool_choice"))
    if (streamed := take(rest, "stream", kind=bool)) is not None:
        request.stream = request.wire["stream"] = streamed
    given = {key: name for key, name in FIELDS.items() if rest.get(key) is not None}
    request.params = {name: take(rest, key, kind=PARAMS[name]) for key, name in given.items()}
    _read_text(take(rest, "text"), request)
    _read_reasoning(take(rest, "reasoning"), request)
    _read_include(take(rest, "include"), request)
    request.state = hub.State(
        previous=take(rest, "previous_response_id"), conversation=take(rest, "conversation"),
        prompt=take(rest, "prompt"), background=take(rest, "background"),
    )  # fmt: skip
    nothing = "input" not in body or not (request.messages or request.instructions)
    if nothing and not request.state.recalls:
        raise invalid("input", "is required, and must not be empty")
    return request


def _read_instructions(instructions: Any) -> hub.Message:
    if not isinstance(instructions, str):
        raise invalid("instructions", "must be a string")
    text = hub.Text(text=instructions, path="instructions")
    return hub.Message(role="system", parts=[text], plain=True, path="instructions")


def _read_text(text: Any, request: hub.Request) -> None:
    if text is None:
        return
    if not isinstance(text, dict):
        raise invalid("text", "must be an object")
    rest = dict(text)
    request.output = definitions.read_output(take(rest, "format"))
    if (verbosity := take(rest, "verbosity", kind=str, path="text")) is not None:
        request.params["verbosity"] = verbosity
    request.wire["text"] = rest
    for key, value in rest.items():
        if value is not None:
            request.extra[f"text.{key}"] = value


def _read_reasoning(reasoning: Any, request: hub.Request) -> None:
    if reasoning is None:
        return
    if not isinstance(reasoning, dict):
        raise invalid("reasoning", "must be an object")
    rest = dict(reasoning)
    effort = take(rest, "effort", kind=str, path="reasoning")
    summary = take(rest, "summary", kind=str, path="reasoning")
    request.thinking = hub.Thinking(effort=effort, summary=summary, extra=rest, path="reasoning")


def _read_include(include: Any, request: hub.Request) -> None:
    if include is None:
        return
    if not isinstance(include, list):
        raise invalid("include", "must be a list")
    for number, each in enumerate(include):
        expect(each, str, f"include[{number}]")
    request.wire["include"] = include
    if LOGPROBS in include:
        request.params["logprobs"] = True
    if further := [each for each in include if each != LOGPROBS]:
        request.extra["include"] = further


def write_request(request: hub.Request, flavor: ResponsesFlavor, report: Report) -> Json:
    """The body for an upstream. Raises ProxyError (unsupported) for content the wire has no place for."""
    home = request.origin == "responses"
    body: Json = {"model": request.model} if request.model or not home else {}
    if request.instructions:
        body["instructions"] = _instructions(request.instructions, home, report)
    _write_input(request, body, home, flavor, report)
    _write_tools(request, body, home, report)
    for key, name in FIELDS.items():
        if name in request.params:
            body[key] = request.params[name]
    if not home:
        _within_limits(body, request.wire.get("spelling", {}), report)
    _write_text(request, body, home, report)
    _write_thinking(request.thinking, body, home, report)
    _write_state(request, body)
    if request.stream or "stream" in request.wire:
        body["stream"] = request.stream
    if home:
        if "include" in request.wire:
            body["include"] = request.wire["include"]
        return body | {key: value for key, value in request.extra.items() if key != "include" and "." not in key}
    return _write_foreign(request, body, flavor, report)


def _instructions(message: hub.Message, home: bool, report: Report) -> str:
    """`instructions`: bare text, without the further members of text parts."""
    texts = [part for part in message.parts if isinstance(part, hub.Text)]
    for part in () if home else texts:
        report.extras(part.path, part.extra)
        if part.cache:
            report.dropped(f"{part.path}.cache_control")
    return "\n\n".join(part.text for part in texts)


def _write_input(request: hub.Request, body: Json, home: bool, flavor: ResponsesFlavor, report: Report) -> None:
    messages = request.messages
    if home and len(messages) == 1 and messages[0].wire.get("bare"):
        text = messages[0].parts[0]
        body["input"] = text.text if isinstance(text, hub.Text) else ""
        return
    if not home and not request.state.recalls:  # else the missing half of a pair may be in the state
        messages = paired(messages, report)
    if messages or not request.state.recalls:
        body["input"] = history.write_items(messages, home, flavor, report)
    if not home and not (body.get("input") or body.get("instructions") or request.state.recalls):
        raise ProxyError("unsupported", "nothing of the input can be converted for this upstream", param="input")


def _write_tools(request: hub.Request, body: Json, home: bool, report: Report) -> None:
    if request.tools or (home and "tools" in request.wire):
        body["tools"] = definitions.write_tools(request.tools, home, report)
    choice = request.choice
    if choice and (home or body.get("tools")):
        body["tool_choice"] = definitions.write_choice(choice)
        if not home:
            report.extras(choice.path, choice.extra)
    elif choice and choice.kind not in ("auto", "none"):
        report.dropped(choice.path, "there are no tools")


def _write_text(request: hub.Request, body: Json, home: bool, report: Report) -> None:
    text: Json = dict(request.wire.get("text", {})) if home else {}
    if request.output:
        text["format"] = definitions.write_output(request.output, home, report)
    if "verbosity" in request.params:
        text["verbosity"] = request.params["verbosity"]
    if text or (home and "text" in request.wire):
        body["text"] = text


def _write_thinking(thinking: hub.Thinking | None, body: Json, home: bool, report: Report) -> None:
    if thinking is None:
        return
    effort = thinking.effort
    if effort is None and thinking.budget is not None:
        effort = "low" if thinking.budget <= 1024 else "medium" if thinking.budget <= 8192 else "high"
        report.approximated(thinking.path, f"a budget of {thinking.budget} tokens became effort {effort}")
    if effort is None and thinking.enabled is False:
        effort = "none"
    if effort == "max" and not home:
        effort = "xhigh"
        report.approximated(f"{thinking.path}.effort", "max became xhigh")
    reasoning = {"effort": effort} if effort is not None else {}
    if thinking.summary is not None:
        reasoning["summary"] = thinking.summary
    if home:
        reasoning |= thinking.extra
    else:
        report.extras(thinking.path, thinking.extra)
    if reasoning or home:
        body["reasoning"] = reasoning


def _within_limits(body: Json, spelling: Json, report: Report) -> None:
    """Values of another format that this one's schema refuses. `spelling`: what the client calls a parameter."""
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < LEAST_TOKENS:
        report.approximated(spelling.get("max_tokens", "max_tokens"), f"{limit} became {LEAST_TOKENS}")
        body["max_output_tokens"] = LEAST_TOKENS
    if isinstance(body.get("temperature"), int | float) and body["temperature"] > HOTTEST:
        report.approximated(spelling.get("temperature", "temperature"), f"{body['temperature']} became {HOTTEST}")
        body["temperature"] = HOTTEST
    if body.get("service_tier") not in (None, *SERVICE_TIERS):
        report.dropped("service_tier", "no such tier here")
        del body["service_tier"]


def _write_state(request: hub.Request, body: Json) -> None:
    state = request.state
    for key, value in (
        ("previous_response_id", state.previous), ("conversation", state.conversation),
        ("prompt", state.prompt), ("background", state.background),
    ):  # fmt: skip
        if value is not None:
            body[key] = value


def _write_foreign(request: hub.Request, body: Json, flavor: ResponsesFlavor, report: Report) -> Json:
    """What a request of another format needs besides, and the report of what it has that this one lacks."""
    for name, value in request.params.items():
        if name not in ELSEWHERE and name not in FIELDS.values():
            report.parameter(request.wire.get("spelling", {}).get(name, name), name, value)
    report.extras("", request.extra)
    thinks = body.get("reasoning") and body["reasoning"].get("effort") != "none"  # others refuse to be asked
    wanted = [(LOGPROBS, request.params.get("logprobs")), (ENCRYPTED, thinks and flavor.encrypted)]
    if include := [name for name, wish in wanted if wish]:
        body["include"] = include
    body.setdefault("store", False)  # here storing is the default, elsewhere it is not
    return body
