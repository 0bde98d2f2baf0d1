"""Content parts of messages. Source: OpenAI API reference, "Create chat completion", `messages`."""

from __future__ import annotations

from typing import Any

from convert import hub
from convert.errors import ProxyError, invalid
from convert.formats.contract import expect, take
from convert.losses import Report
from convert.media import data_url, guess_mime, split_data_url

Json = dict[str, Any]


def read_content(content: Any, path: str) -> tuple[list[hub.Part], bool]:
    """(parts, whether it was one bare string). Raises ProxyError for what is neither string nor list."""
    if isinstance(content, str):
        return [hub.Text(text=content, path=path)], True
    if not isinstance(content, list):
        raise invalid(path, "must be a string or a list of content parts")
    return [read_part(part, f"{path}[{n}]") for n, part in enumerate(content)], False


def read_part(part: Any, path: str) -> hub.Part:
    """One content part; a type unknown here becomes a Raw. Raises ProxyError for a part of the wrong shape."""
    if isinstance(part, str):
        return hub.Text(text=part, path=path, wire={"bare": True})
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise invalid(path, "must be an object with a `type`")
    body = dict(part)
    match body.pop("type"):
        case "text":
            text = _string(body.pop("text", None), f"{path}.text")
            return hub.Text(text=text, cache=take(body, "cache_control"), path=path, extra=body)
        case "refusal":
            return hub.Refusal(text=_string(body.pop("refusal", None), f"{path}.refusal"), path=path, extra=body)
        case "image_url":
            return _read_image(body, path)
        case "input_audio":
            sound = body.pop("input_audio", None)
            if not isinstance(sound, dict) or not isinstance(sound.get("data"), str):
                raise invalid(f"{path}.input_audio", "must be an object with `data` and `format`")
            mime = f"audio/{sound.get('format', 'wav')}"
            return hub.Media(kind="audio", data=sound["data"], mime=mime, path=path, extra=body)
        case "file":
            return _read_file(body, path)
        case "thinking" if _single_thought(body):
            return hub.Reasoning(text=body.pop("thinking")[0]["text"], path=path, extra=body, wire={"part": True})
    return hub.Raw(format="chat", value=part, path=path)


def _single_thought(body: Json) -> bool:
    """Mistral's reasoning in the content: a list with one text."""
    texts = body.get("thinking")
    return isinstance(texts, list) and len(texts) == 1 and set(texts[0]) == {"type", "text"}


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(path, "must be a string")
    return value


def _read_image(body: Json, path: str) -> hub.Media:
    image = body.pop("image_url", None)
    wire = {"bare": True} if isinstance(image, str) else {}  # some clients and servers have no object here
    image = {"url": image} if isinstance(image, str) else image
    if not isinstance(image, dict) or not isinstance(image.get("url"), str):
        raise invalid(f"{path}.image_url.url", "must be a string")
    if image.get("detail") is not None:
        expect(image["detail"], str, f"{path}.image_url.detail")
    found = split_data_url(image["url"])
    rest = {f"image_url.{key}": value for key, value in image.items() if key not in ("url", "detail")}
    return hub.Media(
        kind="image", mime=found[0] if found else None, data=found[1] if found else None,
        url=None if found else image["url"], detail=image.get("detail"), cache=take(body, "cache_control"),
        path=path, extra={**body, **rest}, wire=wire,
    )  # fmt: skip


def _read_file(body: Json, path: str) -> hub.Media:
    file = body.pop("file", None)
    if not isinstance(file, dict) or not isinstance(file.get("file_data") or file.get("file_id"), str):
        raise invalid(f"{path}.file", "must be an object with `file_data` or `file_id`")
    for key in ("file_data", "file_id", "filename"):
        if file.get(key) is not None:
            expect(file[key], str, f"{path}.file.{key}")
    data = file.get("file_data")
    found = split_data_url(data) if data else None
    is_url = data is not None and not found and data.startswith(("http://", "https://"))  # OpenRouter takes URLs here
    rest = {f"file.{key}": value for key, value in file.items() if key not in ("file_data", "file_id", "filename")}
    return hub.Media(
        kind="file", mime=found[0] if found else guess_mime(file.get("filename")),
        data=found[1] if found else None if is_url else data, url=data if is_url else None,
        file_id=file.get("file_id"), name=file.get("filename"), cache=take(body, "cache_control"), path=path,
        extra={**body, **rest}, wire={} if found or is_url else {"bare": True},
    )  # fmt: skip


def write_part(part: hub.Part, home: bool, report: Report) -> Json | str | None:
    """A content part; None for what was dropped. Raises ProxyError (unsupported) for media without a slot."""
    extra = _outer(part, home, report)
    match part:
        case hub.Text():
            if home and part.wire.get("bare"):
                return part.text
            if part.citations and not home:
                report.dropped(f"{part.path}.annotations")
            return {"type": "text", "text": part.text, **_cache(part), **extra}
        case hub.Refusal():
            return {"type": "refusal", "refusal": part.text, **extra}
        case hub.Reasoning():
            return {"type": "thinking", "thinking": [{"type": "text", "text": part.text}], **extra}
        case hub.Media():
            return {**_write_media(part, home), **_cache(part), **extra}
        case hub.Raw(format="chat", value=value):
            return dict(value)
        case hub.Raw(value=value):
            kind = value.get("type", "part") if isinstance(value, dict) else "part"
            if ".content[" in part.path or ".output[" in part.path:  # else an item of its own, of a hosted tool
                problem = f"{part.path}: this upstream takes no '{kind}' content"
                raise ProxyError("unsupported", problem, param=part.path)
            report.dropped(part.path, f"no place for '{kind}'")
    return None


def _outer(part: hub.Part, home: bool, report: Report) -> Json:
    """The members beside the part's own object; a dotted name belongs inside of it."""
    if home:
        return {key: value for key, value in part.extra.items() if "." not in key}
    report.extras(part.path, part.extra)
    return {}


def _inner(part: hub.Media, home: bool, name: str) -> Json:
    if not home:
        return {}
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in part.extra.items() if key.startswith(prefix)}


def _cache(part: hub.Text | hub.Media) -> Json:
    return {"cache_control": part.cache} if part.cache else {}


def _write_media(part: hub.Media, home: bool) -> Json:
    match part.kind:
        case "image" if part.data is not None or part.url is not None:
            url = part.url if part.data is None else data_url(part.mime or "image/png", part.data)
            if home and part.wire.get("bare"):
                return {"type": "image_url", "image_url": url}
            detail = {"detail": part.detail} if part.detail is not None else {}
            return {"type": "image_url", "image_url": {"url": url, **detail, **_inner(part, home, "image_url")}}
        case "audio" if part.data is not None:
            kind = (part.mime or "audio/wav").removeprefix("audio/")
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}
        case "file" if part.data is not None or part.file_id is not None or home:
            return {"type": "file", "file": {**_file(part), **_inner(part, home, "file")}}
    what = f"{part.kind} by {'file id' if part.file_id else 'URL'}" if part.data is None else part.kind
    raise ProxyError("unsupported", f"{part.path}: this upstream takes no {what} input", param=part.path)


def _file(part: hub.Media) -> Json:
    body: Json = {}
    if part.data is not None:
        body["file_data"] = part.data if part.wire.get("bare") else data_url(part.mime, part.data)
    elif part.url is not None:
        body["file_data"] = part.url
    if part.file_id is not None:
        body["file_id"] = part.file_id
    if part.name is not None:
        body["filename"] = part.name
    elif part.data is not None and not part.wire:
        body["filename"] = "file"
    return body
