"""Who may use the proxy, and with whose upstream key. Safe by default: the server's own key is for its own machine."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping

from convert.errors import ProxyError
from convert.settings import Settings, Upstream

# Headers that tell of a proxy in front, so that a loopback peer is not the client.
FORWARDING = (
    "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP",
    "CF-Ray", "Fly-Client-IP", "Fastly-Client-IP", "X-Envoy-External-Address", "X-Original-Forwarded-For",
)  # fmt: skip


def client_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key that a client presents, in any of the APIs' ways; "" for none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("X-Api-Key") or headers.get("X-Goog-Api-Key") or query.get("key") or ""


def admit(settings: Settings, presented: str) -> None:
    """Lets a request in, or raises ProxyError (authentication). Compares with every key in constant time."""
    if not settings.keys:
        return
    given = presented.encode("utf-8", "surrogateescape")
    matches = [hmac.compare_digest(given, key.encode()) for key in settings.keys]
    if not any(matches):
        problem = "the key is not one of this proxy's keys" if presented else "a key of this proxy is required"
        raise ProxyError("authentication", f"{problem} (Authorization: Bearer ...)", code="invalid_api_key")


def upstream_key(
    settings: Settings, upstream: Upstream, presented: str, peer: str | None, headers: Mapping[str, str]
) -> str:
    """The key for the upstream: its own, else the client's. Raises ProxyError (authentication) when the server's
    key would be spent on a stranger."""
    if upstream.echo:
        return ""
    if not upstream.api_key:
        return "" if settings.keys else presented  # the proxy's own keys are never sent on
    if not settings.keys and not settings.open and not is_local(peer, headers):
        raise ProxyError(
            "authentication",
            "this proxy serves only its own machine: set CONVERT_KEYS to the keys that clients may use "
            "(or, knowingly, CONVERT_OPEN=1)",
            code="invalid_api_key",
        )
    return upstream.api_key


def is_local(peer: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from this machine, and not through a proxy on it."""
    if any(name in headers for name in FORWARDING):
        return False
    if any(name.lower().startswith("x-forwarded") for name in headers):
        return False
    try:
        address = ipaddress.ip_address((peer or "").split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
