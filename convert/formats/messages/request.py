"""The request body <-> hub request. Source: Anthropic API reference, "Create a Message"."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError, invalid
from convert.formats.contract import PARAMS, expect, take
from convert.formats.messages import conversation, definitions
from convert.formats.messages.flavor import MessagesFlavor
from convert.formats.messages.history import write_history
from convert.formats.messages.thinking import limit_sampling, read_thinking, write_thinking
from convert.losses import Report
from convert.tools import Support

Json = dict[str, Any]

# wire name -> the hub's name; drives reading and writing of plain parameters
FIELDS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop_sequences": "stop",
    "service_tier": "service_tier",
}
USER = "metadata.user_id"
SPELLING = {
    **{name: key for key, name in FIELDS.items()},
    "user": USER,
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}
SERVICE_TIERS = ("auto", "standard_only")
# params that this wire carries elsewhere than in FIELDS, or that ask for what it always gives
ELSEWHERE = {"user", "safety_identifier", "parallel_tool_calls", "include_usage"}


def support(flavor: MessagesFlavor) -> Support:
    """What this wire can say of tools."""
    return Support(
        client=flavor.client_tools, hosted=frozenset({"web_search"} if flavor.web_search else ()), name_length=128,
        legal_id="[a-zA-Z0-9_-]+", schemas=flavor.json_schema, json=False,
        named_choice=not {"named", "required"}.isdisjoint(flavor.tool_choice),
    )  # fmt: skip


def read_request(body: Json) -> hub.Request:
    """Raises ProxyError (invalid_request) with the path of the first fault."""
    rest = dict(body)
    request = hub.Request(origin="messages", model=rest.pop("model", ""), extra=rest)
    if (tools := take(rest, "tools")) is not None:
        request.tools = definitions.read_tools(tools)
        request.wire["tools"] = True
    request.messages = conversation.read_messages(rest.pop("messages", None), request.tools)
    if (system := take(rest, "system")) is not None:
        request.instructions, wire = conversation.read_system(system)
        request.wire |= wire
    if (streamed := take(rest, "stream", kind=bool)) is not None:
        request.stream = request.wire["stream"] = streamed
    _read_params(rest, request)
    request.wire["spelling"] = SPELLING
    if (choice := take(rest, "tool_choice")) is not None:
        request.choice = definitions.read_choice(choice, request.params)
    _read_metadata(rest, request)
    _read_output(rest, request)
    _read_thread(rest, request)
    return request


def _read_params(rest: Json, request: hub.Request) -> None:
    for key, name in FIELDS.items():
        if (value := take(rest, key, kind=list if name == "stop" else PARAMS[name])) is not None:
            request.params[name] = value
    for number, stop in enumerate(request.params.get("stop", [])):
        expect(stop, str, f"stop_sequences[{number}]")


def _read_metadata(rest: Json, request: hub.Request) -> None:
    if (metadata := take(rest, "metadata")) is None:
        return
    expect(metadata, dict, "metadata")
    request.wire["metadata"] = metadata
    if metadata.get("user_id") is not None:
        expect(metadata["user_id"], str, USER)
        request.params["user"] = metadata["user_id"]
    rest |= {f"metadata.{key}": value for key, value in metadata.items() if key != "user_id"}


def _read_output(rest: Json, request: hub.Request) -> None:
    """`output_config`, the older `output_format`, and `thinking`, which goes with the effort."""
    config: Any = {}
    if rest.get("output_config") is not None:
        config = request.wire["output_config"] = rest.pop("output_config")
    if not isinstance(config, dict):
        raise invalid("output_config", "must be an object")
    form, path = config.get("format"), "output_config.format"
    if form is None:
        form, path = rest.get("output_format"), "output_format"
    if isinstance(form, dict) and isinstance(form.get("schema"), dict):
        extra = {key: value for key, value in form.items() if key not in ("type", "schema")}
        request.output = hub.Output(kind="schema", schema=form["schema"], path=path, extra=extra)
    elif form is not None:
        raise invalid(f"{path}.schema", "must be an object")
    request.thinking = read_thinking(rest.get("thinking"), config.get("effort"))
    for key in ("thinking", "output_format"):
        if rest.get(key) is not None:
            request.wire[key] = rest.pop(key)
    disabled = request.thinking is not None and request.thinking.enabled is False
    known = ("format",) if disabled else ("format", "effort")
    rest |= {f"output_config.{key}": value for key, value in config.items() if key not in known}


def _read_thread(rest: Json, request: hub.Request) -> None:
    """A conversation that is kept by the server. Clients send the whole of it when they are told that it is not."""
    if (thread := take(rest, "thread")) is None:
        return
    refusal = ProxyError(
        "invalid_request", "thread: this upstream keeps no conversations; send the whole history", param="thread",
        details={"details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}},
    )  # fmt: skip
    request.state = hub.State(conversation=thread, path="thread", wire={"refusal": refusal})


def write_request(request: hub.Request, flavor: MessagesFlavor, report: Report) -> Json:
    """The body for an upstream. Raises ProxyError (unsupported) for content the wire has no place for."""
    home = request.origin == "messages"
    body: Json = {"model": request.model} if request.model or not home else {}
    body |= write_history(request, flavor, report)
    if home:
        return _restored(request, body, flavor, report)
    tools = definitions.write_tools(request.tools, False, flavor, report)
    if tools:
        body["tools"] = tools
    _write_choice(request, body, flavor, report)
    _write_params(request, body, flavor, report)
    _write_output(request, body, report)
    write_thinking(request, body, flavor, report)
    limit_sampling(body, flavor, request.wire.get("spelling", {}), report)
    if request.stream or "stream" in request.wire:
        body["stream"] = request.stream
    report.extras("", request.extra)
    return body


def _restored(request: hub.Request, body: Json, flavor: MessagesFlavor, report: Report) -> Json:
    """The rest of a request of this format, as it was."""
    if request.tools or "tools" in request.wire:
        body["tools"] = definitions.write_tools(request.tools, True, flavor, report)
    if request.choice:
        parallel = request.params.get("parallel_tool_calls")
        body["tool_choice"] = definitions.write_choice(request.choice, parallel, True, flavor, report)
    for key, name in FIELDS.items():
        if name in request.params:
            body[key] = request.params[name]
    for key in ("thinking", "output_format", "output_config", "metadata", "stream"):
        if key in request.wire:
            body[key] = request.wire[key]
    if request.output is None:
        _without_format(body, report)
    if request.state.conversation is not None:
        body["thread"] = request.state.conversation
    return body | {key: value for key, value in request.extra.items() if "." not in key}


def _without_format(body: Json, report: Report) -> None:
    """Takes the form of the output out of a body, where it is asked for in another way (see structured.py)."""
    config = body.pop("output_config", None)
    asked = body.pop("output_format", None) or (config or {}).get("format")
    if config is not None and (config := {key: value for key, value in config.items() if key != "format"}):
        body["output_config"] = config
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if asked and forced and body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        report.approximated("thinking", "no thinking, because a tool must be called")
        del body["thinking"]


def _write_choice(request: hub.Request, body: Json, flavor: MessagesFlavor, report: Report) -> None:
    choice, parallel = request.choice, request.params.get("parallel_tool_calls")
    if "tools" in body:
        if (written := definitions.write_choice(choice, parallel, False, flavor, report)) is not None:
            body["tool_choice"] = written
        return
    if choice is not None and choice.kind not in ("auto", "none"):
        report.dropped(choice.path, "there are no tools")
    if parallel is not None:
        report.dropped("parallel_tool_calls", "there are no tools")


def _write_params(request: hub.Request, body: Json, flavor: MessagesFlavor, report: Report) -> None:
    params, paths = dict(request.params), request.wire.get("spelling", {})
    if isinstance(params.get("stop"), str):
        params["stop"] = [params["stop"]]
    blank = [stop for stop in params.get("stop") or () if isinstance(stop, str) and not stop.strip()]
    if blank:
        report.dropped(paths.get("stop", "stop"), "blank stop sequences")
        params["stop"] = [stop for stop in params["stop"] if stop not in blank]
    if params.get("service_tier") not in (None, *SERVICE_TIERS):
        report.dropped("service_tier", "no such tier here")
        del params["service_tier"]
    if params.get("store") is False:
        del params["store"]  # nothing is stored here
    body["max_tokens"] = params.get("max_tokens", _most(request, flavor))
    for key, name in FIELDS.items():
        if name in params and params[name] != []:
            body[key] = params[name]
    _write_user(params, body, report)
    for name, value in params.items():
        if name not in ELSEWHERE and name not in FIELDS.values():
            report.parameter(paths.get(name, name), name, value)


def _most(request: hub.Request, flavor: MessagesFlavor) -> int:
    """max_tokens for a client that sets none: the provider's, and what it wants to spend on thinking."""
    budget = request.thinking.budget if request.thinking else None
    return flavor.max_tokens + max(budget or 0, 0)


def _write_user(params: Json, body: Json, report: Report) -> None:
    """`metadata.user_id`, from the one of OpenAI's two names that was used."""
    for name in ("user", "safety_identifier"):
        if params.get(name) is None:
            continue
        if "metadata" in body:
            report.dropped(name, "`user` says it")
        else:
            body["metadata"] = {"user_id": params[name]}
            if name != "user":
                report.moved(name, "to metadata.user_id")


def _write_output(request: hub.Request, body: Json, report: Report) -> None:
    """`output_config.format`."""
    output = request.output
    if output is None:
        return
    report.extras(output.path, output.extra)
    if output.kind == "text":
        return
    for name in ("name", "description", "strict"):
        if getattr(output, name) is not None:
            report.dropped(f"{output.path}.{name}", "a schema has none here")
    body["output_config"] = {"format": {"type": "json_schema", "schema": output.schema or {"type": "object"}}}
