"""A PostgreSQL server for the tests: Debian's package, on loopback, in a folder of its own, gone afterwards."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NUMBERS = itertools.count()


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    anywhere = shutil.which("initdb")
    return Path(anywhere).resolve().parent if anywhere else None


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of a server; None where none is installed. It refuses to run as root, so root lends it another user."""
    where = programs()
    if where is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="convert-postgres-"))
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    port = free_port()
    data, log = folder / "data", folder / "log"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    initdb = [where / "initdb", "-D", data, "-A", "trust", "-U", "convert", "-E", "UTF8", "--locale=C"]
    subprocess.run([*user, *initdb], **quiet)  # type: ignore[call-overload]
    start = [where / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"]
    subprocess.run([*user, *start], **quiet)  # type: ignore[call-overload]
    try:
        yield f"postgresql://convert@127.0.0.1:{port}/postgres"
    finally:
        stop = [where / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run([*user, *stop], **quiet)  # type: ignore[call-overload]
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh(server: str) -> Iterator[str]:
    """The URL of a new, empty database on a server."""
    import psycopg

    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
