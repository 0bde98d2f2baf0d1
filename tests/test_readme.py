"""The examples of README.md and docs/ do what they say."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.settings import load

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of each code block in a language."""
    return [(path.name, text) for path in PAGES for kind, text in BLOCK.findall(path.read_text()) if kind == language]


def commands() -> list[tuple[str, str]]:
    """(command, what it prints) of each console block."""
    found = []
    for _, text in blocks("console"):
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, printed))
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of `flask run` with nothing configured."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("UPSTREAM_", "CONVERT_"))}
    command = [sys.executable, "-m", "flask", "run", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize(("command", "printed"), commands(), ids=lambda text: text[:60])
def test_a_command_prints_what_the_page_says(command: str, printed: str, server: int) -> None:
    there = command.replace("localhost:5000", f"127.0.0.1:{server}")
    run = subprocess.run(["bash", "-c", there], capture_output=True, text=True, timeout=20, check=False)
    assert run.stdout.rstrip("\n") == printed.rstrip("\n")


def test_there_are_commands_to_try() -> None:
    assert len(commands()) >= 4


@pytest.mark.parametrize("text", [text for page, text in blocks("python") if page == "clients.md"], ids=str)
def test_a_program_with_an_sdk_says_what_it_is_asked_to(text: str, server: int) -> None:
    pytest.importorskip(str(re.findall(r"^from ([\w.]+) import", text, re.M)[0]))
    there = text.replace("localhost:5000", f"127.0.0.1:{server}")
    run = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, timeout=60, check=False)
    assert (run.stdout.strip(), run.returncode) == ("Say hello.", 0), run.stderr


@pytest.mark.parametrize("text", [text for page, text in blocks("json") if page == "clients.md"], ids=str)
def test_json_is_json(text: str) -> None:
    assert json.loads(text)


@pytest.mark.parametrize(("page", "text"), blocks("toml"), ids=str)
def test_toml_is_toml(page: str, text: str) -> None:
    assert tomllib.loads(text)


@pytest.mark.parametrize(("page", "text"), blocks("ini"), ids=str)
def test_an_example_of_the_settings_file_loads(page: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "wsgi.ini"
    path.write_text(text)
    keys = dict.fromkeys(re.findall(r"api_key_env = (\w+)", text), "sk-example")
    assert load(path, keys).upstreams


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_shows_the_servers_own_command() -> None:
    procfile = (ROOT / "Procfile").read_text()
    web = next(line for line in procfile.splitlines() if line.startswith("web: "))
    assert web.removeprefix("web: ").strip() in (ROOT / "README.md").read_text()


def test_the_readme_and_ci_test_with_the_same_command() -> None:
    readme, script = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    assert "pip install -r requirements-dev.txt && pytest" in readme
    assert "-r requirements-dev.txt" in script and re.search(r"^pytest$", script, re.M)
