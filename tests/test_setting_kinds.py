from __future__ import annotations

import pytest
from marshmallow import ValidationError

from convert import setting_kinds as kinds


@pytest.mark.parametrize("value", ["https://api.example.com", "http://127.0.0.1:8000/v1", "echo://demonstration"])
def test_a_url_of_an_upstream(value: str) -> None:
    kinds.url(value)


@pytest.mark.parametrize("value", ["api.example.com", "ftp://x", "https://", "https://u:p@x", "http://x:99999"])
def test_what_is_no_url_of_an_upstream(value: str) -> None:
    with pytest.raises(ValidationError):
        kinds.url(value)


@pytest.mark.parametrize("value", ["/v1", "a b", "a//b", "..", "/x/v1beta"])
def test_what_cannot_stand_before_the_endpoints(value: str) -> None:
    with pytest.raises(ValidationError):
        kinds.prefix(value)


def test_words_sizes_and_levels() -> None:
    assert kinds.Words().deserialize("a, b  a") == ("a", "b")
    assert kinds.Size().deserialize("2 kB") == 2048
    assert kinds.Level().deserialize("info") == "INFO"
