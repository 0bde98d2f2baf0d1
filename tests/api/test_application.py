from __future__ import annotations

from flask import session

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
