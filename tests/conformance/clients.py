"""How a client of each API asks the proxy, and how it reads what it gets."""

from __future__ import annotations

import functools
import json
from typing import Any

import requests as http

from convert import hub, sse, stream
from convert.formats.contract import Format
from tests.smallest import ASKED

VERSIONS = {"gemini": "/v1beta"}  # what stands before the paths of an API; else /v1
TIMEOUT = 120


@functools.cache
def session() -> http.Session:
    """One for each process. Its connections are not kept, so that the proxy's processes share the work."""
    opened = http.Session()
    opened.headers["Connection"] = "close"
    return opened


def ask(proxy: str, client: Format, upstream: str, streamed: bool, body: bytes | None = None) -> http.Response:
    """The proxy's answer to a request of a client; by default the smallest that asks for all there is."""
    url = proxy + VERSIONS.get(client.name, "/v1") + client.path("m", streamed)
    if body is None:
        asked = {**ASKED[client.name], "stream": streamed}
        body = sse.dumps({key: value for key, value in asked.items() if key not in client.in_url})
    headers = {"Convert-Upstream": upstream, "Content-Type": "application/json"}
    return session().post(url, data=body, headers=headers, timeout=TIMEOUT)


def events(client: Format, data: bytes) -> list[hub.Event]:
    """What a client reads in a stream."""
    return list(stream.check(client.read_stream(sse.chunks([data]), client.flavor())))


def read(client: Format, data: bytes, streamed: bool) -> hub.Response:
    """What a client reads in an answer."""
    if streamed:
        return stream.fold(iter(events(client, data)))
    return client.read_response(json.loads(data), client.flavor())


def message(client: Format, got: http.Response) -> str:
    """What a client is told of a failure, by an error answer or by the last event of its stream."""
    if got.status_code >= 400:
        return client.read_error(got.status_code, got.json()).message
    last = events(client, got.content)[-1]
    assert isinstance(last, hub.Failure), got.text[-300:]
    return last.error.message


def whole(client: Format, body: dict[str, Any], streamed: bool) -> dict[str, Any]:
    """A recorded request with what it had in its URL: the dry run has no such URL, and Bedrock and Vertex have the
    model of Anthropic's API there, too."""
    return {"model": "m", **({"stream": streamed} if "stream" in client.in_url else {}), **body}
