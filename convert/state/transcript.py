"""A conversation as text, for whoever is to sum it up: any model can read it, whatever tools and media were in it."""

from __future__ import annotations

from typing import Any

from convert import sse

Json = dict[str, Any]
CALLS = {"arguments", "input", "action", "operation", "query", "queries", "code"}  # what calls of tools hold
RESULTS = {"output", "outputs", "results", "result", "tools", "error"}  # what came of them
SILENT = {"reasoning", "item_reference", "additional_tools"}  # what is not worth telling, or is kept by itself


def told(items: list[Json]) -> str:
    """The items as text, each under a heading that says whose it is."""
    return "\n\n".join(part for item in items if (part := _told(item)))


def _told(item: Json) -> str:
    kind = item.get("type") or "message"
    if kind in SILENT:
        return ""
    if kind == "message":
        return _headed(str(item.get("role")), text_of(item.get("content")))
    told = [_headed(f"{kind} {item.get('name', '')}".strip(), _members(item, CALLS))] if _members(item, CALLS) else []
    if results := _members(item, RESULTS):
        told.append(_headed("result", results))
    return "\n\n".join(told)


def _headed(heading: str, text: str) -> str:
    return f"[{heading}]\n{text}" if text else ""


def _members(item: Json, names: set[str]) -> str:
    return "\n".join(text_of(value) for key, value in item.items() if key in names and value)


def text_of(content: Any) -> str:
    """The text of a message's content or of a tool's output: of parts that are none, their type."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part for each in content if (part := _part(each)))
    return "" if content is None else sse.dumps(content).decode()


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return text_of(part)
    text = part.get("text", part.get("refusal"))
    if isinstance(text, str):
        return text
    kind = str(part.get("type", ""))
    name = part.get("filename") or part.get("file_id") or ""
    if kind.startswith("input_"):
        return f"({kind.removeprefix('input_')} {name}".strip() + ")"
    return sse.dumps(part).decode()
