"""What can be measured: convert in several pairs of formats, the upstreams without a proxy, and its peers."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KIT = Path(os.environ.get("BENCH_KIT") or Path.home() / ".cache/convert-bench")
STORE = tempfile.TemporaryDirectory(prefix="bench-")  # what is stored in the checkout is no part of what is measured
C_UPSTREAM, UPSTREAM = 9100, 9110  # the kit's, which speaks Chat; ours, which speaks all
LITELLM = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_LOG": "ERROR", "DISABLE_ADMIN_UI": "True", "NO_DOCS": "True", "LITELLM_MODE": "PRODUCTION",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A server to measure. `form`: what its clients speak; `scale`: how many more requests it is given than convert;
    `needs`: a file of the kit without which it cannot be measured."""

    port: int
    form: str
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    needs: Path | None = None
    scale: float = 1
    cores: str = "0"

    @property
    def missing(self) -> bool:
        """Whether the kit lacks it."""
        return self.needs is not None and not self.needs.exists()


def convert(client: str, upstream: str, workers: int = 1, **environment: str) -> Target:
    """The checkout as its Procfile runs it."""
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:"))
    command = [str(Path(sys.executable).parent / "gunicorn"), *shlex.split(line.removeprefix("web:"))[1:]]
    port = C_UPSTREAM if upstream == "chat" and client != "gemini" else UPSTREAM
    base = f"http://127.0.0.1:{port}/" + ("v1beta" if upstream == "gemini" else "v1")
    settings = {
        "PORT": "9300", "WEB_CONCURRENCY": str(workers), "UPSTREAM_URL": base, "UPSTREAM_FORMAT": upstream,
        "UPSTREAM_API_KEY": "sk-bench", "DATABASE_URL": f"sqlite:///{STORE.name}/bench.db", **environment,
    }  # fmt: skip
    return Target(9300, client, command, settings, cores="0,1" if workers > 1 else "0")


def bare() -> Target:
    """The stack of the checkout, with nothing on it."""
    served = convert("chat", "chat")
    command = [*served.command[: served.command.index("--paste")], "bench.bare:app"]
    rest = served.command[served.command.index("--paste") + 2 :]
    return Target(9300, "chat", [*command, *rest], served.environment)


def direct(form: str) -> Target:
    """The upstream itself."""
    return Target(C_UPSTREAM if form == "chat" else UPSTREAM, form, scale=10)


TARGETS = {
    "direct": direct("chat"),
    "direct-messages": direct("messages"),
    "direct-gemini": direct("gemini"),
    "nginx": Target(9201, "chat", ["nginx", "-c", str(KIT / "nginx.conf")], needs=KIT / "nginx.conf", scale=5),
    "codex-relay": Target(
        9205, "responses", [
            str(KIT / "relay/bin/codex-relay"), "--port", "9205", "--api-key", "sk-bench",
            "--upstream", f"http://127.0.0.1:{C_UPSTREAM}/v1",
        ], needs=KIT / "relay/bin/codex-relay", scale=2,
    ),
    "litellm": Target(
        9204, "responses",
        [
            str(KIT / "litellm/bin/litellm"), "--config", str(KIT / "litellm.yaml"), "--host", "127.0.0.1",
            "--port", "9204",
        ],
        LITELLM, needs=KIT / "litellm/bin/litellm", scale=0.2,
    ),
    "bare": bare(),
    "convert": convert("responses", "chat"),
    "convert-2": convert("responses", "chat", workers=2),
    "chat-chat": convert("chat", "chat"),
    "messages-chat": convert("messages", "chat"),
    "gemini-chat": convert("gemini", "chat"),
    "responses-messages": convert("responses", "messages"),
    "responses-gemini": convert("responses", "gemini"),
}  # fmt: skip
