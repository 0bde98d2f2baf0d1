from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from convert import create_app, paste_app, start
from convert.api.context import Context

MakeApp = Callable[..., Flask]


def test_each_endpoint_stands_at_the_root_and_under_each_prefix(make_app: MakeApp) -> None:
    app = make_app(UPSTREAM_URL="https://x.com", UPSTREAM_PATH_PREFIX="a/b", UPSTREAM_Y_URL="https://y.com")
    rules = {(rule.rule, *sorted(rule.methods or ())) for rule in app.url_map.iter_rules()}
    root = {rule for rule in rules if not rule[0].startswith("/a/b")}
    assert {(f"/a/b{path}", *methods) for path, *methods in root} == rules - root
    assert len(root) >= 10


def test_the_parts_are_made_once_for_each_app(make_app: MakeApp) -> None:
    first, second = make_app(), make_app(CONVERT_KEYS="a")
    assert isinstance(first.extensions["convert"], Context)
    assert first.extensions["convert"].access.keys == ()
    assert second.extensions["convert"].access.keys == ("a",)


def test_the_demonstration_and_an_open_server_are_announced(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    make_app(CONVERT_OPEN="1")
    assert "demonstration" in caplog.text
    assert "CONVERT_OPEN" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        make_app(UPSTREAM_URL="https://x.com", UPSTREAM_API_KEY="sekret")
    assert "upstream 'main': chat at https://x.com" in caplog.text
    assert "sekret" not in caplog.text


def test_the_app_takes_its_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_URL", "https://from-environment.com")
    assert create_app().extensions["convert"].settings.upstreams[0].url == "https://from-environment.com"


def test_both_ways_to_start_see_the_same_settings(tmp_path: Path) -> None:
    ini = tmp_path / "wsgi.ini"
    ini.write_text("[app:main]\nuse = call:convert:paste_app\nstrict = 1\n[upstream:x]\nurl = https://x.com\n")
    pasted = paste_app({"__file__": str(ini), "here": str(tmp_path)}, strict="1")
    assert pasted.extensions["convert"].settings == start(ini).extensions["convert"].settings
    assert pasted.extensions["convert"].settings.strict


def test_wrong_settings_end_the_process_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ini = tmp_path / "wsgi.ini"
    ini.write_text("[app:main]\ncolour = red\n")
    with pytest.raises(SystemExit) as caught:
        start(ini)
    assert caught.value.code == 4
    assert capsys.readouterr().err == "convert: settings: wsgi.ini [app:main] colour is unknown\n"
