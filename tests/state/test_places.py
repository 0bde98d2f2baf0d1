from __future__ import annotations

import pytest

from convert.errors import ProxyError, invalid
from convert.losses import Report
from convert.state.places import Places

THREE = Places(3, "conversation")


@pytest.mark.parametrize(("path", "told"), [
    ("input[3]", "input[0]"),
    ("input[305].content[0].image_url", "input[302].content[0].image_url"),
    ("input[2].content[0].text", "conversation"),
    ("instructions", "instructions"),
    ("tools[3].input[4]", "tools[3].input[1]"),
    ("my_input[4]", "my_input[4]"),
    ("", ""),
])  # fmt: skip
def test_paths(path: str, told: str) -> None:
    assert THREE.path(path) == told
    assert Places().path(path) == path


def test_an_error() -> None:
    error = THREE.error(invalid("input[4].role", "must be one of user, assistant"))
    assert (error.param, error.message) == ("input[1].role", "input[1].role: must be one of user, assistant")
    error = THREE.error(invalid("input[0].role", "must be one of user, assistant"))
    assert (error.param, error.message) == ("conversation", "conversation: must be one of user, assistant")
    assert THREE.error(invalid("", "is wrong")).param is None


def test_what_is_raised_inside_is_told_in_the_clients_terms() -> None:
    with pytest.raises(ProxyError) as caught, THREE:
        raise invalid("input[4].role", "must be a string")
    assert caught.value.param == "input[1].role"
    with pytest.raises(KeyError, match="input"), THREE:  # what is no error of the client's stays what it is
        raise KeyError("input[4]")
    with THREE:
        pass


def test_losses() -> None:
    report = Report()
    report.dropped("input[5].content[0].detail")
    report.dropped("input[1].id")
    report.moved("text.format")
    THREE.losses(report)
    assert [loss.path for loss in report.losses] == ["input[2].content[0].detail", "conversation", "text.format"]
