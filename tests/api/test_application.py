from __future__ import annotations

import pytest
from flask import Flask, Request, session
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

from convert.api.application import Application


def test_there_are_no_sessions() -> None:
    app = Application("test")
    app.add_url_rule("/", view_func=lambda: str(dict(session)))
    answer = app.test_client().get("/", headers={"Cookie": "session=x"})
    assert (answer.text, "Set-Cookie" in answer.headers) == ("{}", False)


def test_hooks_and_views_are_called_as_they_are() -> None:
    app = Application("test")
    heard: list[str] = []
    app.before_request(lambda: heard.append("before"))
    app.add_url_rule("/", view_func=lambda: "seen")
    assert app.test_client().get("/").text == "seen"
    assert heard == ["before"]


def found(app: Flask, environ: dict[str, str]) -> tuple[str, str, str] | int:
    """The endpoint of a request, what it is matched by, and the URL of another view; or the status that it gets."""
    try:
        with app.request_context(environ):
            asked = Request(environ)
            adapter = app.create_url_adapter(asked)
            assert adapter is not None
            endpoint, arguments = adapter.match()
            return endpoint, repr(arguments), adapter.build("other", force_external=True)
    except HTTPException as error:
        return error.code or 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:9300", "[::1]:9", "\u00e4", "", "a/b", "a b"])
@pytest.mark.parametrize("under", ["", "/openai"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/m"), ("GET", "/v1/m"), ("PUT", "/v1/m"), ("POST", "//v1/m"), ("POST", "/v1/m/"), ("GET", "/"),
        ("GET", "/models/a%2Fb"), ("GET", "/models/a/b"), ("GET", "/models/\u00e9"), ("GET", "/ws"),
    ],
)  # fmt: skip
def test_views_are_found_as_flask_finds_them(host: str, under: str, method: str, path: str) -> None:
    apps = [Application("test"), Flask("test")]
    for app in apps:
        app.url_map.merge_slashes = False
        app.add_url_rule("/v1/m", "create", lambda: "", methods=["POST"])
        app.add_url_rule("/v1/m", "list", lambda: "", methods=["GET"])
        app.add_url_rule("/models/<path:name>", "model", lambda name: name)
        app.add_url_rule("/ws", "socket", lambda: "", websocket=True)
        app.add_url_rule("/other", "other", lambda: "")
    environ = EnvironBuilder(path, base_url="http://localhost" + under, method=method).get_environ()
    for further in ({}, {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"}, {"HTTP_UPGRADE": "h2c"}):
        ours, flasks = (found(app, {**environ, "HTTP_HOST": host, **further}) for app in apps)
        assert ours == flasks
