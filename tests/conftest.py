from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from convert import create_app
from convert.formats.contract import Format
from convert.routing import Route
from convert.settings import load

Make = Callable[..., FlaskClient]


@pytest.fixture
def make_app() -> Callable[..., Flask]:
    """Makes an app with the settings of the variables given."""
    return lambda **environ: create_app(load(None, environ))


@pytest.fixture
def make(make_app: Callable[..., Flask]) -> Make:
    """Makes a client of an app with the settings of the variables given; by default it talks to the echo upstream."""
    return lambda **environ: make_app(**environ).test_client()


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Route]]:
    """Requests are not relayed but noted here: the client's format, and the route."""
    noted: list[tuple[str, Route]] = []

    def serve(client: Format, route: Route) -> Response:
        noted.append((client.name, route))
        return Response("{}", content_type="application/json")

    monkeypatch.setattr("convert.api.dispatch.serve", serve)
    return noted
