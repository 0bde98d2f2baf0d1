"""docs/losses.md, written from the accepted losses: `python -m tests.laws.page > docs/losses.md`."""

from __future__ import annotations

import tomllib
from itertools import groupby
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "expected_losses.toml"
INTRODUCTION = """\
# Losses

This page is written from `tests/laws/expected_losses.toml` (`python -m tests.laws.page > docs/losses.md`).

Two APIs do not have the same words for everything. Whatever a conversion cannot carry over is reported: in the header
`Convert-Lost` of the answer, in the list `losses` of `POST /convert`; and with `Convert-Strict: 1` the request is
refused with 422 instead. A test compares each conversion of recorded traffic with what was read, so that a loss that
is not reported is a failure, and one that is not on this page is too.

A loss has a path in the body that the client sent, one of three kinds, and a few words:

* `dropped`: it is not in what was sent.
* `approximated`: something near to it was sent.
* `moved`: it was sent, in another place.

Several losses stand in the header with commas between them, list positions as `[*]`, and how often: `tools[*] dropped
(hosted tool 'mcp') x2`. Content that a wire has no place for at all (an image for a wire without images) is no loss
but a 400. Within the same format nothing is converted, and nothing is lost.
"""


def markdown() -> str:
    """The whole page."""
    entries: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text())["loss"]
    sections = [INTRODUCTION]
    for (source, target), group in groupby(entries, key=lambda entry: (entry["from"], entry["to"])):
        sections += [f"\n## A {source} request for a {target} upstream\n", "| field | kind | why |", "|--|--|--|"]
        sections += [f"| {_field(entry)} | {entry['how']} | {entry['reason']} |" for entry in group]
    return "\n".join(sections) + "\n"


def _field(entry: dict[str, Any]) -> str:
    shown = f"`{entry['path']}`"
    return f"{shown} ({entry['what']} ...)" if "what" in entry else shown


if __name__ == "__main__":
    print(markdown(), end="")
