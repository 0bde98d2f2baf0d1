"""Parts of contents <-> hub parts. Source: Gemini API reference, "Content", "Part".

A signature has a slot on reasoning and on calls in the hub; of any other part it follows as reasoning without words.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from convert import hub, sealed, sse
from convert.errors import ProxyError, invalid
from convert.formats.contract import expect, take
from convert.formats.gemini.spelling import canonical, respelled
from convert.losses import Report
from convert.media import guess_mime

Json = dict[str, Any]
Kind = Literal["image", "audio", "video", "file"]
FORMAT = "gemini"
# What Gemini 3 takes for the signature of a call that it did not make itself (documented under "Thought signatures").
DUMMY = "skip_thought_signature_validator"
MIMES = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/octet-stream"}
TOLD = ("output", "result", "error")  # members of a function's response that hold the whole of it
OWN = ("https://", "http://", "gs://", "files/")  # what a fileUri looks like


def arguments_text(args: Any) -> str:
    """Arguments as JSON text; nothing where there are none."""
    return "" if args is None else sse.dumps(args).decode()


def arguments_of(text: str) -> Json | None:
    """The arguments object of JSON text; None where it is not one."""
    try:
        value = _DECODER.decode(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _finite(number: str) -> float:
    """A number that JSON can hold. Raises ValueError for any other."""
    if not math.isfinite(value := float(number)):
        raise ValueError(number)
    return value


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def media_kind(mime: str | None, uri: str = "") -> Kind:
    """What sort of media it is, by its type; YouTube's addresses have none."""
    if not mime and ("youtube.com/" in uri or "youtu.be/" in uri):
        return "video"
    start = (mime or "").partition("/")[0]
    return start if start in ("image", "audio", "video") else "file"  # type: ignore[return-value]


def read_part(part: Any, path: str) -> list[hub.Part]:
    """The hub parts of one wire part, except functions' (`contents` reads those). Raises ProxyError with the path of
    the first fault; a part that is not known becomes a Raw."""
    if isinstance(part, str):
        return [hub.Text(text=part, path=path, wire={"bare": True})]
    body, given = canonical(part, path)
    if "text" in body and body.get("thought") is True:
        return [_read_thought(body, given, path)]
    kind = next((key for key in ("text", "inlineData", "fileData") if key in body), None)
    if kind is None and body and not body.keys() <= {"thoughtSignature", "thought"}:
        return [hub.Raw(format=FORMAT, value=part, path=path)]
    signature = take(body, "thoughtSignature", kind=str, path=path)
    flags = {"thought": body.pop("thought")} if body.get("thought") is False else {}  # which says nothing
    if kind in ("inlineData", "fileData"):
        read: hub.Part = _read_media({**body, **flags}, kind, given, path)
    elif kind == "text" and (signature is None or body["text"] != ""):
        expect(body["text"], str, f"{path}.text")
        read = hub.Text(text=body.pop("text"), path=path, extra=body, wire={"keys": given, "flags": flags})
    else:  # a bare signature, or a part with nothing in it
        words = {**flags, **({"text": body.pop("text")} if "text" in body else {})}
        return [_bearer(signature, path, extra=body, wire={"keys": given, "words": words})]
    if signature is None:
        return [read]
    return [read, _bearer(signature, path, extra={}, wire={"beside": True})]


def _bearer(signature: str | None, path: str, extra: Json, wire: Json) -> hub.Reasoning:
    state = sealed.found(signature, FORMAT) if signature is not None else None
    return hub.Reasoning(kind="summary", sealed=state, path=path, extra=extra, wire=wire)


def _read_thought(body: Json, given: Json, path: str) -> hub.Reasoning:
    expect(body["text"], str, f"{path}.text")
    text, signature = body.pop("text"), take(body, "thoughtSignature", kind=str, path=path)
    del body["thought"]
    state = sealed.found(signature, FORMAT) if signature is not None else None
    return hub.Reasoning(
        text=text, kind="summary", sealed=state, path=path, extra=body, wire={"keys": given, "thought": True}
    )  # fmt: skip


def _read_media(body: Json, kind: str, given: Json, path: str) -> hub.Media:
    inner, inner_given = canonical(body.pop(kind), f"{path}.{kind}")
    place = f"{path}.{kind}"
    mime = take(inner, "mimeType", kind=str, path=place)
    name = take(inner, "displayName", kind=str, path=place)
    wire = {"keys": given, "inner": inner_given, "kind": kind, "mime": mime is not None}
    extra = {**body, **{f"{kind}.{key}": value for key, value in inner.items() if key not in ("data", "fileUri")}}
    if kind == "inlineData":
        expect(inner.get("data"), str, f"{place}.data")
        return hub.Media(
            kind=media_kind(mime), mime=mime, data=inner["data"], name=name, path=path, extra=extra, wire=wire
        )  # fmt: skip
    uri = inner.get("fileUri")
    if not isinstance(uri, str):
        raise invalid(f"{place}.fileUri", "must be a string")
    web = uri.startswith(("http://", "https://"))
    mime = mime or guess_mime(uri.partition("?")[0])
    return hub.Media(
        kind=media_kind(mime, uri), mime=mime, url=uri if web else None, file_id=None if web else uri, name=name,
        path=path, extra=extra, wire=wire,
    )  # fmt: skip


def write_text(part: hub.Text | hub.Refusal, home: bool, report: Report) -> Json | str:
    """A text part."""
    if home and part.wire.get("bare"):
        return part.text
    if isinstance(part, hub.Text) and not home:
        if part.cache:
            report.dropped(f"{part.path}.cache_control")
        if part.citations:
            report.dropped(f"{part.path}.annotations")
    flags, given = (part.wire.get(key, {}) if home else {} for key in ("flags", "keys"))
    return respelled({"text": part.text, **flags, **_extra(part, home, report)}, given)


def write_reasoning(part: hub.Reasoning, home: bool, report: Report) -> Json | None:
    """A thought, or a bare signature; None where there is neither. State of another issuer is reported."""
    state = own_state(part.sealed, part.path, report)
    extra = _extra(part, home, report)
    signed = {"thoughtSignature": state} if state is not None else {}
    if home and "words" in part.wire:
        return respelled({**part.wire["words"], **signed, **extra}, part.wire["keys"])
    if part.text or (home and part.wire.get("thought")):
        body: Json = {"text": part.text, "thought": True, **signed, **extra}
        return respelled(body, part.wire.get("keys", {}) if home else {})
    return {"text": "", **signed} if signed else None


def own_state(state: hub.Sealed | None, path: str, report: Report) -> Any:
    """The signature to send upstream: Google's own only; another's is reported as dropped."""
    if state is None or state.format == FORMAT:
        return state.value if state else None
    report.dropped(path, "sealed reasoning of another provider")
    return None


def write_media(part: hub.Media, home: bool, report: Report) -> Json:
    """An inlineData or fileData part. Raises ProxyError (unsupported) for the id of another provider's upload."""
    extra = _extra(part, home, report)
    if not home:
        for field, value in (("cache_control", part.cache), ("filename", part.name)):
            if value:
                report.dropped(f"{part.path}.{field}")
        if part.detail not in (None, "auto"):
            report.dropped(f"{part.path}.detail")
    uri = part.url or part.file_id
    kind = "inlineData" if part.data is not None else "fileData"
    if part.data is not None:
        inner: Json = {"mimeType": part.mime or MIMES[part.kind], "data": part.data}
    elif uri and uri.startswith(OWN):
        mime = part.mime or guess_mime(uri.partition("?")[0]) or (MIMES["image"] if part.kind == "image" else None)
        inner = {**({"mimeType": mime} if mime else {}), "fileUri": uri}
    elif home:
        inner = {**({"mimeType": part.mime} if part.mime else {}), "fileUri": uri}
    else:
        raise ProxyError("unsupported", f"{part.path}: this upstream takes no file by this id", param=part.path)
    if home:
        if not part.wire.get("mime"):
            inner.pop("mimeType", None)
        inner |= {"displayName": part.name} if part.name is not None else {}
        inner |= {key.partition(".")[2]: value for key, value in part.extra.items() if key.startswith(f"{kind}.")}
        inner = respelled(inner, part.wire.get("inner", {}))
    return respelled({kind: inner, **extra}, part.wire.get("keys", {}) if home else {})


def _extra(part: hub.Part, home: bool, report: Report) -> Json:
    """The further members of a part; a dotted name belongs inside of its data."""
    if home:
        return {key: value for key, value in part.extra.items() if "." not in key}
    report.extras(part.path, part.extra)
    return {}


def told(response: Any) -> tuple[str, bool]:
    """(the words of a function's response, whether they tell an error)."""
    if isinstance(response, dict) and len(response) == 1:
        (key, value), = response.items()
        if key in TOLD:
            return value if isinstance(value, str) else arguments_text(value), key == "error"
    return arguments_text(response), False


def telling(text: str, error: bool) -> Json:
    """The response object for the words of a tool's result: that object itself, if they are one."""
    if error:
        return {"error": text}
    value = arguments_of(text) if text.lstrip().startswith("{") else None
    return {"output": text} if value is None or (len(value) == 1 and next(iter(value)) in TOLD) else value
