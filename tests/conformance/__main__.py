"""Every recording through the real stack: `CONVERT_CORPUS=... CONVERT_CONFORMANCE=... python -m tests.conformance`.

Starts the conformance kit's replay.py three times (whole, 1-byte and 7-byte pieces), and gunicorn as the Procfile has
it, with an upstream for each recording. A client of each other format asks for each answer, plain and streamed; what it
gets must be valid (specvalidate.py --baseline) and say what the recording says. Each recorded request goes through
/convert.
Prints the counts, and what is wrong; ends with 1 when anything is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests as http

from convert import hub, sse, stream
from convert.formats import FORMATS
from convert.formats.contract import Format
from tests import recordings
from tests.laws.meaning import assert_same
from tests.laws.schemas import violations
from tests.recordings import Recording
from tests.smallest import ASKED

ROOT = Path(__file__).parent.parent.parent
CUTS = (0, 1, 7)
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}


def main() -> int:
    """Runs everything; the number of faults, at most 1."""
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with ExitStack() as stack:
        ports = {size: stack.enter_context(replay(size)) for size in CUTS}
        proxy = stack.enter_context(gunicorn(ini(ports)))
        for label, check in checks(proxy):
            try:
                counts[f"{label}: {check()}"] += 1
            except AssertionError as error:
                counts[f"{label}: WRONG"] += 1
                faults.append(f"{label}: {' '.join(str(error).split())[:400]}")
    for line, count in sorted(counts.items()):
        print(f"{count:6} {line}")
    print("\n".join(faults))
    return 1 if faults else 0


def replayed() -> list[Recording]:
    """The recordings that the kit's upstream has."""
    return [each for each in recordings.everything() if recordings.OWN not in each.folder.parents]


def checks(proxy: str) -> Iterator[tuple[str, Any]]:
    """(what is checked, the check) of each recording."""
    for number, recording in enumerate(replayed()):
        for client in (form for form in FORMATS.values() if form is not recording.form):
            pair = f"{recording.form.name} -> {client.name}"
            if recording in recordings.streams():
                for size in CUTS:
                    yield (
                        f"{pair} stream, {size or 'whole'}",
                        answer(proxy, recording, client, f"r{number}-{size}", True),
                    )
                yield f"{pair} stream, folded", answer(proxy, recording, client, f"r{number}-0", False)
            elif recording in recordings.responses():
                yield f"{pair} plain", answer(proxy, recording, client, f"r{number}-0", False)
                yield f"{pair} plain, unfolded", answer(proxy, recording, client, f"r{number}-0", True)
            elif recording in recordings.errors():
                yield f"{pair} error", failed(proxy, recording, client, f"r{number}-0")
            if recording in recordings.requests():
                yield f"{pair.replace('->', 'request ->')}", converted(proxy, recording, client)


def answer(proxy: str, recording: Recording, client: Format, upstream: str, streamed: bool) -> Any:
    """The check of an answer in the format of another client."""

    def check() -> str:
        before = said(recording)
        got = http.post(
            proxy + PATHS[client.name], json={**ASKED[client.name], "stream": streamed},
            headers={"Convert-Upstream": upstream}, timeout=60,
        )  # fmt: skip
        if isinstance(before, str):
            assert before in got.text, got.text
            return "the upstream's failure told"
        assert got.status_code == 200, got.text
        body: Any = got.text if streamed else got.json()
        wrong = violations(f"{client.name}.response", body)
        assert wrong == [], wrong
        assert_same(read(client, got.content, streamed), before)
        return "valid, says the same"

    return check


def said(recording: Recording) -> hub.Response | str:
    """What a recording says, or how it failed."""
    form = recording.form
    flavor = form.flavor()
    if recording not in recordings.streams():
        return form.read_response(recording.response, flavor)
    events = list(stream.check(form.read_stream(sse.chunks([recording.stream]), flavor)))
    last = events[-1]
    return json.dumps(last.error.message)[1:-1] if isinstance(last, hub.Failure) else stream.fold(iter(events))


def read(form: Format, data: bytes, streamed: bool) -> hub.Response:
    if not streamed:
        return form.read_response(json.loads(data), form.flavor())
    return stream.fold(stream.check(form.read_stream(sse.chunks([data]), form.flavor())))


def failed(proxy: str, recording: Recording, client: Format, upstream: str) -> Any:
    """The check of an upstream's error."""

    def check() -> str:
        body = ASKED[client.name]
        got = http.post(proxy + PATHS[client.name], json=body, headers={"Convert-Upstream": upstream}, timeout=60)
        assert got.status_code >= 400 and violations("openai.error", got.json()) == [], got.text
        return "an error in the client's shape"

    return check


def converted(proxy: str, recording: Recording, wire: Format) -> Any:
    """The check of a request, converted by the dry run."""

    def check() -> str:
        where = f"{proxy}/convert?from={recording.form.name}&to={wire.name}"
        got = http.post(where, json=recording.request, timeout=60)
        if got.status_code >= 400:
            error = got.json()["error"]
            assert got.status_code in (400, 422) and error["param"], got.text
            return "refused: " + re.sub(r"^[\w.\[\]]+: |'resp_\w+'", "", error["message"])
        wrong = violations(f"{wire.name}.request", got.json()["body"])
        if wrong and violations(f"{recording.form.name}.request", recording.request):
            return "as invalid as it was recorded"
        assert wrong == [], wrong
        return "valid, with losses reported" if got.json()["losses"] else "valid, nothing lost"

    return check


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, **options: Any) -> Iterator[None]:
    """A process that listens on a port."""
    process = subprocess.Popen(command, **options)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def replay(size: int) -> Iterator[int]:
    """The port of a replay upstream that sends streams in pieces of a size."""
    port = free_port()
    script = Path(os.environ["CONVERT_CONFORMANCE"]) / "replay.py"
    environ = {**os.environ, "CORPUS": os.environ["CONVERT_CORPUS"]}
    with running([sys.executable, str(script), str(port), str(size)], port, env=environ):
        yield port


def ini(ports: dict[int, int]) -> Path:
    """A settings file with an upstream for each recording and cut."""
    lines = ["[app:main]", "use = call:convert:paste_app", "log_level = WARNING"]
    for number, recording in enumerate(replayed()):
        for size, port in ports.items():
            endpoint = "/chat/completions" if recording.form.name == "chat" else "/responses"
            lines += [
                f"[upstream:r{number}-{size}]",
                f"url = http://127.0.0.1:{port}/rec/{recording.name}{endpoint}",
                f"format = {recording.form.name}",
            ]
    path = Path(tempfile.mkdtemp()) / "wsgi.ini"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def gunicorn(settings: Path) -> Iterator[str]:
    """The base URL of the proxy, run as the Procfile has it."""
    port = free_port()
    web = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web: "))
    command = [sys.executable, "-m", *shlex.split(web.removeprefix("web: ").replace("wsgi.ini", str(settings)))]
    with running([*command, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"], port, cwd=ROOT):
        yield f"http://127.0.0.1:{port}"


if __name__ == "__main__":
    raise SystemExit(main())
