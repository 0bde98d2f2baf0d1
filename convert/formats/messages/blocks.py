"""Content blocks on the wire -> hub parts. Source: Anthropic API reference, "Create a Message", `messages.content`.

A block that becomes several parts (a search result, a document in pieces) is kept whole in the `wire` of the first
(`whole`); the others say that they are part of it (`within`).
"""

from __future__ import annotations

from typing import Any

from convert import hub, sse
from convert.errors import invalid
from convert.formats.contract import take
from convert.sealed import found, untag

Json = dict[str, Any]
REDACTED = "redacted_thinking"  # the member of a Sealed value that tells redacted thinking from a signature
# Blocks that only Anthropic's servers can make something of. Any other type that has no reader is not known at all.
HOSTED = frozenset({
    "server_tool_use", "mcp_tool_use", "mcp_tool_result", "container_upload", "compaction", "fallback", "tool_removal",
})  # fmt: skip


def read_content(content: Any, path: str) -> tuple[list[hub.Part], bool]:
    """(parts, whether it was one bare string). Raises ProxyError for what is neither string nor list."""
    if isinstance(content, str):
        return [hub.Text(text=content, path=path)], True
    if not isinstance(content, list):
        raise invalid(path, "must be a string or a list of content blocks")
    return [part for n, block in enumerate(content) for part in read_block(block, f"{path}[{n}]")], False


def read_block(block: Any, path: str) -> list[hub.Part]:
    """The parts of one block; a type unknown here becomes a Raw. Raises ProxyError for a block of the wrong shape."""
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise invalid(path, "must be an object with a `type`")
    body = dict(block)
    match body.pop("type"):
        case "text":
            return [_read_text(body, path)]
        case "image":
            return [_read_image(body, path)]
        case "document":
            return _read_document(block, body, path)
        case "search_result":
            return _read_search_result(block, body, path)
        case "mid_conv_system":
            return _whole(block, body, read_content(body.pop("content", None), f"{path}.content")[0], path)
        case "thinking":
            return [_read_thinking(body, path)]
        case "redacted_thinking":
            return [_read_redacted(body, path)]
        case "tool_use":
            return [_read_call(body, path)]
        case "tool_result":
            return [_read_result(body, path)]
        case "tool_reference":
            return [_read_reference(block, body.pop("tool_name", None), f"{path}.tool_name", path)]
        case "tool_addition":
            tool = body.get("tool")
            named = tool if isinstance(tool, dict) else {}
            return [_read_reference(block, named.get("name") or named.get("tool_name"), f"{path}.tool.name", path)]
        case kind:
            known = kind in HOSTED or kind.endswith("_tool_result")
            return [hub.Raw(format="messages", value=block, path=path, wire={} if known else {"unknown": kind})]


def string(body: Json, key: str, path: str) -> str:
    """Takes a text out of a block. Raises ProxyError where it is none."""
    value = body.pop(key, None)
    if not isinstance(value, str):
        raise invalid(f"{path}.{key}", "must be a string")
    return value


def _read_text(body: Json, path: str) -> hub.Text:
    text = string(body, "text", path)
    citations = []
    wire = {"citations": body.pop("citations")} if "citations" in body and not body["citations"] else {}
    if "citations" in body:
        listed = body.pop("citations")
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise invalid(f"{path}.citations", "must be a list of objects")
        citations = [read_citation(each, f"{path}.citations[{n}]") for n, each in enumerate(listed)]
    cache = take(body, "cache_control", kind=dict, path=path)
    return hub.Text(text=text, citations=citations, cache=cache, path=path, extra=body, wire=wire)


def read_citation(body: Json, path: str = "") -> hub.Citation:
    """A citation. Its own offsets count in the cited document, so that they stay among what only this format knows."""
    known = ("type", "url", "title", "document_title", "cited_text", "file_id", "encrypted_index")
    return hub.Citation(
        url=body.get("url"), title=body.get("title") or body.get("document_title"), quote=body.get("cited_text"),
        file_id=body.get("file_id"), path=path, wire={"citation": body},
        extra={key: value for key, value in body.items() if key not in known and body.get("url") is None},
    )  # fmt: skip


def _source(body: Json, path: str) -> Json:
    source = body.pop("source", None)
    if not isinstance(source, dict) or not isinstance(source.get("type"), str):
        raise invalid(f"{path}.source.type", "must be a string")
    return dict(source)


def _read_image(body: Json, path: str) -> hub.Media:
    return _read_media(hub.Media(kind="image"), _source(body, path), body, path)


def _read_media(media: hub.Media, source: Json, body: Json, path: str) -> hub.Media:
    """Fills in where the bytes are: in the block, at a URL, in an upload."""
    match source.pop("type"):
        case "base64":
            media.data = string(source, "data", f"{path}.source")
            media.mime = take(source, "media_type", kind=str, path=f"{path}.source")
        case "url":
            media.url = string(source, "url", f"{path}.source")
        case "file":
            media.file_id = string(source, "file_id", f"{path}.source")
        case other:
            raise invalid(f"{path}.source.type", f"'{other}' is not a known type")
    media.cache, media.path = take(body, "cache_control", kind=dict, path=path), path
    media.extra = {**body, **{f"source.{key}": value for key, value in source.items()}}
    return media


def _read_document(block: Json, body: Json, path: str) -> list[hub.Part]:
    """A document by value or reference is a file; one in words is words, under its title."""
    source = _source(body, path)
    if source["type"] not in ("text", "content"):
        media = hub.Media(kind="file", name=take(body, "title", kind=str, path=path))
        return [_read_media(media, source, body, path)]
    heading = [str(body.pop(key)) for key in ("title", "context") if body.get(key)]
    parts: list[hub.Part] = [hub.Text(text=text, path=path) for text in heading]
    if source["type"] == "text":
        parts.append(hub.Text(text=string(source, "data", f"{path}.source"), path=path))
    else:
        parts += read_content(source.get("content"), f"{path}.source.content")[0]
    return _whole(block, body, parts, path)


def _read_search_result(block: Json, body: Json, path: str) -> list[hub.Part]:
    """A search result as words: its title and source, then what it says."""
    heading = f"{string(body, 'title', path)}\n{string(body, 'source', path)}"
    parts, _ = read_content(body.pop("content", None), f"{path}.content")
    return _whole(block, body, [hub.Text(text=heading, path=path), *parts], path)


def _whole(block: Json, rest: Json, parts: list[hub.Part], path: str) -> list[hub.Part]:
    """The parts that stand for one block."""
    parts = parts or [hub.Text(path=path)]
    cache = take(rest, "cache_control", kind=dict, path=path)
    if cache is not None and isinstance(parts[-1], hub.Text | hub.Media):
        parts[-1].cache = cache
    content = ("type", "source", "content", "title", "context")
    parts[0].extra |= {key: value for key, value in rest.items() if key not in content}
    for part in parts:
        part.wire = {"within": True}
    parts[0].wire, parts[0].path = {"whole": block}, path
    return parts


def _read_thinking(body: Json, path: str) -> hub.Reasoning:
    text = string(body, "thinking", path)
    signature = take(body, "signature", kind=str, path=path)
    if signature == "":
        return hub.Reasoning(text=text, path=path, extra=body, wire={"signature": ""})
    sealed = found(signature, "messages") if signature is not None else None
    return hub.Reasoning(text=text, sealed=sealed, path=path, extra=body)


def _read_redacted(body: Json, path: str) -> hub.Reasoning:
    data = string(body, "data", path)
    sealed = untag(data) or hub.Sealed("messages", {REDACTED: data})
    return hub.Reasoning(kind="summary", sealed=sealed, path=path, extra=body)


def _read_call(body: Json, path: str) -> hub.ToolCall:
    given = body.pop("input", None)
    if not isinstance(given, dict):
        raise invalid(f"{path}.input", "must be an object")
    wire: Json = {"caller": body["caller"]} if body.get("caller") is not None else {}
    if wire.get("caller") == {"type": "direct"}:  # what is so anyway
        del body["caller"]
    text = sse.dumps(given).decode()
    name = string(body, "name", path)
    if not name:
        raise invalid(f"{path}.name", "must not be empty")
    return hub.ToolCall(text=text, id=string(body, "id", path), name=name, path=path, extra=body, wire=wire)


def _read_result(body: Json, path: str) -> hub.ToolResult:
    wire: Json = {}
    parts: list[hub.Part] = []
    if (content := take(body, "content")) is not None:
        parts, wire["plain"] = read_content(content, f"{path}.content")
    else:
        wire["absent"] = True
    if (failed := take(body, "is_error", kind=bool, path=path)) is not None:
        wire["is_error"] = failed
    return hub.ToolResult(
        call_id=string(body, "tool_use_id", path), parts=parts, error=wire.get("is_error", False), path=path,
        extra=body, wire=wire,
    )  # fmt: skip


def _read_reference(block: Json, name: Any, where: str, path: str) -> hub.Tools:
    """A tool that is known by its name already, and may be called from here on."""
    if not isinstance(name, str) or not name:
        raise invalid(where, "must be a non-empty string")
    return hub.Tools(tools=[hub.Tool(name=name, path=path)], path=path, wire={"whole": block})
