from __future__ import annotations

import pytest
from flask import Flask, g, request

from convert.api import current


def test_the_current_request_and_what_is_held_for_it_are_those_of_flask() -> None:
    app = Flask("test")
    with app.test_request_context("/path"):
        g.model = "m"
        assert current.held() == {"model": "m"} and current.asked() is request._get_current_object()
        assert current.asked().path == "/path" and current.app() is app
        current.held()["losses"] = 1
        assert g.losses == 1
    with app.test_request_context("/path"):
        assert current.held() == {}


def test_outside_of_a_request_there_is_none() -> None:
    with pytest.raises(RuntimeError):
        current.asked()
