"""Law 7, no silent loss: what a converted request lacks was reported, and each kind of loss is accepted with a reason.

expected_losses.toml holds the accepted ones; its examples show that each of them still exists.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from convert.errors import ProxyError
from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.losses import Loss
from tests.laws.facts import facts, known_to_the_client, missing
from tests.recordings import Recording, requests
from tests.smallest import SMALLEST

EXPECTED = tomllib.loads((Path(__file__).parent / "expected_losses.toml").read_text())["loss"]


def conversions() -> Iterator[Any]:
    """Each recorded request onto each other format."""
    for recording in requests():
        for wire in FORMATS.values():
            if wire is not recording.form:
                yield pytest.param(recording, wire, id=f"{recording.name} to {wire.name}")


def place(loss: Loss) -> str:
    """The path of a loss with its list positions left out."""
    return re.sub(r"\[\d+\]", "[]", loss.path)


def accepted(source: Format, wire: Format, loss: Loss) -> bool:
    return any(
        entry["from"] == source.name and entry["to"] == wire.name and entry["how"] == loss.how
        and matches(entry["path"], place(loss)) and entry.get("what", "") in loss.what
        for entry in EXPECTED
    )  # fmt: skip


def matches(pattern: str, path: str) -> bool:
    """`*` stands for one name."""
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", r"[^.\[\]]+"), path))


@pytest.mark.parametrize(("recording", "wire"), list(conversions()))
def test_what_is_lost_was_reported_and_is_accepted(recording: Recording, wire: Format) -> None:
    exchange = Exchange(recording.form, wire, recording.request, wire.flavor())
    try:
        written = exchange.request()
    except ProxyError as refusal:
        assert refusal.kind in ("unsupported", "not_found") and refusal.param and refusal.status < 500
        return
    losses = exchange.report.losses
    assert [loss for loss in losses if not accepted(recording.form, wire, loss)] == []
    before = facts(recording.form.read_request(recording.request))
    after = facts(known_to_the_client(wire.read_request(json.loads(json.dumps(written))), exchange.names))
    silent = [(fact, path) for fact, path in missing(before, after) if not covered(path, losses)]
    assert silent == []


def covered(path: str, losses: list[Loss]) -> bool:
    """Whether a loss was reported for a path, for what holds it, or for what it holds."""
    return any(within(path, loss.path) or within(loss.path, path) for loss in losses)


def within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


@pytest.mark.parametrize("entry", EXPECTED, ids=lambda entry: f"{entry['from']} to {entry['to']}: {entry['path']}")
def test_each_accepted_loss_has_a_reason_and_still_exists(entry: dict[str, Any]) -> None:
    assert entry.keys() <= {"from", "to", "path", "how", "what", "reason", "example"}
    assert len(entry["reason"]) > 15
    wire = FORMATS[entry["to"]]
    exchange = Exchange(FORMATS[entry["from"]], wire, SMALLEST[entry["from"]] | entry["example"], wire.flavor())
    exchange.request()
    losses = [loss for loss in exchange.report.losses if loss.how == entry["how"]]
    assert any(matches(entry["path"], place(loss)) and entry.get("what", "") in loss.what for loss in losses), losses
