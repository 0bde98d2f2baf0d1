"""Which upstream a request goes to, and at which URL."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.contract import Format
from convert.providers import Dialect
from convert.settings import Settings, Upstream

_VERSION = re.compile(r"/v\d+\w*\Z")


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

    def models_url(self) -> str:
        """The URL of the upstream's list of models."""
        own = self.wire.path("", False)
        if urlsplit(self.upstream.url).path.endswith(own):
            return self.upstream.url.replace(own, "/models")
        return endpoint(self.upstream, "/models")


def endpoint(upstream: Upstream, path: str) -> str:
    """The URL of a path under an upstream's base. A bare host gets the provider's own base, else /v1; a base
    whose path is known to the provider, or ends in a version, is taken as it is; so is a full endpoint URL."""
    parts = urlsplit(upstream.url)
    base = parts.path.rstrip("/")
    if base.endswith(path):
        return upstream.url
    known = urlsplit(upstream.provider.speaks.get(upstream.format, ""))
    own = FORMATS[upstream.format].path("", False)
    known_base = known.path.removesuffix(own) if known.path.endswith(own) else None
    if not base:
        base = known_base if known_base is not None and known.hostname == parts.hostname else "/v1"
    elif base != known_base and not _VERSION.search(base):
        base += "/v1"
    return urlunsplit((parts.scheme, parts.netloc, base + path, parts.query, ""))


class Router:
    """Chooses among the configured upstreams: path prefix, Convert-Upstream header, model, default."""

    def __init__(self, settings: Settings) -> None:
        self.upstreams = settings.upstreams

    def by_prefix(self, path: str) -> tuple[Upstream | None, str]:
        """(the upstream whose prefix a path stands under, the rest of the path). The longest prefix wins."""
        owners = [each for each in self.upstreams if each.path_prefix and f"{path}/".startswith(f"{each.path_prefix}/")]
        if not owners:
            return None, path
        owner = max(owners, key=lambda each: len(each.path_prefix))
        return owner, path[len(owner.path_prefix) :] or "/"

    def choose(self, model: str, header: str | None) -> Upstream:
        """The upstream for a model and the value of the Convert-Upstream header. Raises ProxyError."""
        if header is not None:
            return self.named(header)
        for upstream in self.upstreams:
            if any(fnmatch.fnmatchcase(model, glob) for glob in upstream.models):
                return upstream
        default = next((each for each in self.upstreams if each.default), None)
        default = default or next((each for each in self.upstreams if not each.models), None)
        if default is None:
            known = ", ".join(glob for upstream in self.upstreams for glob in upstream.models)
            raise ProxyError(
                "not_found", f"no upstream serves the model '{model}'; configured are {known}",
                code="model_not_found", param="model",
            )  # fmt: skip
        return default

    def named(self, name: str) -> Upstream:
        """The upstream of a name. Raises ProxyError that lists the known ones."""
        for upstream in self.upstreams:
            if upstream.name == name:
                return upstream
        known = ", ".join(upstream.name for upstream in self.upstreams)
        raise ProxyError(
            "invalid_request", f"there is no upstream '{name}'; configured are {known}", param="Convert-Upstream"
        )
