"""Settings: defaults < wsgi.ini < environment. One schema, from which docs/settings.md is made too.

Secrets come from the environment only. Every fault is collected and told in one line that names it.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from convert.formats import FORMATS
from convert.providers import Provider, guess, named

ECHO_URL = "echo://demonstration"
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class SettingsError(Exception):
    """What is wrong with the settings: one line for a person."""


class Words(fields.Field[tuple[str, ...]]):
    """A comma-separated list."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        return tuple(word.strip() for word in str(value).split(",") if word.strip())


class Switch(fields.Field[bool]):
    """1 or 0 (also true/false, yes/no, on/off)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        word = str(value).strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValidationError("must be 1 or 0")
        return word in _TRUE


def _help(text: str, **more: Any) -> dict[str, Any]:
    return {"help": text, **more}


class AppSchema(Schema):
    """Settings of the whole proxy: CONVERT_NAME in the environment, `name` in [app:main] of wsgi.ini."""

    class Meta:
        unknown = RAISE

    keys = Words(
        load_default=(),
        metadata=_help("Keys that clients must present, comma-separated. Environment only.", secret=True),
    )
    open = Switch(
        load_default=False,
        metadata=_help("1: serve anyone with the server's own upstream key although no keys are set."),
    )
    strict = Switch(load_default=False, metadata=_help("1: refuse (422) what cannot be converted without loss."))
    connect_timeout = fields.Float(
        load_default=10.0, validate=validate.Range(min=0, min_inclusive=False),
        metadata=_help("Seconds to wait for a connection to the upstream."),
    )  # fmt: skip
    idle_timeout = fields.Float(
        load_default=600.0, validate=validate.Range(min=0, min_inclusive=False),
        metadata=_help("Seconds of silence after which the upstream is given up. There is no limit on a whole stream."),
    )  # fmt: skip
    keep_alive = fields.Float(
        load_default=15.0, validate=validate.Range(min=0, min_inclusive=False),
        metadata=_help("Seconds of silence after which the client of a stream gets keep-alive data."),
    )  # fmt: skip
    body_limit = fields.Integer(
        load_default=64 * 1024 * 1024, validate=validate.Range(min=1),
        metadata=_help("Bytes of the largest request body."),
    )  # fmt: skip
    log_level = fields.String(
        load_default="INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]),
        metadata=_help("DEBUG, INFO, WARNING or ERROR."),
    )  # fmt: skip


class UpstreamSchema(Schema):
    """One upstream: UPSTREAM_NAME in the environment, or the keys of an [upstream:NAME] section of wsgi.ini."""

    class Meta:
        unknown = RAISE

    url = fields.String(
        required=True, validate=validate.Regexp(r"(https?|echo)://\S+\Z", error="must be an http or https URL"),
        metadata=_help("Base URL of the upstream, with or without /v1, or the full URL of its endpoint."),
    )  # fmt: skip
    format = fields.String(
        load_default="chat", validate=validate.OneOf(list(FORMATS)),
        metadata=_help(f"The API that the upstream speaks: {', '.join(FORMATS)}."),
    )  # fmt: skip
    api_key = fields.String(
        load_default="",
        metadata=_help(
            "The upstream's key; without one the client's own key is passed on. Environment only: for a section, "
            "UPSTREAM_<NAME>_API_KEY.",
            secret=True,
        ),
    )
    model = fields.String(load_default=None, metadata=_help("Forces a model; otherwise the client's is used."))
    provider = fields.String(
        load_default=None, metadata=_help("Provider profile (docs/providers.md); otherwise guessed from the host.")
    )


class SectionSchema(UpstreamSchema):
    """What only a section of wsgi.ini has besides."""

    path_prefix = fields.String(
        load_default="", validate=validate.Regexp(r"(/[\w.~-]+)*/?\Z", error="must be a path such as /name"),
        metadata=_help("Requests under this path go to this upstream: /name/v1/responses."),
    )  # fmt: skip
    models = Words(
        load_default=(), metadata=_help("Models that go to this upstream, comma-separated; * and ? are wild.")
    )
    default = Switch(load_default=False, metadata=_help("1: takes the requests that nothing else claims."))


@dataclass(frozen=True, slots=True)
class Upstream:
    """A configured upstream. `api_key` "": the client's own key is passed on."""

    name: str
    url: str
    format: str = "chat"
    api_key: str = field(default="", repr=False)
    model: str | None = None
    provider: Provider = field(default_factory=lambda: named("plain"), repr=False)
    path_prefix: str = ""
    models: tuple[str, ...] = ()
    default: bool = False

    @property
    def echo(self) -> bool:
        """Whether it is the built-in demonstration."""
        return self.url.startswith("echo:")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. `upstreams` is never empty."""

    upstreams: tuple[Upstream, ...]
    keys: tuple[str, ...] = field(default=(), repr=False)
    open: bool = False
    strict: bool = False
    connect_timeout: float = 10.0
    idle_timeout: float = 600.0
    keep_alive: float = 15.0
    body_limit: int = 64 * 1024 * 1024
    log_level: str = "INFO"


def load(ini: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file (None, or one that does not exist: none) and an environment.
    Raises SettingsError with one line that names every fault."""
    faults: list[str] = []
    app, sections = _read_ini(ini, faults)
    names = [*sections]
    values = _environment("CONVERT_", AppSchema(), environment, faults, also={"ini"})
    app_values = _checked(AppSchema(), {**app, **values}, "CONVERT_{}", faults)
    secrets = {_variable(name): name for name in names}
    single = _environment("UPSTREAM_", UpstreamSchema(), environment, faults, sections=secrets)
    upstreams = [_section(name, section, environment, faults) for name, section in sections.items()]
    if single:
        values = _checked(UpstreamSchema(), single, "UPSTREAM_{}", faults)
        upstreams.insert(0, _upstream("default", {**values, "default": True} if values else {}, faults))
    if faults:
        raise SettingsError("convert: " + "; ".join(faults))
    found = tuple(upstream for upstream in upstreams if upstream)
    return Settings(upstreams=found or (Upstream("echo", ECHO_URL),), **app_values)


def _variable(name: str) -> str:
    """The part of an environment variable that names a section."""
    return re.sub(r"\W", "_", name).upper()


def _read_ini(ini: Path | None, faults: list[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """([app:main] without PasteDeploy's own keys, the [upstream:NAME] sections by name)."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read([str(ini)] if ini else [], encoding="utf-8")
    except configparser.Error as error:
        faults.append(f"{ini}: {str(error).splitlines()[0]}")
        return {}, {}
    app = dict(parser["app:main"]) if parser.has_section("app:main") else {}
    app.pop("use", None)
    if "keys" in app:
        faults.append("[app:main] keys: secrets come from the environment only; set CONVERT_KEYS")
        del app["keys"]
    sections = {
        section.removeprefix("upstream:"): dict(parser[section])
        for section in parser.sections()
        if section.startswith("upstream:")
    }
    return app, sections


def _environment(
    prefix: str,
    schema: Schema,
    environment: Mapping[str, str],
    faults: list[str],
    also: set[str] | None = None,
    sections: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables with a prefix, by setting. A name that is no setting is a fault."""
    found = {}
    for variable, value in environment.items():
        if not variable.startswith(prefix):
            continue
        name = variable.removeprefix(prefix).lower()
        if name in schema.fields:
            found[name] = value
        elif name not in (also or ()) and not any(
            variable == f"{prefix}{section}_API_KEY" for section in sections or ()
        ):
            faults.append(f"{variable}: there is no such setting")
    return found


def _checked(schema: Schema, values: dict[str, Any], label: str, faults: list[str]) -> dict[str, Any]:
    """The values that a schema makes of text; faults under the names that the user knows."""
    try:
        loaded = schema.load(values)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {}
        for name, problem in messages.items():
            told = problem[0] if isinstance(problem, list) else problem
            told = "there is no such setting" if told == "Unknown field." else told
            faults.append(f"{label.format(name.upper() if label.isupper() or '_' in label else name)}: {told}")
        return {}
    assert isinstance(loaded, dict)
    return loaded


def _section(
    name: str, section: dict[str, str], environment: Mapping[str, str], faults: list[str]
) -> Upstream | None:
    """The upstream of a section, its key from the environment."""
    if "api_key" in section:
        faults.append(
            f"[upstream:{name}] api_key: secrets come from the environment only; set UPSTREAM_{_variable(name)}_API_KEY"
        )
        return None
    values = dict(section)
    if key := environment.get(f"UPSTREAM_{_variable(name)}_API_KEY"):
        values["api_key"] = key
    return _upstream(name, _checked(SectionSchema(), values, f"[upstream:{name}] {{}}", faults), faults)


def _upstream(name: str, values: dict[str, Any], faults: list[str]) -> Upstream | None:
    if not values:
        return None
    profile = values.pop("provider", None)
    try:
        provider = named(profile) if profile else guess(values["url"])
    except KeyError as error:
        faults.append(f"upstream {name}: {error.args[0]}")
        return None
    values["path_prefix"] = values.get("path_prefix", "").rstrip("/")
    return Upstream(name=name, provider=provider, **values)
