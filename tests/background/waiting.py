"""Background responses for tests: accepted by an app that makes none, until it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient

from convert.api.serving import State
from convert.background import run
from convert.store import responses
from convert.store.responses import Row

Json = dict[str, Any]
NONE = {"CONVERT_BACKGROUND_THREADS": "0"}


@dataclass
class Waiting:
    """An app, a client of it, and a way to make what waits."""

    app: Flask

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def here(self) -> State:
        return cast(State, self.app.extensions["convert"])

    def queued(self, **asked: Any) -> Json:
        """A response that was accepted."""
        answer = self.client.post("/v1/responses", json={"model": "m", "input": "Hi", "background": True, **asked})
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def row(self, identity: str) -> Row:
        """Its row, whoever asks."""
        row = self.here.memory.run(lambda connection: responses.get(connection, self.tenant, identity, 0))
        assert row is not None
        return row

    @property
    def tenant(self) -> str:
        """The tenant of clients without a key."""
        from convert.state.ids import tenant_of

        return tenant_of("")

    def make(self, identity: str) -> Json:
        """Makes it; how it is then."""
        run.make(self.here, self.tenant, identity)
        return self.get(identity)

    def get(self, identity: str) -> Json:
        """How it is told to be."""
        return dict(self.client.get(f"/v1/responses/{identity}").get_json())

    def stream(self, identity: str, query: str = "") -> list[Json]:
        """Its events, as they are told."""
        from convert import sse

        data = self.client.get(f"/v1/responses/{identity}?stream=true{query}").data
        return [*sse.chunks([data])]


MakeWaiting = Callable[..., Waiting]
