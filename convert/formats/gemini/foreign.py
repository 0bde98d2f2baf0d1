"""Thought signatures of other upstreams in a request that is not converted: Google would refuse them.

A conversation that goes on at Google after a while elsewhere brings them along, with a tag (see sealed.py). A call gets
the documented word instead, because Gemini 3 demands a signature. Source: Gemini API, "Thought signatures".
"""

from __future__ import annotations

from typing import Any

from convert.formats.gemini.content import DUMMY
from convert.formats.gemini.flavor import GeminiFlavor
from convert.losses import Report
from convert.sealed import is_foreign

Json = dict[str, Any]
NAMES = ("thoughtSignature", "thought_signature")


def without_foreign(body: Json, flavor: GeminiFlavor, report: Report) -> Json:
    """A request without such signatures; the very object where it has none."""
    contents = body.get("contents")
    if not isinstance(contents, list):
        return body
    kept = [_content(each, f"contents[{n}]", flavor, report) for n, each in enumerate(contents)]
    if all(a is b for a, b in zip(kept, contents, strict=True)):
        return body
    said = [each for each in kept if not (isinstance(each, dict) and each.get("parts") == [])]
    return {**body, "contents": said}


def _content(content: Any, path: str, flavor: GeminiFlavor, report: Report) -> Any:
    """A content without them; the very object where it has none."""
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return content
    kept = []
    for number, part in enumerate(parts):
        name = next((each for each in NAMES if isinstance(part, dict) and is_foreign(part.get(each), "gemini")), None)
        if name is None:
            kept.append(part)
            continue
        report.dropped(f"{path}.parts[{number}].{name}", "sealed state of another provider")
        rest = {key: value for key, value in part.items() if key != name}
        if "functionCall" in part and flavor.dummy_signature:
            rest[name] = DUMMY
        if rest.get("text") or rest.keys() - {"thought", "text"}:  # else it only bore the signature
            kept.append(rest)
    unchanged = len(kept) == len(parts) and all(a is b for a, b in zip(kept, parts, strict=True))
    return content if unchanged else {**content, "parts": kept}
