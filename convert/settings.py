"""The settings: defaults < wsgi.ini < environment, checked by two marshmallow schemas.

A setting of the server is a key of [app:main] (`idle_timeout`) and a variable (`CONVERT_IDLE_TIMEOUT`). A setting
of the upstream NAME is a key of [upstream:NAME] and a variable `UPSTREAM_NAME_KEY`; the upstream `main` needs no
name in its variables (`UPSTREAM_URL`). docs/settings.md is written from the help texts here (see reference.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from convert import providers
from convert import setting_kinds as kinds
from convert.formats import FORMATS
from convert.providers import Provider

ECHO_URL = "echo://demonstration"  # the embedded upstream that answers when none is configured
MAIN = "main"  # the upstream that the bare UPSTREAM_* variables describe
SECTION = "app:main"
DATABASE = f"sqlite:///{Path(__file__).resolve().parent.parent / 'data' / 'convert.db'}"
NAMED_ELSEWHERE = {"DATABASE_URL": "database_url", "REDIS_URL": "redis_url"}  # as platforms name them
TESTS = frozenset({"CONVERT_CLIENTS", "CONVERT_CORPUS", "CONVERT_CONFORMANCE"})  # read by the test suite only
INI = "CONVERT_INI"  # names the file itself, see app.py
OTHERS = re.compile(  # sections of PasteDeploy, gunicorn and logging
    r"DEFAULT|(server|app|application|composite|pipeline|filter|filter-app):.+|loggers|handlers|formatters"
    r"|(logger|handler|formatter)_.+"
)


class SettingsError(Exception):
    """Settings that the server must not start with; the message is one line that names each of them."""


class ServerSchema(Schema):
    """The server's own settings."""

    keys = kinds.Words(load_default=(), validate=kinds.sendable, metadata={
        "secret": True,
        "help": "Keys, with commas between them, of which a client must present one (`Authorization: Bearer KEY`, "
        "`x-api-key`, `x-goog-api-key` or `?key=`). When set, a client's key is never sent upstream.",
    })  # fmt: skip
    open = kinds.switch(
        "Without keys, lend the upstreams' keys to anybody who reaches the server. Otherwise only to programs on the "
        "same machine: a loopback peer, no forwarding header, and no web page of another origin."
    )
    strict = kinds.switch(
        "Refuse (422) each request that cannot be converted without loss, as a client does with the header "
        "`Convert-Strict: 1`."
    )
    connect_timeout = kinds.seconds(10, "Seconds in which an upstream must accept the connection.")
    idle_timeout = kinds.seconds(
        600, "Seconds that an upstream, or a WebSocket's peer, may be silent. How long an answer takes is not limited."
    )
    keep_alive = kinds.seconds(
        15, "Seconds of an upstream's silence after which a streaming client is sent a sign of life."
    )
    body_limit = kinds.Size(load_default=64 * 1024**2, metadata={
        "shown": "64 MB", "help": "Largest request body: a number of bytes, or with kB, MB, GB.",
    })  # fmt: skip
    concurrency = fields.Integer(
        load_default=2500,
        validate=validate.Range(1, error="must be a number above 0"),
        error_messages={"invalid": "must be a whole number"},
        metadata={
            "help": "Requests that one process answers at a time. One more is answered with 503 and `Retry-After`. For "
            "that to be said at once, `--worker-connections` (gevent) or `--threads` (gthread) must be larger."
        },
    )
    lag_limit = kinds.seconds(
        1, "Seconds by which a process may be late with what it does; then it answers new requests with 503."
    )
    store = kinds.switch(
        "Keep the state that clients ask for: responses and conversations, stored chat completions, background work. "
        "Switched off, nothing is ever written.", default=True
    )  # fmt: skip
    database_url = fields.String(load_default=None, validate=kinds.database, metadata={
        "secret": True, "shown": "data/convert.db", "variable": "DATABASE_URL",
        "help": "Where state is kept: `sqlite:////a/file.db`, or `postgresql://...`, which any number of machines can "
        "share.",
    })  # fmt: skip
    secret = fields.String(load_default=None, metadata={
        "secret": True,
        "help": "A long random text, the same on all machines: what clients are given sealed (compacted conversations) "
        "is sealed with it. Without one, a key is made and kept in the database.",
    })  # fmt: skip
    background_threads = fields.Integer(load_default=4, validate=validate.Range(0), metadata={
        "help": "How many background responses the web process makes at a time. 0: none, because workers do "
        "(`python -m convert.worker`).",
    })  # fmt: skip
    redis_url = fields.String(load_default=None, metadata={
        "secret": True, "variable": "REDIS_URL",
        "help": "Where background responses are queued, `redis://...`, instead of beside the database.",
    })  # fmt: skip
    retention = fields.Float(load_default=30, validate=validate.Range(0, min_inclusive=False), metadata={
        "help": "Days after which state is deleted that nobody has used.",
    })  # fmt: skip
    log_level = kinds.Level(
        load_default="INFO",
        validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]),
        metadata={"help": "DEBUG, INFO (one line for each request), WARNING or ERROR."},
    )


class UpstreamSchema(Schema):
    """The settings of one upstream."""

    url = fields.String(required=True, validate=kinds.url, error_messages={"required": "is missing"}, metadata={
        "help": "Base URL, with or without `/v1`, or the full URL of the endpoint, which is taken as it is.",
    })  # fmt: skip
    format = fields.String(load_default="chat", validate=validate.OneOf(list(FORMATS)), metadata={
        "help": f"The API that it speaks: {', '.join(f'`{name}`' for name in FORMATS)}.",
    })  # fmt: skip
    api_key = fields.String(load_default="", validate=kinds.sendable, metadata={
        "secret": True, "help": "Its key. Without one, the client's own key is passed on.",
    })  # fmt: skip
    api_key_env = fields.String(metadata={"help": "Name of the environment variable that holds its key."})
    model = fields.String(load_default=None, metadata={"help": "Model to ask for, whatever model the client names."})
    provider = fields.String(validate=kinds.provider, metadata={
        "help": "Whose dialect it speaks (docs/providers.md). Guessed from the host when not set.",
    })  # fmt: skip
    path_prefix = fields.String(load_default="", validate=kinds.prefix, metadata={
        "help": "Path under which requests go to it: `/deepseek` gives `/deepseek/v1/responses`.",
    })  # fmt: skip
    models = kinds.Words(load_default=(), metadata={
        "help": "The models that it serves: names or globs (`deepseek-*`). Not set: any.",
    })  # fmt: skip
    default = kinds.switch(
        "Takes the requests that nothing else decides. Otherwise the first upstream without `models`."
    )


SERVER, UPSTREAM = ServerSchema(), UpstreamSchema()


@dataclass(frozen=True, slots=True)
class Upstream:
    """A configured upstream; the fields of UpstreamSchema. `path_prefix` is "" or begins with a slash."""

    name: str
    url: str
    format: str = "chat"
    api_key: str = field(default="", repr=False)
    model: str | None = None
    provider: Provider = field(default_factory=lambda: providers.named("plain"), repr=False)
    path_prefix: str = ""
    models: tuple[str, ...] = ()
    default: bool = False

    @property
    def echo(self) -> bool:
        """Whether it is the embedded demonstration."""
        return self.url.startswith("echo:")

    def serves(self, model: str) -> bool:
        """Whether one of its globs matches the model name."""
        return any(fnmatchcase(model, glob) for glob in self.models)

    @property
    def listed(self) -> list[str]:
        """The model names that its settings spell out."""
        plain = [glob for glob in self.models if not re.search(r"[*?\[]", glob)]
        return list(dict.fromkeys([*plain, self.model] if self.model else plain))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server runs with; the fields of ServerSchema, and the upstreams, of which there is at least one."""

    upstreams: tuple[Upstream, ...]
    keys: tuple[str, ...] = field(default=(), repr=False)
    open: bool = False
    strict: bool = False
    connect_timeout: float = 10.0
    idle_timeout: float = 600.0
    keep_alive: float = 15.0
    body_limit: int = 64 * 1024**2
    concurrency: int = 2500
    lag_limit: float = 1.0
    store: bool = True
    database_url: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    background_threads: int = 4
    redis_url: str | None = field(default=None, repr=False)
    retention: float = 30.0
    log_level: str = "INFO"

    @property
    def database(self) -> str:
        """The URL of the database that was set, else of the file that is the default."""
        return self.database_url or DATABASE


@dataclass(frozen=True, slots=True)
class Value:
    """A setting as it was found: its text, and where, in the words of who wrote it."""

    text: str = field(repr=False)
    where: str


Found = dict[str, Value]


def load(ini: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings from a file (None, or one that does not exist: none) and the environment.

    Raises SettingsError for what is unknown, malformed or contradicts itself: all of it in one line."""
    faults: list[str] = []
    if ini and environ.get(INI) and not ini.is_file():
        raise SettingsError(f"convert: settings: {INI}: there is no file {ini}")
    server, upstreams = _from_file(ini, faults) if ini else ({}, {})
    _from_environment(environ, server, upstreams, faults)
    known = _checked(SERVER, server, "", faults)
    built = [_upstream(name, found, environ, faults) for name, found in upstreams.items()]
    ready = [upstream for upstream in built if upstream]
    faults += _clashes(ready)
    if faults:
        raise SettingsError("convert: settings: " + "; ".join(faults))
    return Settings(upstreams=tuple(ready) or (Upstream("echo", ECHO_URL),), **known)


# --- where settings come from -----------------------------------------------------------------------


def _from_file(ini: Path, faults: list[str]) -> tuple[Found, dict[str, Found]]:
    """The settings of [app:main] and of each [upstream:NAME]."""
    parser = ConfigParser(interpolation=None, default_section="")  # what [DEFAULT] says is for PasteDeploy
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read(ini, encoding="utf-8")
    except (IniError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"convert: settings: {ini.name} cannot be read: {' '.join(str(error).split())}") from None
    server: Found = {}
    upstreams: dict[str, Found] = {}
    for section in parser.sections():
        where = f"{ini.name} [{section}]"
        values = {
            key: Value(parser[section][key].strip(), f"{where} {key}")
            for key in parser[section]
            if parser[section][key].strip()
        }
        kind, _, name = section.partition(":")
        if section == SECTION:
            values.pop("use", None)
            server = _without_secrets(values, SERVER, "CONVERT_", faults)
        elif kind == "upstream" and re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", name):
            upstreams[name] = _without_secrets(values, UPSTREAM, prefix(name), faults)
        elif kind == "upstream":
            faults.append(f"{where}: an upstream's name has small letters, digits, - and _ only")
        elif not OTHERS.fullmatch(section):
            faults.append(f"{where} is an unknown section")
    return server, upstreams


def _without_secrets(values: Found, schema: Schema, start: str, faults: list[str]) -> Found:
    """The values, with a fault for each key that a file must not hold."""
    for key in [key for key in values if key in schema.fields and schema.fields[key].metadata.get("secret")]:
        variable = schema.fields[key].metadata.get("variable") or f"{start}{key.upper()}"
        instead = variable + (" or api_key_env = VARIABLE" if "api_key_env" in schema.fields else "")
        faults.append(f"{values.pop(key).where} is a secret, which belongs in the environment: use {instead}")
    return values


def prefix(name: str) -> str:
    """How the variables of an upstream begin."""
    return "UPSTREAM_" if name == MAIN else f"UPSTREAM_{name.replace('-', '_').upper()}_"


def _from_environment(
    environ: Mapping[str, str], server: Found, upstreams: dict[str, Found], faults: list[str]
) -> None:
    """Adds the variables to what the file said. Empty ones count as not set."""
    named = {prefix(name): name for name in upstreams}
    if len(named) < len(upstreams):
        faults.append("two upstreams have names that differ only in - and _")
    for variable in sorted(environ):
        value = Value(environ[variable].strip(), variable)
        if not value.text or variable in TESTS or variable == INI:
            continue
        if variable in NAMED_ELSEWHERE:
            server[NAMED_ELSEWHERE[variable]] = value
        elif variable.startswith("CONVERT_"):
            server[variable.removeprefix("CONVERT_").lower()] = value
        elif variable.startswith("UPSTREAM_"):
            start, key = _split(variable, named)
            name = named.setdefault(start, start.removeprefix("UPSTREAM_").strip("_").lower() or MAIN)
            upstreams.setdefault(name, {})[key] = value
    if MAIN in upstreams:  # the first, and so the default where none is marked
        first = upstreams.pop(MAIN)
        rest = dict(upstreams)
        upstreams.clear()
        upstreams.update({MAIN: first} | rest)


def _split(variable: str, named: Mapping[str, str]) -> tuple[str, str]:
    """UPSTREAM_NAME_KEY as the beginning (`UPSTREAM_NAME_`) and the key; an unknown key goes to the upstream
    that the variable seems to mean."""
    for key in sorted(UPSTREAM.fields, key=len, reverse=True):
        start = variable.removesuffix(key.upper())
        if start != variable and re.fullmatch(r"UPSTREAM_([A-Z0-9]+_)*", start):
            return start, key
    start = max((start for start in named if variable.startswith(start)), key=len, default="UPSTREAM_")
    return start, variable.removeprefix(start).lower()


# --- what they must be ------------------------------------------------------------------------------


def _checked(schema: Schema, found: Found, name: str, faults: list[str]) -> dict[str, Any]:
    """The values as the schema reads them; faults are added under the names of who set them."""
    try:
        return schema.load({key: value.text for key, value in found.items()})  # type: ignore[no-any-return]
    except ValidationError as error:
        for key, messages in error.normalized_messages().items():  # type: ignore[no-untyped-call]
            if key not in schema.fields:
                faults.append(f"{found[key].where} is unknown{_meant(key, schema)}")
            elif key in found:
                faults.append(f"{found[key].where} {messages[0][:1].lower()}{messages[0][1:].rstrip('.')}")
            else:
                others = ", ".join(value.where for value in found.values()) or f"[upstream:{name}]"
                faults.append(f"{others}: the upstream '{name}' has no {key} ({prefix(name)}{key.upper()})")
        return {}


def _meant(key: str, schema: Schema) -> str:
    near = get_close_matches(key, schema.fields, 1)
    return f" (is {near[0]} meant?)" if near else ""


def _upstream(name: str, found: Found, environ: Mapping[str, str], faults: list[str]) -> Upstream | None:
    """One upstream; None when it has faults."""
    known = _checked(UPSTREAM, found, name, faults)
    if not known:
        return None
    variable = known.pop("api_key_env", None)
    if variable and not known["api_key"]:
        known["api_key"] = environ.get(variable, "").strip()
        if not re.fullmatch(r"[\x21-\x7e]+", known["api_key"]):
            faults.append(f"{found['api_key_env'].where}: the environment variable {variable} holds no key")
    provider = known.pop("provider", None)
    known["provider"] = providers.named(provider) if provider else providers.guess(known["url"])
    if known["path_prefix"]:
        known["path_prefix"] = f"/{known['path_prefix'].strip('/')}"
    return Upstream(name=name, **known)


def _clashes(upstreams: list[Upstream]) -> list[str]:
    """What each upstream may say for itself, but not two of them."""
    faults = []
    marked = [upstream.name for upstream in upstreams if upstream.default]
    if len(marked) > 1:
        faults.append(f"more than one upstream is marked default: {', '.join(marked)}")
    prefixes: dict[str, str] = {}
    for upstream in upstreams:
        if upstream.path_prefix:
            first = prefixes.setdefault(upstream.path_prefix, upstream.name)
            if first != upstream.name:
                faults.append(f"the upstreams {first} and {upstream.name} have the same path_prefix")
    return faults
