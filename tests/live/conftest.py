from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.live.client import Live
from tests.live.servers import COMMANDS, Server
from tests.live.upstream import Upstream


@pytest.fixture(scope="session")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(scope="session")
def servers(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """All servers, started side by side."""
    folder = tmp_path_factory.mktemp("live")
    started = {name: Server(name, upstream.port, folder) for name in COMMANDS}
    try:
        for server in started.values():
            server.wait()
        yield started
    finally:
        for server in started.values():
            server.stop()


@pytest.fixture(params=list(COMMANDS))
def live(request: pytest.FixtureRequest, servers: dict[str, Server], upstream: Upstream) -> Iterator[Live]:
    """Each server in turn."""
    with quiet(servers[request.param]):
        yield Live(servers[request.param], upstream)


@pytest.fixture
def lives(servers: dict[str, Server], upstream: Upstream) -> Iterator[list[Live]]:
    """All servers, for tests that wait and so are run on them at the same time."""
    with contextlib.ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(quiet(server))
        yield [Live(server, upstream) for server in servers.values()]


@contextlib.contextmanager
def quiet(server: Server) -> Iterator[None]:
    """No test may leave a traceback in what a server prints."""
    before = len(server.output())
    yield
    printed = server.output()[before:]
    assert "Traceback" not in printed and "Exception" not in printed, printed
