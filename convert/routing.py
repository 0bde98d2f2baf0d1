"""Which upstream answers a request, under which URL and with which key."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.headers import sent
from convert.providers import Dialect
from convert.settings import Settings, Upstream

MODEL = "MODEL"  # stands for any model in the path of a wire that has it there
_VERSION = re.compile(r"v\d+[a-z0-9]*")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. `key`: what the upstream is sent, "" for none."""

    upstream: Upstream
    key: str = field(default="", repr=False)

    @property
    def wire(self) -> Format:
        """The format that the upstream speaks."""
        return FORMATS[self.upstream.format]

    def dialect(self, model: str) -> Dialect:
        """How the upstream's provider speaks the format for a model."""
        return self.upstream.provider.dialect(self.upstream.format, model)

    def url(self, model: str, stream: bool) -> str:
        """The endpoint's URL."""
        return endpoint(self.upstream, self.wire.path(model, stream))

    def headers(self, client: Format | None, given: Mapping[str, str], stream: bool) -> dict[str, str]:
        """The headers of a call: the key, the format's own, and those of the client's (`given`) that mean something
        there; more of them where the client (a format, None for none) speaks the upstream's own format."""
        own = self.wire.client_headers if client is not None and client.name == self.wire.name else ()
        passed = {name: given[name] for name in own if name in given}
        if passed:
            passed = self.wire.known(passed, self.wire.flavor(**self.dialect(self.upstream.model or "").flavor))
        return {**self.wire.headers, **passed, **sent(given, self.wire.credentials(self.key), stream)}

    def at(self, path: str) -> str:
        """The URL of another endpoint of the upstream ("/models"), beside that of the answers."""
        base = urlsplit(self.upstream.url)
        given = base.path.rstrip("/")
        under = _under(given, self.wire)
        return _with_path(base, base_path(self.upstream, given if under is None else under) + path)


def endpoint(upstream: Upstream, path: str) -> str:
    """The URL for `path` ("/chat/completions") of an upstream, whose configured URL may be that already."""
    base, under = _root(upstream)
    return _with_path(base, under + path)


@functools.lru_cache(maxsize=1024)
def _root(upstream: Upstream) -> tuple[SplitResult, str]:
    """(the configured URL, the path that the endpoint's own hangs under)."""
    base = urlsplit(upstream.url)
    given = base.path.rstrip("/")
    under = _under(given, FORMATS[upstream.format])
    return base, base_path(upstream, given) if under is None else under


def _under(given: str, form: Format) -> str | None:
    """What stands before the format's own path in `given`, where that ends with it, for whatever model; else None."""
    for stream in (False, True):
        own = re.escape(urlsplit(form.path(MODEL, stream)).path).replace(MODEL, "[^/]*")
        if found := re.fullmatch(f"(.*){own}", given):
            return found[1]
    return None


def base_path(upstream: Upstream, given: str) -> str:
    """The path that endpoints hang under: a known provider's own, where `given` is how it begins (or is empty);
    `given`, if it has a version in it or belongs to a known provider; else `given` and /v1."""
    usual = _usual_path(upstream)
    if usual is not None and f"{usual}/".startswith(f"{given}/"):
        return usual
    if usual is not None or any(_VERSION.fullmatch(segment) for segment in given.split("/")):
        return given
    return f"{given}/v1"


def _usual_path(upstream: Upstream) -> str | None:
    """What stands before the endpoint's own path in the provider's documentation ("/api/paas/v4")."""
    known = upstream.provider.speaks.get(upstream.format)
    if known is None:
        return None
    return _under(urlsplit(known).path, FORMATS[upstream.format])


def _with_path(base: SplitResult, path: str) -> str:
    """The URL with another path; a query of the path ("?alt=sse") comes before the URL's own."""
    path, _, own = path.partition("?")
    query = "&".join(each for each in (own, base.query) if each)
    return f"{base.scheme}://{base.netloc}{path}" + (f"?{query}" if query else "")


class Router:
    """Chooses among the configured upstreams: path prefix, Convert-Upstream header, model, default."""

    def __init__(self, settings: Settings) -> None:
        self.upstreams = settings.upstreams

    @property
    def defaults(self) -> list[Upstream]:
        """Who takes the models that nobody claims: the one marked default, then those that take any model."""
        marked = [upstream for upstream in self.upstreams if upstream.default]
        return marked + [upstream for upstream in self.upstreams if not upstream.models]

    def by_prefix(self, path: str) -> tuple[Upstream | None, str]:
        """(the upstream whose prefix a path stands under, the rest of the path). The longest prefix wins."""
        owners = [each for each in self.upstreams if each.path_prefix and f"{path}/".startswith(f"{each.path_prefix}/")]
        if not owners:
            return None, path
        owner = max(owners, key=lambda each: len(each.path_prefix))
        return owner, path[len(owner.path_prefix) :] or "/"

    def choose(self, model: str, header: str | None) -> Upstream:
        """The upstream for a model and the value of the Convert-Upstream header. Raises ProxyError: 400 for an
        unknown name, 404 (model_not_found) for a model that nobody serves."""
        if header is not None:
            return self.named(header)
        for upstream in [*(each for each in self.upstreams if each.serves(model)), *self.defaults]:
            return upstream
        message = f"The model '{model}' does not exist: no upstream is configured for it."
        raise ProxyError("not_found", message, code="model_not_found", param="model")

    def named(self, name: str) -> Upstream:
        """The upstream of a name. Raises ProxyError that lists the known ones."""
        for upstream in self.upstreams:
            if upstream.name == name:
                return upstream
        known = ", ".join(upstream.name for upstream in self.upstreams)
        message = f"Convert-Upstream: there is no upstream of this name; configured are {known}"
        raise ProxyError("invalid_request", message, param="Convert-Upstream")
