"""Which headers pass through: the few that mean something on the other side, and no others.

Source: RFC 9110, section 7.6.1, for what is hop-by-hop; the lists name what clients and servers were seen to act on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SENT = frozenset({
    "openai-organization", "openai-project", "openai-beta", "idempotency-key", "traceparent", "tracestate",
    "x-request-id", "x-client-request-id", "session-id", "session_id", "thread-id", "conversation_id", "originator",
    "http-referer", "x-title", "x-session-id",
})  # fmt: skip
RETURNED = frozenset({
    "retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "request-id", "openai-processing-ms",
    "openai-version", "openai-model", "openai-organization",
})  # fmt: skip
OF_THE_BODY = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}  # WSGI has them by other names
RETURNED_PREFIXES = ("x-ratelimit-", "ratelimit-", "anthropic-ratelimit-")


class Given(dict[str, str]):
    """A request's headers, under any spelling of their names."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__([(name.lower(), value) for name, value in pairs])

    @classmethod
    def in_environment(cls, environ: Mapping[str, Any]) -> Given:
        """Those of a request's WSGI environment (PEP 3333, "environ Variables")."""
        given = cls(())
        for key, value in environ.items():
            if key.startswith("HTTP_"):
                given[key[5:].replace("_", "-").lower()] = value
            elif key in OF_THE_BODY and value:
                given[OF_THE_BODY[key]] = value
        return given

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header, or what stands for none."""
        return super().get(name.lower(), default)


class Sent(dict[str, str]):
    """The headers of a call, each spelt in one way, and found under any. requests' own kind takes longer to make."""

    def __missing__(self, name: str) -> str:
        for known, value in self.items():
            if known.lower() == name.lower():
                return value
        raise KeyError(name)


def sent(client: Mapping[str, str], credentials: Mapping[str, str], stream: bool) -> dict[str, str]:
    """The headers for the upstream: the few of the client's that carry a meaning there, and the key."""
    passed = {name.lower(): value for name, value in client.items() if name.lower() in SENT}
    accept = "text/event-stream" if stream else "application/json"
    return {**passed, "Accept": accept, **credentials}


def returned(upstream: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers that the client is given: request ids, rate limits, hints when to retry."""
    return {
        name: value
        for name, value in upstream.items()
        if name.lower() in RETURNED or name.lower().startswith(RETURNED_PREFIXES)
    }
