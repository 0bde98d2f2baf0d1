from __future__ import annotations

import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from convert import ROOT, application, paste_app

MakeApp = Callable[..., Flask]


def test_the_demonstration_and_an_open_server_are_announced(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    make_app(CONVERT_OPEN="1")
    assert "demonstration" in caplog.text
    assert "CONVERT_OPEN" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        make_app(UPSTREAM_URL="https://x.com", UPSTREAM_API_KEY="sekret")
    assert "upstream main: https://x.com (chat, plain)" in caplog.text
    assert "sekret" not in caplog.text


def test_the_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UPSTREAM_URL", "https://from-environment.com")
    assert (
        application(tmp_path / "none.ini").extensions["convert"].settings.upstreams[0].url.endswith("environment.com")
    )


def test_both_ways_to_start_see_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ini = tmp_path / "other.ini"
    ini.write_text("[app:main]\nuse = call:convert:paste_app\nstrict = 1\n[upstream:x]\nurl = https://x.com\n")
    pasted = paste_app({"__file__": str(ini), "here": str(tmp_path)}, strict="1").extensions["convert"].settings
    monkeypatch.setenv("CONVERT_INI", str(ini))
    assert application().extensions["convert"].settings == pasted
    assert pasted.strict


def test_wrong_settings_end_the_process_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ini = tmp_path / "wsgi.ini"
    ini.write_text("[app:main]\ncolour = red\n")
    with pytest.raises(SystemExit) as caught:
        application(ini)
    assert caught.value.code == 4
    assert capsys.readouterr().err == "convert: settings: wsgi.ini [app:main] colour is unknown\n"


WORKER = "convert.gunicorn_worker.Worker"


@pytest.mark.parametrize(
    "command",
    [
        ["flask", "run", "--port", "0"],
        ["gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket", "app:app"],
        ["gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket", "-k", WORKER, "--paste", "wsgi.ini"],
    ],
    ids=["flask", "gunicorn", "paste"],
)
def test_no_server_starts_with_wrong_settings(command: list[str]) -> None:
    environ = os.environ | {"CONVERT_STRIKT": "1", "UPSTREAM_FORMAT": "soap"}
    environ.pop("CONVERT_INI", None)
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30
    )
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("convert: settings: ")]
    assert "CONVERT_STRIKT" in line and "UPSTREAM_FORMAT" in line


LIGHT = """
import sys
from convert import create_app
from convert.settings import load
app = create_app(load(None, {"CONVERT_LOG_LEVEL": "ERROR"}))
assert not [name for name in sys.modules if name.startswith(("charset_normalizer", "wsproto", "sqlalchemy", "huey"))]
answer = app.test_client().post("/v1/responses", json={"model": "m", "input": "Hi", "store": False})
assert answer.status_code == 200, answer.text
import charset_normalizer
"""


def test_what_few_need_is_not_loaded_at_the_start() -> None:
    run = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


UNCOLLECTED = """
import gc, os
from pathlib import Path
from convert import application
os.environ["CONVERT_LOG_LEVEL"] = "ERROR"
collections = []
gc.callbacks.append(lambda *told: collections.append(told))
application(Path("none.ini"))
assert gc.isenabled() and not collections
gc.collect()
assert collections
"""


def test_nothing_is_collected_while_the_application_loads() -> None:
    run = subprocess.run([sys.executable, "-c", UNCOLLECTED], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def printed(script: str, name: str) -> int:
    """The number that a process of its own prints, which has called a function of the package by this name."""
    command = [sys.executable, "-c", script.format(name=name)]
    return int(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)


GLIBC = """
import sys
from convert import {name}
{name}()
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
before = resident()
texts, kept = [], []
for _ in range(20):  # each text is large, and something small is allocated after it that stays
    texts.append(b"x" * 10_000_000)
    del texts[0]
    texts.append(b"x" * 9_000_000)
    kept.append(bytes(100_000))
texts.clear()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of glibc is what is fitted")
def test_the_memory_of_large_bodies_is_given_back() -> None:
    assert printed(GLIBC, "_settle") < 5_000 < printed(GLIBC, "_lighten")  # KB that a process has kept


FAULTS = """
import resource
from convert import {name}
{name}()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(6):
    before = faults()
    texts = [bytes(7_000) for _ in range(800)]  # what a history of a megabyte and more is taken apart into
    texts.clear()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of glibc is what is fitted")
def test_the_memory_of_a_long_history_serves_the_next_one() -> None:
    assert printed(FAULTS, "_settle") < 200 < printed(FAULTS, "_lighten")  # pages that are mapped anew for each
