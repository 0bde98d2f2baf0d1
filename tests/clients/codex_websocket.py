"""Codex over WebSocket, under each server: `python -m tests.clients.codex_websocket [upstream format ...]`, by default
on a Chat upstream.

CONVERT_CLIENTS names the folder of the clients kit (its run/codex.sh, run/codex-openai.sh and fake.py); CLIENTS_KIT,
where the clients are installed. A run passes when Codex has called its tool, written the file and told so at the end,
and when every answer came over the socket.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORT = "9000"
DONE = ("All done: hello.txt was written.", "hello from fake")
BIND = f"--bind 127.0.0.1:{PORT} --no-control-socket"
SERVERS = {
    "gevent": f"gunicorn app:app --worker-class gevent --worker-connections 2000 {BIND}",
    "gthread": f"gunicorn app:app --worker-class gthread --threads 32 {BIND}",
    "flask": f"flask run --port {PORT}",
}
UPSTREAM = "http://127.0.0.1:8765"
# set-up -> (script of the kit, what its configuration says besides); a provider of one's own, and the built-in one
SETUPS = {
    "custom provider": ("codex.sh", {"PROV_EXTRA": "supports_websockets = true"}),
    "built-in provider": ("codex-openai.sh", {}),
}
MODELS = ("some-model", "gpt-5.5", "gpt-6.1-sol")  # Codex asks each of them in another way


@dataclass
class Run:
    """One task, and what the proxy's log says of it."""

    passed: bool
    upgrades: int
    messages: int
    posts: int
    seconds: float
    output: str


def settings(form: str, folder: str) -> dict[str, str]:
    """The proxy's settings, for an upstream of a format."""
    return {
        "UPSTREAM_URL": f"{UPSTREAM}/{'v1beta' if form == 'gemini' else 'v1'}", "UPSTREAM_FORMAT": form,
        "UPSTREAM_API_KEY": "sk-fake", "DATABASE_URL": f"sqlite:///{folder}/convert.db",
    }  # fmt: skip


def run(kit: Path, form: str, server: str, setup: str, model: str) -> Run:
    """Codex's task, with the proxy between Codex and the kit's upstream."""
    script, extra = SETUPS[setup]
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "capture"
        variables = (f"{name}={value}" for name, value in settings(form, folder).items())
        command = " ".join(["env", *variables, SERVERS[server]])
        environ = os.environ | extra | {
            "PROXY_CMD": f"env -C {ROOT} PATH={Path(sys.executable).parent}:$PATH {command}", "CPORT": PORT,
            "MODEL": model,
        }  # fmt: skip
        arguments = [kit / "run" / "with_fake.sh", capture, "", "--", kit / "run" / script]
        done = subprocess.run(arguments, env=environ, cwd=kit / "run", capture_output=True, text=True, timeout=180)
        log = (capture / "proxy.log").read_text()
    took = re.search(r"wall=(\d+)ms", done.stdout)
    messages, posts = log.count("method=WS"), log.count("method=POST")
    upgrades = len(re.findall(r"method=GET \S+ .*status=101", log))
    passed = done.returncode == 0 and all(words in done.stdout for words in DONE) and messages >= 2 and not posts
    seconds = int(took[1]) / 1000 if took else 0.0
    return Run(passed and "Traceback" not in log, upgrades, messages, posts, seconds, done.stdout + done.stderr + log)


def main() -> int:
    """Runs all of them, one after the other; the exit status says whether all have passed."""
    if "CONVERT_CLIENTS" not in os.environ:
        print("CONVERT_CLIENTS must name the folder of the clients kit", file=sys.stderr)
        return 2
    kit, failed = Path(os.environ["CONVERT_CLIENTS"]), 0
    for form, server, setup, model in product(sys.argv[1:] or ["chat"], SERVERS, SETUPS, MODELS):
        one = run(kit, form, server, setup, model)
        counts = f"upgrades={one.upgrades} messages={one.messages} posts={one.posts} seconds={one.seconds:.1f}"
        print("PASS" if one.passed else "FAIL", f"{form:10}{server:8}{setup:18}{model:12}", counts, flush=True)
        if not one.passed:
            failed += 1
            print(one.output[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
