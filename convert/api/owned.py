"""Calls about state that the upstream owns: relayed to it as they are, and its answers returned as they are."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlencode

from flask import Response, g, request

from convert import hub
from convert.answer import Answer
from convert.api import bodies, failures
from convert.api.serving import hangup_of_client, headers_of_client, holds_state, route_to, state
from convert.connections import Gone
from convert.errors import ProxyError
from convert.formats.contract import Format
from convert.headers import returned
from convert.losses import Report
from convert.routing import Route


def route(client: Format) -> Route | None:
    """The route to the upstream that answers for ids which are not stored here: the one of the path or of the header
    Convert-Upstream, else the default; None unless it speaks the client's API and remembers its answers. Raises
    ProxyError (authentication; invalid_request for an unknown name)."""
    router = state().router
    header = request.headers.get("Convert-Upstream")
    upstream = g.get("prefixed") or (router.named(header) if header is not None else None)
    for candidate in [upstream] if upstream else router.defaults[:1]:
        if not candidate.echo and holds_state(client, Route(candidate), ""):
            return route_to(candidate)
    return None


def relayed(over: Route, path: str) -> Response:
    """The upstream's answer to the current request, of whatever status; `path`: that of the endpoint under the base
    URL. Raises ProxyError when there is none, and for a path that would lead elsewhere."""
    if any(segment in (".", "..") for segment in path.split("/")):  # a client of HTTP resolves them: another endpoint
        raise ProxyError("not_found", "There is nothing at this path.")
    here = state()
    data = bodies.read_bytes(request, here.settings.body_limit)
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != "key"])
    url = over.at(quote(path, safe="/") + (f"?{query}" if query else ""))
    headers = over.headers(over.wire, headers_of_client(), stream=request.args.get("stream") == "true")
    answer = here.relay.call(request.method, url, data or None, headers, hangup_of_client())
    told = {"Convert-Upstream": over.upstream.name, **returned(answer.headers)}
    kind = answer.headers.get("Content-Type", "application/json")
    if answer.status < 300 and answer.streams:
        return Response(_passing(answer, over.wire), headers=told, content_type=kind, direct_passthrough=True)
    try:
        return Response(failures.masked(answer, answer.read()), answer.status, headers=told, content_type=kind)
    finally:
        answer.close()


def _passing(answer: Answer, wire: Format) -> Iterator[bytes]:
    """The bytes of a stream; one that breaks off ends with an error event."""
    try:
        yield from (piece or wire.keep_alive for piece in answer.pieces())
    except Gone:
        return
    except ProxyError as error:
        yield from wire.write_stream(iter([hub.Failure(error)]), {}, Report())
    finally:
        answer.close()
