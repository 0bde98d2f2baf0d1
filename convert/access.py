"""Who may use the proxy, and with whose key the upstream is called.

With CONVERT_KEYS set, a client must present one of them, and its key never goes upstream. Without, the server's
own upstream keys are lent only to programs on this machine (or to anybody, with CONVERT_OPEN=1); a client's own
key is passed on to an upstream that has none configured.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from convert.errors import ProxyError
from convert.settings import Settings, Upstream

# Each of these says that the request came through another server, so that the peer is not who asks.
FORWARDED = frozenset({
    "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-host", "x-proxyuser-ip",
    "x-envoy-external-address", "x-azure-clientip", "x-appengine-user-ip", "x-amzn-trace-id", "x-cloud-trace-context",
    "cf-connecting-ip", "cf-connecting-ipv6", "cf-ray", "cdn-loop", "true-client-ip", "fly-client-ip",
    "fastly-client-ip", "client-ip", "x-original-forwarded-for",
})  # fmt: skip
_BEARER = re.compile(r"bearer\s+(\S+)\s*", re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")

MISSING = "This server asks for a key: send one of its CONVERT_KEYS as 'Authorization: Bearer KEY'."
NOT_LOCAL = (
    "This server lends its upstream key only to programs on its own machine. To let others in, set CONVERT_KEYS "
    "on the server and send one of them as 'Authorization: Bearer KEY' (or, knowingly, set CONVERT_OPEN=1)."
)


def admit(settings: Settings, presented: list[str]) -> None:
    """Lets a request in that presents one of the server's keys, if it has any. Raises ProxyError (authentication)."""
    if settings.keys and not any(matches(key, settings.keys) for key in presented):
        raise ProxyError("authentication", MISSING, code="invalid_api_key")


def admit_to_stored(settings: Settings, presented: list[str], peer: str | None, headers: Mapping[str, str]) -> None:
    """Lets a request in to what is stored here. Whoever may not spend the server's keys may not read, either, what was
    made with them: without CONVERT_KEYS, local programs share one tenant. Raises ProxyError (authentication)."""
    admit(settings, presented)
    if any(upstream.api_key for upstream in settings.upstreams):
        check_lent(settings, peer, headers)


def upstream_key(
    settings: Settings, upstream: Upstream, presented: list[str], peer: str | None, headers: Mapping[str, str]
) -> str:
    """The key to send upstream, "" for none: the upstream's own, else the client's.

    Raises ProxyError (authentication) where the server's key would be spent on a stranger."""
    if upstream.echo:
        return ""
    if not upstream.api_key:
        return "" if settings.keys or not presented else presented[0]  # the server's own keys are not sent on
    check_lent(settings, peer, headers)
    return upstream.api_key


def check_lent(settings: Settings, peer: str | None, headers: Mapping[str, str]) -> None:
    """Raises ProxyError (authentication) for a request that was let in, but on which the server's own upstream keys are
    not to be spent."""
    if not settings.keys and not settings.open and not is_local(headers, peer):
        raise ProxyError("authentication", NOT_LOCAL, code="convert_keys_not_set")


def credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> list[str]:
    """The keys that a request carries, in the places where the four APIs put them."""
    bearer = _BEARER.fullmatch(headers.get("Authorization", ""))
    found = [
        bearer[1] if bearer else "",
        headers.get("x-api-key", "").strip(),
        headers.get("x-goog-api-key", "").strip(),
        query.get("key", "").strip(),
    ]
    return [key for key in found if _PRINTABLE.fullmatch(key)]


def matches(key: str, keys: tuple[str, ...]) -> bool:
    """Whether `key` is one of `keys`; takes the same time wherever it differs, and whichever it is."""
    found = False
    for known in keys:
        found |= hmac.compare_digest(known.encode(), key.encode())
    return found


def is_local(headers: Mapping[str, str], peer: str | None) -> bool:
    """Whether a program on this machine asks: a loopback peer, no sign of a proxy in between, and neither
    a web page of another origin (Origin) nor a foreign name that leads to this machine (Host)."""
    names = [name.lower() for name in headers.keys()]  # noqa: SIM118 - iterating over werkzeug's headers gives pairs
    if not FORWARDED.isdisjoint(names) or any(name.startswith("x-forwarded") for name in names):
        return False
    if not _is_loopback(peer or ""):
        return False
    host = _hostname(f"//{headers.get('Host', 'localhost')}")
    origin = headers.get("Origin")
    return _is_own_name(host) and (origin is None or _is_loopback(_hostname(origin)))


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_own_name(host: str) -> bool:
    """Whether a Host names this machine: loopback, 0.0.0.0, or a name without a dot, which cannot be a public one."""
    return _is_loopback(host) or host in ("0.0.0.0", "::") or bool(host and not re.search(r"[.:]", host))


@functools.lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
