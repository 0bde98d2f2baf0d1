"""Reads the provider files and answers what dialect a provider speaks. Every fault stops the start, named."""

from __future__ import annotations

import fnmatch
import functools
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from convert.formats import FORMATS
from convert.providers.patch import Patch

FOLDER = Path(__file__).parent
PLAIN = "plain"
APIS = frozenset(FORMATS) | {"messages", "gemini"}  # what an endpoint may speak: known formats, and those to come


class _Strict(Schema):
    class Meta:
        unknown = RAISE


def _web(value: str) -> None:
    """marshmallow's own check of URLs takes 25 ms at the start, for names of hosts in any script."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?", value):
        raise ValidationError("Not a valid URL.")


def _secure(value: str) -> None:
    _web(value)
    if not value.startswith("https:"):
        raise ValidationError("Not a valid URL.")


class _Speaks(_Strict):
    url = fields.String(required=True, validate=_web)


def _renames(names: dict[str, str]) -> None:
    for old, new in names.items():
        if new.rpartition(".")[0] not in ("", old.rpartition(".")[0]):
            raise ValidationError(f"{old}: a field can only get another name, not another place")


class _Patch(_Strict):
    drop = fields.List(fields.String())
    rename = fields.Dict(fields.String(), fields.String(), validate=_renames)
    set = fields.Dict(fields.String(), fields.Raw())
    default = fields.Dict(fields.String(), fields.Raw())
    clamp = fields.Dict(fields.String(), fields.List(fields.Float(), validate=validate.Length(equal=2)))
    values = fields.Dict(fields.String(), fields.Dict())


class _Model(_Strict):
    match = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    flavor = fields.Dict(fields.String(), fields.Dict())
    patch = fields.Dict(fields.String(), fields.Nested(_Patch))


class _Source(_Strict):
    """Where it is written that a quirk is so, and when that was read."""

    quirks = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    url = fields.String(required=True, validate=_secure)
    date = fields.Date(required=True)
    note = fields.String()


class ProviderFile(_Strict):
    """One provider file."""

    name = fields.String(required=True)
    aliases = fields.List(fields.String())
    hosts = fields.List(fields.String())
    key_env = fields.String()
    docs = fields.String(validate=_web)
    speaks = fields.Dict(fields.String(validate=validate.OneOf(sorted(APIS))), fields.Nested(_Speaks))
    flavor = fields.Dict(fields.String(), fields.Dict())
    patch = fields.Dict(fields.String(), fields.Nested(_Patch))
    model = fields.List(fields.Nested(_Model))
    source = fields.List(fields.Nested(_Source))


FILE = ProviderFile()


@dataclass(frozen=True, slots=True)
class Source:
    """A quirk's evidence: the quirks it is for (`flavor.chat.effort`, `patch.chat.drop`), page, day, note."""

    quirks: tuple[str, ...]
    url: str
    date: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one model of a provider speaks a format: keywords for the format's Flavor, and the last patch."""

    flavor: dict[str, Any]
    patch: Patch | None


@dataclass(frozen=True, slots=True)
class Rule:
    """Flavor and patch by format, for the models whose name matches one of the globs."""

    match: tuple[str, ...]
    flavor: dict[str, dict[str, Any]]
    patch: dict[str, Patch]

    def matches(self, model: str) -> bool:
        """Whether the rule is for a model."""
        return any(fnmatch.fnmatchcase(model.lower(), glob.lower()) for glob in self.match)


@dataclass(frozen=True, eq=False)
class Provider:
    """A provider as its file describes it. `speaks`: format -> the full URL of its endpoint."""

    name: str
    aliases: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    key_env: str = ""
    docs: str = ""
    speaks: dict[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    sources: tuple[Source, ...] = ()

    def dialect(self, form: str, model: str) -> Dialect:
        """The dialect of a format that `model` speaks; later rules win over earlier ones."""
        return _dialect(self, form, model)


@functools.lru_cache(maxsize=1024)
def _dialect(provider: Provider, form: str, model: str) -> Dialect:
    flavor: dict[str, Any] = {}
    patch = Patch()
    for rule in provider.rules:
        if rule.matches(model):
            flavor |= rule.flavor.get(form, {})
            patch = rule.patch.get(form, Patch()).over(patch)
    return Dialect(flavor, patch or None)


@functools.cache
def load() -> dict[str, Provider]:
    """All providers by name. Raises ValueError that names the file and the key of a fault."""
    found = [read(path) for path in sorted(FOLDER.glob("*.toml"))]
    return {provider.name: provider for provider in found}


def read(path: Path) -> Provider:
    """One provider file. Raises ValueError that names the file and the key."""
    try:
        return parse(tomllib.loads(path.read_text()))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def parse(content: dict[str, Any]) -> Provider:
    """What a provider file says. Raises ValueError that names the key of the first fault."""
    try:
        data = FILE.load(content)
    except ValidationError as error:
        raise ValueError("; ".join(_faults(error.messages))) from error
    assert isinstance(data, dict)
    rules = [_rule({"match": ["*"], **{key: data[key] for key in ("flavor", "patch") if key in data}}, "")]
    rules += [_rule(model, f"model.{number}.") for number, model in enumerate(data.get("model", []))]
    sources = [
        Source(tuple(each["quirks"]), each["url"], each["date"].isoformat(), each.get("note", ""))
        for each in data.get("source", [])
    ]
    return Provider(
        name=data["name"], aliases=tuple(data.get("aliases", ())), hosts=tuple(data.get("hosts", ())),
        key_env=data.get("key_env", ""), docs=data.get("docs", ""),
        speaks={form: each["url"] for form, each in data.get("speaks", {}).items()},
        rules=tuple(rules), sources=tuple(sources),
    )  # fmt: skip


def _faults(messages: Any, path: str = "") -> list[str]:
    """Each fault of a validation error with the path of its key; marshmallow's own `key` and `value` left out."""
    if not isinstance(messages, dict):
        return [f"{path}: {' '.join(map(str, messages))}"]
    inner = {key: f"{path}.{key}".lstrip(".") if key not in ("key", "value") else path for key in messages}
    return [fault for key, where in inner.items() for fault in _faults(messages[key], where)]


def _rule(data: dict[str, Any], where: str) -> Rule:
    flavor = {form: _keywords(form, values, where) for form, values in data.get("flavor", {}).items()}
    patch = {form: _patch(form, each, where) for form, each in data.get("patch", {}).items()}
    return Rule(tuple(data["match"]), flavor, patch)


def _keywords(form: str, values: dict[str, Any], where: str) -> dict[str, Any]:
    """Flavor keywords, lists as tuples. Raises ValueError for a format, a behaviour or a value that does not exist."""
    if form not in FORMATS:
        raise ValueError(f"{where}flavor.{form}: there is no such format")
    known = _behaviours(form)
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{where}flavor.{form}.{key}: the format declares no such behaviour")
        if not _fits(value, known[key]):
            raise ValueError(f"{where}flavor.{form}.{key}: {value!r} is not a value of it")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


@functools.cache
def _behaviours(form: str) -> dict[str, Any]:
    """The fields of a format's flavor, and what values they have."""
    return get_type_hints(FORMATS[form].flavor)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value from a file is what a flavor's annotation says; a list stands for a tuple."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Literal:
        return value in inner
    if kind is UnionType:
        return any(_fits(value, each) for each in inner)
    if kind is tuple:
        return isinstance(value, list) and all(_fits(each, inner[0]) for each in value)
    if kind is dict:
        return isinstance(value, dict) and all(_fits(each, inner[1]) for each in value.values())
    return isinstance(value, hint)


def _patch(form: str, data: dict[str, Any], where: str) -> Patch:
    if form not in FORMATS:
        raise ValueError(f"{where}patch.{form}: there is no such format")
    clamp = {path: (low, high) for path, (low, high) in data.pop("clamp", {}).items()}
    return Patch(drop=tuple(data.pop("drop", ())), clamp=clamp, **data)


def named(name: str) -> Provider:
    """A provider by its name or an alias. Raises KeyError that lists the known ones."""
    for provider in load().values():
        if name.lower() in (provider.name, *provider.aliases):
            return provider
    raise KeyError(f"unknown provider '{name}'; known are {', '.join(sorted(load()))}")


def guess(url: str) -> Provider:
    """The provider that a URL's host (or host:port) belongs to, else the plain one."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    for provider in load().values():
        for glob in provider.hosts:
            if fnmatch.fnmatchcase(f"{host}:{parts.port}" if ":" in glob else host, glob):
                return provider
    return load()[PLAIN]
