"""The request body <-> hub request. Source: OpenAI API reference, "Create chat completion"."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError, invalid
from convert.formats.chat import definitions, history, messages
from convert.formats.chat.answer import SERVICE_TIERS
from convert.formats.chat.flavor import ChatFlavor
from convert.formats.chat.thinking import read_thinking, write_thinking
from convert.formats.contract import PARAMS, expect, take
from convert.losses import Report
from convert.tools import Support
from convert.turns import merged, paired

Json = dict[str, Any]

# wire name -> the hub's name; drives reading and writing of plain parameters. The later of two names for one
# meaning is the legacy spelling, which is kept for a client that used it.
FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_completion_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "stop": "stop",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "logit_bias": "logit_bias",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "n": "n",
    "user": "user",
    "safety_identifier": "safety_identifier",
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_retention": "prompt_cache_retention",
    "service_tier": "service_tier",
    "metadata": "metadata",
    "store": "store",
    "verbosity": "verbosity",
    "parallel_tool_calls": "parallel_tool_calls",
    "modalities": "modalities",
    "audio": "audio",
    "prediction": "prediction",
}
WRITTEN = {name: key for key, name in reversed(FIELDS.items())}
HOTTEST = 2  # of temperatures
SEARCH_OPTIONS = ("user_location", "search_context_size")


def support(flavor: ChatFlavor) -> Support:
    """What this wire can say of tools."""
    return Support(
        custom=flavor.custom_tools,
        allowed_choice="allowed" in flavor.tool_choice,
        id_length=flavor.call_id_length,
        legal_id=flavor.call_id,
        hosted=frozenset({"web_search"} if flavor.web_search else ()),
        named_choice=not {"named", "required"}.isdisjoint(flavor.tool_choice),
        schemas=flavor.json_schema,
        json=flavor.json_object,
    )


def read_request(body: Json) -> hub.Request:
    """Raises ProxyError (invalid_request) with the path of the first fault."""
    rest = dict(body)
    request = hub.Request(origin="chat", model=rest.pop("model", ""), extra=rest)
    request.messages = messages.read_messages(rest.pop("messages", None))
    _read_tools(rest, request)
    if (streamed := take(rest, "stream", kind=bool)) is not None:
        request.stream = request.wire["stream"] = streamed
    request.wire["spelling"] = {}
    for key, name in FIELDS.items():
        if rest.get(key) is not None and name not in request.params:
            request.params[name] = take(rest, key, kind=PARAMS.get(name))
            request.wire["spelling"][name] = key
    _check_stop(request.params.get("stop"))
    request.thinking = read_thinking(rest)
    if rest.get("response_format") is not None:
        request.output = definitions.read_output(rest["response_format"])
        if request.output:
            del rest["response_format"]
    if (options := take(rest, "stream_options")) is not None:
        if not isinstance(options, dict):
            raise invalid("stream_options", "must be an object")
        request.wire["stream_options"] = options
        request.params["include_usage"] = options.get("include_usage", False)
        further = {key: value for key, value in options.items() if key != "include_usage"}
        rest |= {f"stream_options.{key}": value for key, value in further.items()}
    return request


def _check_stop(stop: Any) -> None:
    """Raises ProxyError for stop sequences that are neither one string nor a list of strings."""
    if stop is not None and not isinstance(stop, str):
        expect(stop, list, "stop")
        for number, each in enumerate(stop):
            expect(each, str, f"stop[{number}]")


def _read_tools(rest: Json, request: hub.Request) -> None:
    if (tools := take(rest, "tools")) is not None:
        request.tools = definitions.read_tools(tools)
        request.wire["tools"] = True
    if (functions := take(rest, "functions")) is not None:
        request.tools = request.tools + definitions.read_functions(functions)
        request.wire["functions"] = True
    if (options := take(rest, "web_search_options", kind=dict)) is not None:
        request.tools = [*request.tools, _read_search(options)]
    if (choice := take(rest, "tool_choice")) is not None:
        request.choice = definitions.read_choice(choice)
    elif (choice := take(rest, "function_call")) is not None:
        request.choice = definitions.read_choice(choice, "function_call")


def _read_search(options: Json) -> hub.Tool:
    """`web_search_options` as the hosted tool that it is elsewhere, the location without its inner object."""
    flat = dict(options)
    location = options.get("user_location")
    if isinstance(location, dict) and isinstance(location.get("approximate"), dict):
        flat["user_location"] = {"type": "approximate", **location["approximate"]}
    return hub.Tool(
        type="hosted", name="web_search", path="web_search_options", extra=flat, wire={"options": options}
    )  # fmt: skip


def write_request(request: hub.Request, flavor: ChatFlavor, report: Report) -> Json:
    """The body for an upstream. Raises ProxyError (unsupported) for content the wire has no place for."""
    home = request.origin == "chat"
    body: Json = {"model": request.model} if request.model or not home else {}
    turns = paired(request.messages, report)
    if not home:
        turns = merged(turns, report)
    if request.instructions:
        turns = [request.instructions, *turns]
    if request.output:
        body["response_format"] = definitions.write_output(request.output, home, report)
    body["messages"] = history.write_messages(turns, home, flavor, report)
    if not body["messages"] and not home:
        raise ProxyError("unsupported", "nothing of the input can be converted for this upstream", param="input")
    _write_tools(request, body, home, flavor, report)
    _write_params(request, body, home, report)
    if request.thinking:
        body |= write_thinking(request.thinking, home, flavor, report)
    if request.stream or "stream" in request.wire:
        body["stream"] = request.stream
    if home:
        if "stream_options" in request.wire:
            body["stream_options"] = request.wire["stream_options"]
        return body | {key: value for key, value in request.extra.items() if "." not in key}
    report.extras("", request.extra)
    if request.stream and flavor.stream_options:
        body["stream_options"] = {"include_usage": True}  # the proxy itself needs the counts
    return body


def _write_tools(request: hub.Request, body: Json, home: bool, flavor: ChatFlavor, report: Report) -> None:
    tools = [tool for tool in request.tools if not _is_search(tool, home, flavor)]
    for search in (tool for tool in request.tools if _is_search(tool, home, flavor)):
        body["web_search_options"] = search.wire["options"] if home else _search_options(search, report)
    legacy = home and "functions" in request.wire
    if legacy:
        body["functions"] = definitions.write_functions([tool for tool in tools if tool.wire.get("legacy")])
        tools = [tool for tool in tools if not tool.wire.get("legacy")]
    written = definitions.write_tools(tools, home, flavor, report)
    if written or (home and "tools" in request.wire):
        body["tools"] = written
    choice = request.choice
    if choice and definitions.forbids(choice, flavor):
        report.approximated(choice.path, "no tool is offered, because this upstream does not know 'none'")
        body.pop("tools", None)
    elif choice and choice.path == "function_call" and home:
        body["function_call"] = {"name": choice.tool.name} if choice.tool else choice.kind
    elif choice and (written or home):
        body["tool_choice"] = definitions.write_choice(choice, home, flavor, report)
    elif choice and choice.kind not in ("auto", "none"):
        report.dropped(choice.path, "there are no tools")


def _is_search(tool: hub.Tool, home: bool, flavor: ChatFlavor) -> bool:
    if home:
        return "options" in tool.wire
    return tool.type == "hosted" and tool.name == "web_search" and flavor.web_search


def _search_options(tool: hub.Tool, report: Report) -> Json:
    """`web_search_options` of a hosted web search."""
    options = {key: tool.extra[key] for key in SEARCH_OPTIONS if tool.extra.get(key) is not None}
    report.extras(tool.path, {key: value for key, value in tool.extra.items() if key not in SEARCH_OPTIONS})
    location = options.get("user_location")
    if isinstance(location, dict) and "approximate" not in location:
        inner = {key: value for key, value in location.items() if key != "type" and value is not None}
        options["user_location"] = {"type": "approximate", "approximate": inner}
    return options


def _write_params(request: hub.Request, body: Json, home: bool, report: Report) -> None:
    params = dict(request.params)
    params.pop("include_usage", None)
    if not home and params.get("top_logprobs") is not None:
        if params["top_logprobs"] == 0:
            del params["top_logprobs"]
        else:
            params.setdefault("logprobs", True)
    if not home and isinstance(params.get("temperature"), int | float) and params["temperature"] > HOTTEST:
        where = request.wire.get("spelling", {}).get("temperature", "temperature")
        report.approximated(where, f"{params['temperature']} became {HOTTEST}")
        params["temperature"] = HOTTEST
    if not home and not body.get("tools"):
        params.pop("parallel_tool_calls", None)
    if not home and params.get("store") is False:
        del params["store"]  # the default here, and a word that many servers refuse
    if not home and params.get("service_tier") not in (None, *SERVICE_TIERS):
        report.dropped("service_tier", "no such tier here")
        del params["service_tier"]
    spelling = request.wire.get("spelling", {}) if home else {}
    for name, value in params.items():
        if name in WRITTEN:
            body[spelling.get(name, WRITTEN[name])] = value
        else:
            report.parameter(name, name, value)
