from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient

from convert import create_app
from convert.settings import load

Make = Callable[..., FlaskClient]
COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}  # fmt: skip


@pytest.fixture
def make_app() -> Callable[..., Flask]:
    """Makes an app with the settings of the variables given."""
    return lambda **environ: create_app(load(None, environ))


@pytest.fixture
def make(make_app: Callable[..., Flask]) -> Make:
    """Makes a client of an app with the settings of the variables given; by default it talks to the echo upstream."""
    return lambda **environ: make_app(**environ).test_client()


@pytest.fixture
def upstream() -> Any:
    """Upstreams on any host, that answer a chat request with "Hello"; `.calls` are the requests they got."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(responses.POST, re.compile(r"https?://.*/chat/completions"), json=COMPLETION)
        yield mock
