"""Reasoning that other upstreams have sealed, in a request that is not converted: OpenAI could not decrypt it.

A conversation that goes on at OpenAI after a while elsewhere brings it along, with a tag (see sealed.py).
Source: "The encrypted content ... could not be verified", as Codex's users report it.
"""

from __future__ import annotations

from typing import Any

from convert.losses import Report
from convert.sealed import is_foreign

Json = dict[str, Any]


def without_foreign(body: Json, report: Report) -> Json:
    """A request without such reasoning; the very object where it has none."""
    items = body.get("input")
    if not isinstance(items, list):
        return body
    kept = []
    for number, item in enumerate(items):
        if isinstance(item, dict) and is_foreign(item.get("encrypted_content"), "responses"):
            report.dropped(f"input[{number}]", "sealed reasoning of another provider")
        else:
            kept.append(item)
    return body if len(kept) == len(items) else {**body, "input": kept}
