"""One file for each bug that was met: tests/cases/*.md.

A case names a conversion (`convert request|response|stream FROM TO [provider]`, as the endpoint /convert has it), and
shows what goes in and what must come out. What comes out may have more members than are shown, lists the same length.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from convert import sse

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(FOLDER.glob("*.md"))
COMMAND = re.compile(r"^    convert (request|response|stream) (\w+) (\w+)(?: (\w+))?$", re.M)
BLOCK = re.compile(r"^```(?:json|sse)\n(.*?)^```$", re.M | re.S)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_case(path: Path, make: Any) -> None:
    text = path.read_text()
    command = COMMAND.search(text)
    given, expected = BLOCK.findall(text)
    assert command, "a case has a line `    convert KIND FROM TO`"
    shown = run(make(), *command.groups(), given)
    if isinstance(shown, str):
        assert_contains([chunk for chunk in sse.chunks([shown.encode()]) if chunk is not sse.DONE], chunks(expected))
    else:
        assert_contains(shown, json.loads(expected))


def chunks(text: str) -> list[Any]:
    """Expected events of a stream: one JSON object in each line."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def run(client: FlaskClient, kind: str, source: str, target: str, provider: str | None, given: str) -> Any:
    """The body that the dry run gives."""
    where = f"/convert?kind={kind}&from={source}&to={target}&provider={provider or 'plain'}"
    answer = client.post(where, data=given.encode())
    assert answer.status_code == 200, answer.text
    return answer.get_json()["body"]


def assert_contains(actual: Any, expected: Any, path: str = "") -> None:
    """Raises AssertionError, with the path, where `expected` is not in `actual`."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{path}: {actual!r} is not an object"
        for key, value in expected.items():
            assert key in actual, f"{path}.{key} is missing in {actual!r}"
            assert_contains(actual[key], value, f"{path}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), f"{path}: {actual!r}"
        for number, (one, other) in enumerate(zip(actual, expected, strict=True)):
            assert_contains(one, other, f"{path}[{number}]")
    else:
        assert actual == expected, f"{path}: {actual!r} is not {expected!r}"
