"""The request body <-> hub request. Source: Gemini API reference, "Method: models.generateContent".

`model` and `stream`, which stand in the URL, are members of the body inside of the proxy.
"""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.contract import take
from convert.formats.gemini import contents, definitions, generation, history
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.spelling import canonical, respelled
from convert.losses import Report
from convert.tools import Support
from convert.turns import merged, paired

Json = dict[str, Any]
ELSEWHERE = {"include_usage", "service_tier", "store"}  # params that are not in generationConfig, or always given
TIERS = {"default": "standard", "flex": "flex", "priority": "priority", "auto": "unspecified"}


def support(flavor: GeminiFlavor) -> Support:
    """What this wire can say of tools."""
    return Support(
        hosted=frozenset(definitions.HOSTED.values()), allowed_choice=True, id_length=512,
        illegal_name=r"^[^A-Za-z_]|[^A-Za-z0-9_.:-]", output_beside_tools=flavor.json_beside_tools,
    )  # fmt: skip


def read_request(body: Json) -> hub.Request:
    """Raises ProxyError (invalid_request) with the path of the first fault."""
    rest, given = canonical(body, "")
    request = hub.Request(origin="gemini", extra=rest, wire={"keys": given, "spelling": {}})
    if (model := take(rest, "model", kind=str)) is not None:
        request.model, request.wire["model"] = model.removeprefix("models/"), model
    if (streamed := take(rest, "stream", kind=bool)) is not None:
        request.stream = request.wire["stream"] = streamed
    if not isinstance(rest.get("contents"), list):
        request.wire["form"] = "single"
    request.messages = contents.read_contents(rest.pop("contents", None))
    if (instruction := take(rest, "systemInstruction")) is not None:
        request.instructions = contents.read_system(instruction, "systemInstruction")
    if (tools := take(rest, "tools")) is not None:
        request.tools, request.wire["tools"] = definitions.read_tools(tools)
        request.wire["single tool"] = isinstance(tools, dict)
    if (config := take(rest, "toolConfig")) is not None:
        _read_tool_config(config, request)
    if (config := take(rest, "generationConfig")) is not None:
        generation.read_config(config, request)
    _read_plain(rest, request)
    return request


def _read_tool_config(config: Any, request: hub.Request) -> None:
    body, given = canonical(config, "toolConfig")
    if body.get("functionCallingConfig") is not None:
        request.choice = definitions.read_choice(body.pop("functionCallingConfig"))
    request.wire["toolConfig"] = {"keys": given, "rest": body}
    request.extra |= {f"toolConfig.{key}": value for key, value in body.items()}


def _read_plain(rest: Json, request: hub.Request) -> None:
    """The parameters outside of generationConfig."""
    tier = take(rest, "serviceTier", kind=str)
    if tier is not None:
        request.wire["serviceTier"] = tier
        words = {word: name for name, word in TIERS.items()}
        request.params["service_tier"] = words.get(tier.lower(), tier)
        request.wire["spelling"]["service_tier"] = "serviceTier"
    if (store := take(rest, "store", kind=bool)) is not None:
        request.params["store"] = store


def write_request(request: hub.Request, flavor: GeminiFlavor, report: Report) -> Json:
    """The body for an upstream. Raises ProxyError (unsupported) for content the wire has no place for."""
    if request.origin == "gemini":
        return _write_home(request, report)
    body: Json = {"model": request.model}
    turns = merged(paired(request.messages, report), report)
    system, turns = history.split_system(turns, report)
    system = [*([request.instructions] if request.instructions else []), *system]
    body["contents"] = history.write_contents(turns, flavor, report)
    if not body["contents"]:
        if not system:
            raise ProxyError("unsupported", "nothing of the input can be converted for this upstream", param="input")
        report.approximated(system[-1].path, "the only message became a user's")
        told = history.write_system(system[-1:], report) or {}
        body["contents"], system = [{"role": "user", "parts": told.get("parts", [{"text": ""}])}], system[:-1]
    if instruction := history.write_system(system, report):
        body["systemInstruction"] = instruction
    _write_tools(request, body, flavor, report)
    if config := generation.write_config(request, flavor, report):
        body["generationConfig"] = config
    _write_params(request, body, report)
    report.extras("", request.extra)
    body["stream"] = request.stream
    return body


def _write_tools(request: hub.Request, body: Json, flavor: GeminiFlavor, report: Report) -> None:
    tools = definitions.write_tools(request.tools, flavor, report)
    if tools:
        body["tools"] = tools
    choice = request.choice
    if choice and any("functionDeclarations" in tool for tool in tools):
        body["toolConfig"] = {"functionCallingConfig": definitions.write_choice(choice, False, report)}
    elif choice and choice.kind not in ("auto", "none"):
        report.dropped(choice.path, "there are no functions")
    if definitions.mixed(tools):
        body.setdefault("toolConfig", {})["includeServerSideToolInvocations"] = True


def _write_params(request: hub.Request, body: Json, report: Report) -> None:
    """The parameters outside of generationConfig, and a report of those that this API has not."""
    params = dict(request.params)
    tier = params.get("service_tier")
    if tier in TIERS:
        body["serviceTier"] = TIERS[tier]
    elif tier is not None:
        report.dropped("service_tier", "no such tier here")
    if params.get("store"):  # false is the default here, and a field that some servers refuse
        body["store"] = True
    if not body.get("tools"):
        params.pop("parallel_tool_calls", None)
    spelling = request.wire.get("spelling", {})
    for name, value in params.items():
        if name not in ELSEWHERE and name not in generation.FIELDS.values():
            report.parameter(spelling.get(name, name), name, value)


def _write_home(request: hub.Request, report: Report) -> Json:
    """A request of this format as it was."""
    wire = request.wire
    body = {key: value for key, value in request.extra.items() if "." not in key}
    body |= {key: wire[key] for key in ("model", "stream", "serviceTier") if key in wire}
    written = history.write_home(request.messages, report)
    body["contents"] = written[0] if "form" in wire else written
    if request.instructions:
        body["systemInstruction"] = history.write_home([request.instructions], report)[0]
    if "tools" in wire:
        tools = definitions.write_home(request.tools, wire["tools"])
        body["tools"] = tools[0] if wire["single tool"] else tools
    if "toolConfig" in wire:
        config = dict(wire["toolConfig"]["rest"])
        if request.choice:
            config["functionCallingConfig"] = definitions.write_choice(request.choice, True, report)
        body["toolConfig"] = respelled(config, wire["toolConfig"]["keys"])
    if "config" in wire:
        body["generationConfig"] = generation.write_home(request)
    if "store" in request.params:
        body["store"] = request.params["store"]
    return respelled(body, wire["keys"])
