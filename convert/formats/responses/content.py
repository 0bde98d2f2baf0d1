"""Content parts of messages and of tool outputs. Source: OpenAI API reference, "Input item list"."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError, invalid
from convert.formats.contract import expect, take
from convert.losses import Report
from convert.media import data_url, guess_mime, split_data_url

Json = dict[str, Any]
_TEXTS = ("input_text", "output_text", "text", "reasoning_text", "summary_text")


def read_content(content: Any, path: str) -> tuple[list[hub.Part], bool]:
    """(parts, whether it was one bare string). Raises ProxyError for what is neither string nor list."""
    if isinstance(content, str):
        return [hub.Text(text=content, path=path)], True
    if not isinstance(content, list):
        raise invalid(path, "must be a string or a list of content parts")
    return [read_part(part, f"{path}[{n}]") for n, part in enumerate(content)], False


def read_part(part: Any, path: str) -> hub.Part:
    """One content part; a type unknown here becomes a Raw. Raises ProxyError for a part of the wrong shape."""
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise invalid(path, "must be an object with a `type`")
    body = dict(part)
    match part["type"]:
        case kind if kind in _TEXTS:
            return _read_text(body, path)
        case "refusal":
            return hub.Refusal(text=_string(body, "refusal", path), path=path, extra=_rest(body))
        case "input_image":
            return _read_image(body, path)
        case "input_file":
            return _read_file(body, path)
        case "input_audio":
            return _read_audio(body, path)
    return hub.Raw(format="responses", value=part, path=path)


def _string(body: Json, key: str, path: str) -> str:
    value = body.pop(key, None)
    if not isinstance(value, str):
        raise invalid(f"{path}.{key}", "must be a string")
    return value


def _rest(body: Json) -> Json:
    body.pop("type", None)
    return body


def _read_text(body: Json, path: str) -> hub.Text:
    text = _string(body, "text", path)
    wire = {"type": body.pop("type")}
    if not body:  # most texts
        return hub.Text(text=text, path=path, wire=wire)
    listed: dict[str, list[Json]] = {"annotations": [], "logprobs": []}
    for key in listed:
        if key in body and not body[key]:
            wire[key] = body.pop(key)
        listed[key] = take(body, key, [], list, path)
        for number, each in enumerate(listed[key]):
            expect(each, dict, f"{path}.{key}[{number}]")
    place = f"{path}.annotations" if path else ""
    citations = [read_citation(each, place and f"{place}[{n}]") for n, each in enumerate(listed["annotations"])]
    return hub.Text(text=text, citations=citations, logprobs=listed["logprobs"], path=path, extra=body, wire=wire)


def _read_image(body: Json, path: str) -> hub.Media:
    url, file_id = take(body, "image_url", kind=str, path=path), take(body, "file_id", kind=str, path=path)
    if not url and not file_id:
        raise invalid(path, "must have an `image_url` string or a `file_id`")
    mime, data, url = by_value(url)
    return hub.Media(
        kind="image", url=url, data=data, mime=mime, file_id=file_id,
        detail=take(body, "detail", kind=str, path=path), path=path, extra=_rest(body),
    )  # fmt: skip


def by_value(url: str | None) -> tuple[str | None, str | None, str | None]:
    """(media type, data, url): a base64 data URL taken apart, or any other URL as it is."""
    if url and (found := split_data_url(url)):
        return found[0], found[1], None
    return None, None, url


def _read_file(body: Json, path: str) -> hub.Media:
    data, name = take(body, "file_data", kind=str, path=path), take(body, "filename", kind=str, path=path)
    url, file_id = take(body, "file_url", kind=str, path=path), take(body, "file_id", kind=str, path=path)
    if not data and not url and not file_id:
        raise invalid(path, "must have `file_data`, `file_url` or `file_id`")
    mime, payload, bare = by_value(data)
    return hub.Media(
        kind="file", data=payload or bare, mime=mime or guess_mime(name), url=url, file_id=file_id, name=name,
        path=path, extra=_rest(body), wire={"bare": True} if bare else {},
    )  # fmt: skip


def _read_audio(body: Json, path: str) -> hub.Media:
    sound = body.pop("input_audio", None)
    if not isinstance(sound, dict) or not isinstance(sound.get("data"), str):
        raise invalid(f"{path}.input_audio", "must be an object with `data` and `format`")
    return hub.Media(
        kind="audio", data=sound["data"], mime=f"audio/{sound.get('format', 'wav')}", path=path, extra=_rest(body)
    )


def write_input(part: hub.Part, home: bool, report: Report) -> Json | None:
    """A content part of a user, system or developer message, or of a tool's output; None for what was
    dropped. `home`: the part was read from this format. Raises ProxyError (unsupported) for media that
    the wire has no part for."""
    match part:
        case hub.Text():
            return write_text(part, home, "input_text", report)
        case hub.Refusal():
            return {"type": "refusal", "refusal": part.text, **_extra(part, home, report)}
        case hub.Media():
            return _write_media(part, home, report)
        case hub.Raw(format="responses", value=value):
            return dict(value)
        case hub.Raw(value=value):
            kind = value.get("type", "part") if isinstance(value, dict) else "part"
            raise ProxyError("unsupported", f"{part.path}: this upstream takes no '{kind}' content", param=part.path)
    return None


def _extra(part: hub.Part, home: bool, report: Report) -> Json:
    if home:
        return part.extra
    report.extras(part.path, part.extra)
    return {}


def write_text(part: hub.Text, home: bool, kind: str, report: Report) -> Json:
    """A text part of the given type; at home, under the type and with the empty lists that it had."""
    extra = _extra(part, home, report)
    if part.cache:
        report.dropped(f"{part.path}.cache_control")
    body: Json = {"type": part.wire.get("type", kind) if home else kind, "text": part.text}
    if home:
        body |= {key: part.wire[key] for key in ("annotations", "logprobs") if key in part.wire}
    if part.citations:
        body["annotations"] = [written for each in part.citations if (written := write_citation(each, part, report))]
    if part.logprobs:
        body["logprobs"] = part.logprobs
    return body | extra


def _write_media(part: hub.Media, home: bool, report: Report) -> Json:
    extra = _extra(part, home, report)
    if part.cache:
        report.dropped(f"{part.path}.cache_control")
    match part.kind:
        case "image":
            body: Json = {"type": "input_image"}
            if part.data is not None:
                body["image_url"] = data_url(part.mime or "image/png", part.data)
            elif part.url is not None:
                body["image_url"] = part.url
            if part.file_id is not None:
                body["file_id"] = part.file_id
            if part.detail is not None or not home:
                body["detail"] = part.detail or "auto"
            return body | extra
        case "file":
            return {"type": "input_file", **_file_source(part), **extra}
        case "audio" if home:
            sound = {"data": part.data, "format": (part.mime or "audio/wav").removeprefix("audio/")}
            return {"type": "input_audio", "input_audio": sound, **extra}
    raise ProxyError("unsupported", f"{part.path}: this upstream takes no {part.kind} input", param=part.path)


def _file_source(part: hub.Media) -> Json:
    body: Json = {}
    if part.data is not None:
        body["file_data"] = part.data if part.wire.get("bare") else data_url(part.mime, part.data)
    if part.url is not None:
        body["file_url"] = part.url
    if part.file_id is not None:
        body["file_id"] = part.file_id
    if part.name is not None:
        body["filename"] = part.name
    return body


def read_citation(body: Json, path: str = "") -> hub.Citation:
    """An annotation of output text (url_citation, file_citation, container_file_citation, file_path)."""
    rest = dict(body)
    kind = rest.pop("type", None)
    return hub.Citation(
        url=rest.pop("url", None), title=rest.pop("title", None), start=rest.pop("start_index", None),
        end=rest.pop("end_index", None), file_id=take(rest, "file_id"), extra=rest, path=path,
        wire={"annotation": kind},
    )  # fmt: skip


def write_citation(citation: hub.Citation, owner: hub.Text, report: Report) -> Json | None:
    """An annotation; None, and a loss, for a citation that has neither a URL nor a file."""
    kind = citation.wire.get("annotation")
    if citation.url is not None:
        body: Json = {
            "type": kind or "url_citation", "url": citation.url, "title": citation.title or "",
            "start_index": citation.start or 0, "end_index": len(owner.text) if citation.end is None else citation.end,
        }  # fmt: skip
    elif citation.file_id is not None:
        body = {"type": kind or "file_citation", "file_id": citation.file_id}
        if kind is None:
            body |= {"index": citation.start or 0, "filename": citation.title or ""}
        elif citation.start is not None or citation.end is not None:
            body |= {"start_index": citation.start, "end_index": citation.end}
    else:
        report.dropped(citation.path or "annotations", "a citation without a URL or a file")
        return None
    return body | (citation.extra if kind else {})
