"""`generationConfig`: plain parameters, the form of the output, how much to think.

Source: Gemini API reference, "GenerationConfig", "ThinkingConfig"; guides, "Thinking", "Structured outputs".
"""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.formats.contract import PARAMS, expect, take
from convert.formats.gemini.dialect import narrowed, plain
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.spelling import canonical, respelled
from convert.losses import Report

Json = dict[str, Any]
CONFIG = "generationConfig"
THINKING = f"{CONFIG}.thinkingConfig"
# wire name -> the hub's name; drives reading and writing of plain parameters
FIELDS = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "candidateCount": "n",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
    "responseModalities": "modalities",
}
SCHEMAS = ("responseSchema", "responseJsonSchema", "_responseJsonSchema")
LEVELS = {
    "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
}  # fmt: skip
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}


def read_config(config: Any, request: hub.Request) -> None:
    """Reads `generationConfig` into a request. Raises ProxyError with the path of the first fault."""
    body, given = canonical(config, CONFIG)
    spelling = request.wire.setdefault("spelling", {})
    for key, name in FIELDS.items():
        if body.get(key) is not None:
            request.params[name] = _read_param(body, key, name)
            spelling[name] = f"{CONFIG}.{given.get(key, key)}"
    request.wire["params"] = {key: value for key, value in canonical(config, CONFIG)[0].items() if key in FIELDS}
    _read_output(body, request)
    if body.get("thinkingConfig") is not None:
        request.thinking = _read_thinking(body.pop("thinkingConfig"))
    request.wire["config"] = {"keys": given, "rest": body}
    request.extra |= {f"{CONFIG}.{key}": value for key, value in body.items()}


def _read_param(body: Json, key: str, name: str) -> Any:
    value = body[key]
    path = f"{CONFIG}.{key}"
    if name == "top_k" and isinstance(value, float) and value.is_integer():
        body[key] = int(value)  # as Google's own SDK sends it
    if name in ("stop", "modalities"):
        expect(value, list, path)
        for number, each in enumerate(value):
            expect(each, str, f"{path}[{number}]")
    value = take(body, key, kind=PARAMS.get(name), path=CONFIG)
    return [word.lower() for word in value] if name == "modalities" else value


def _read_output(body: Json, request: hub.Request) -> None:
    """The form of the output; a media type that is neither text nor JSON stays where it is."""
    mime = body.get("responseMimeType")
    expect(mime or "", str, f"{CONFIG}.responseMimeType")
    key = next((each for each in SCHEMAS if body.get(each) is not None), None)
    if mime not in (None, "application/json") and not (mime == "text/plain" and key is None):
        return
    if key is not None:
        expect(body[key], dict, f"{CONFIG}.{key}")
        wire = {"mime": mime, "key": key, "schema": body[key]}
        request.output = hub.Output(kind="schema", schema=plain(body.pop(key)), path=f"{CONFIG}.{key}", wire=wire)
    elif mime is not None:
        kind: Any = "json" if mime == "application/json" else "text"
        request.output = hub.Output(kind=kind, path=f"{CONFIG}.responseMimeType", wire={"mime": mime, "key": None})
    if mime is not None:
        del body["responseMimeType"]


def _read_thinking(config: Any) -> hub.Thinking:
    body, given = canonical(config, THINKING)
    thinking = hub.Thinking(path=THINKING, wire={"keys": given, "config": dict(body)})
    if take(body, "includeThoughts", kind=bool, path=THINKING):
        thinking.summary = "auto"
    if (level := take(body, "thinkingLevel", kind=str, path=THINKING)) is not None:
        thinking.effort = None if level.upper() == "THINKING_LEVEL_UNSPECIFIED" else level.lower()
    budget = take(body, "thinkingBudget", kind=int, path=THINKING)
    if budget is not None and budget > 0:
        thinking.budget = budget
    elif budget is not None:  # 0: not at all, -1: as much as it takes
        thinking.enabled = budget < 0
    thinking.extra = body
    return thinking


def write_home(request: hub.Request) -> Json:
    """`generationConfig` of a request of this format, as it was."""
    kept = request.wire["config"]
    body: Json = {**kept["rest"], **request.wire["params"]}
    if request.output:
        wire = request.output.wire
        body |= {"responseMimeType": wire["mime"]} if wire["mime"] is not None else {}
        body |= {wire["key"]: wire["schema"]} if wire["key"] else {}
    if request.thinking:
        body["thinkingConfig"] = respelled(request.thinking.wire["config"], request.thinking.wire["keys"])
    return respelled(body, kept["keys"])


def write_config(request: hub.Request, flavor: GeminiFlavor, report: Report) -> Json:
    """`generationConfig` for a request of another format."""
    body: Json = {}
    params = dict(request.params)
    if params.get("top_logprobs") == 0:
        del params["top_logprobs"]
    if params.get("top_logprobs") is not None:
        params.setdefault("logprobs", True)
    if isinstance(params.get("stop"), str):
        params["stop"] = [params["stop"]]
    if params.get("modalities") is not None:
        params["modalities"] = [str(word).upper() for word in params["modalities"]]
    for key, name in FIELDS.items():
        if params.get(name) not in (None, []):
            body[key] = params[name]
    if request.output:
        body |= _write_output(request.output, flavor, report)
    if request.thinking and (thinking := _write_thinking(request.thinking, flavor, report)):
        body["thinkingConfig"] = thinking
    return body


def _write_output(output: hub.Output, flavor: GeminiFlavor, report: Report) -> Json:
    report.extras(output.path, output.extra)
    if output.kind != "schema":
        return {"responseMimeType": "text/plain" if output.kind == "text" else "application/json"}
    if output.name is not None or output.description is not None or output.strict is not None:
        report.approximated(output.path, "the schema is sent without name, description and strict")
    body: Json = {"responseMimeType": "application/json"}
    if output.schema and flavor.json_schema:
        body["responseJsonSchema"] = output.schema
    elif output.schema:
        body["responseSchema"] = narrowed(output.schema, report, f"{output.path}.schema")
    return body


def _write_thinking(thinking: hub.Thinking, flavor: GeminiFlavor, report: Report) -> Json:
    """`thinkingConfig`. A budget is taken by all models, a level by those since Gemini 3 only."""
    report.extras(thinking.path, thinking.extra)
    body: Json = {}
    effort, path = thinking.effort, f"{thinking.path}.effort"
    if effort == "none":
        report.approximated(path, "none became a budget of 0 tokens")
        body["thinkingBudget"] = 0
    elif effort is not None and flavor.thinking == "level":
        body["thinkingLevel"] = LEVELS.get(effort, "HIGH")
        if body["thinkingLevel"] != effort.upper():
            report.approximated(path, f"{effort} became {body['thinkingLevel']}")
    elif effort is not None:
        body["thinkingBudget"] = BUDGETS.get(effort, BUDGETS["high"])
        report.approximated(path, f"{effort} became a budget of {body['thinkingBudget']} tokens")
    if thinking.budget is not None and "thinkingLevel" in body:  # one or the other
        report.dropped(f"{thinking.path}.budget", "the effort says it")
    elif thinking.budget is not None:
        body["thinkingBudget"] = thinking.budget
    elif thinking.enabled is False and not body:
        body["thinkingBudget"] = 0
    if thinking.summary not in (None, "auto"):
        report.approximated(f"{thinking.path}.summary", f"{thinking.summary} became auto")
    shown = thinking.summary is not None or thinking.enabled or (thinking.budget or 0) > 0
    if shown and body.get("thinkingBudget") != 0:
        body["includeThoughts"] = True
    elif thinking.summary == "auto":
        report.dropped(f"{thinking.path}.summary", "there is no thinking")
    return body
