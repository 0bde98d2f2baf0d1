"""Which upstream answers a request, under which URL and with which key.

Order: the path prefix, the `Convert-Upstream` header, the model name (globs), the default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit

from convert.access import Visitor
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.providers import Provider

HEADER = "Convert-Upstream"
_VERSION = re.compile(r"v\d+[a-z0-9]*")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A configured upstream; the settings of the same names. `models`: globs of the model names it serves."""

    name: str
    url: str
    format: str
    provider: Provider
    api_key: str = field(default="", repr=False)
    model: str | None = None
    path_prefix: str | None = None
    models: tuple[str, ...] = ()
    default: bool = False

    def serves(self, model: str) -> bool:
        """Whether one of its globs matches the model name."""
        return any(fnmatchcase(model, glob) for glob in self.models)

    @property
    def listed(self) -> list[str]:
        """The model names that its settings spell out."""
        plain = [glob for glob in self.models if not re.search(r"[*?\[]", glob)]
        return list(dict.fromkeys([*plain, self.model] if self.model else plain))


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request goes. `key`: what to send as the upstream's key, "" for none. `model`: forced model."""

    upstream: Upstream
    wire: Format
    key: str = field(default="", repr=False)
    model: str | None = None

    def url(self, model: str, stream: bool) -> str:
        """The URL to call for an answer of `model`."""
        return endpoint(self.upstream, self.wire.path(model, stream))

    def models_url(self) -> str:
        """The URL of the upstream's list of models."""
        base = urlsplit(self.upstream.url)
        path = base.path.rstrip("/").removesuffix(self.wire.path("", False).rstrip("/"))
        return _with_path(base, f"{base_path(self.upstream, path)}/models")


class Router:
    """Chooses among the configured upstreams (at least one)."""

    def __init__(self, upstreams: Iterable[Upstream]) -> None:
        self.upstreams = tuple(upstreams)
        self.names = {upstream.name: upstream for upstream in self.upstreams}
        self.defaults = [each for each in self.upstreams if each.default]  # one at most is marked
        self.defaults += [each for each in self.upstreams if not each.models]

    def named(self, name: str) -> Upstream:
        """The upstream that a client asked for by name. Raises ProxyError (invalid_request), naming those there are."""
        if name not in self.names:
            known = ", ".join(self.names)
            raise ProxyError("invalid_request", f"{HEADER}: there is no such upstream; there are: {known}")
        return self.names[name]

    def find(self, model: str) -> Upstream:
        """The upstream for a model: the first whose globs match, else the default.

        Raises ProxyError (404 model_not_found) where there is neither."""
        for upstream in [*(each for each in self.upstreams if each.serves(model)), *self.defaults]:
            return upstream
        message = f"The model '{model}' does not exist: no upstream is configured for it."
        raise ProxyError("not_found", message, code="model_not_found", param="model")

    def route(self, upstream: Upstream, visitor: Visitor) -> Route:
        """The way to an upstream. Raises ProxyError (authentication) if the visitor may not use its key."""
        return Route(upstream, FORMATS[upstream.format], visitor.key_for(upstream.api_key), upstream.model)


def endpoint(upstream: Upstream, path: str) -> str:
    """The full URL for `path` ("/chat/completions") of an upstream whose configured URL may be that already,
    may end in a version (`/v1`), or may be a bare host."""
    base = urlsplit(upstream.url)
    given = base.path.rstrip("/")
    return _with_path(base, given if given.endswith(path) else base_path(upstream, given) + path)


def base_path(upstream: Upstream, given: str) -> str:
    """The path that endpoints hang under: a known provider's own, where `given` is the beginning of it;
    `given`, if it holds a version or belongs to a known provider; else `given` and /v1."""
    usual = upstream.provider.base_path(upstream.format)
    if usual is not None and f"{usual}/".startswith(f"{given}/"):
        return usual
    if usual is not None or any(_VERSION.fullmatch(segment) for segment in given.split("/")):
        return given
    return f"{given}/v1"


def _with_path(base: SplitResult, path: str) -> str:
    query = f"?{base.query}" if base.query else ""
    return f"{base.scheme}://{base.netloc}{path}{query}"
