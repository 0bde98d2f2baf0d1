from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from convert.formats import FORMATS
from convert.losses import Report
from convert.providers import guess, load, named
from convert.providers.loader import FOLDER, parse, read


def broken(text: str, tmp_path: Path) -> str:
    """What is said of a provider file with this text after its name."""
    path = tmp_path / "acme.toml"
    path.write_text(f'name = "acme"\n{text}')
    with pytest.raises(ValueError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 'red'", "acme.toml: colour: Unknown field."),
        ("[speaks.chat]\nurl = 'nonsense'", "acme.toml: speaks.chat.url: Not a valid URL."),
        ("docs = 'https://a.com/a page'", "acme.toml: docs: Not a valid URL."),
        ("docs = 'ftp://a.com/'", "acme.toml: docs: Not a valid URL."),
        ("[speaks.chatt]\nurl = 'https://a.com/v1'", "acme.toml: speaks.chatt: Must be one of"),
        ("[flavor.chatt]\nstrict = true", "acme.toml: flavor.chatt: there is no such format"),
        ("[flavor.chat]\nstrickt = true", "acme.toml: flavor.chat.strickt: the format declares no such behaviour"),
        ("[flavor.chat]\nstrict = 'no'", "acme.toml: flavor.chat.strict: 'no' is not a value of it"),
        ("[flavor.chat]\neffort = 'much'", "acme.toml: flavor.chat.effort: 'much' is not a value of it"),
        ("[flavor.chat]\ntool_choice = 'auto'", "acme.toml: flavor.chat.tool_choice: 'auto' is not a value of it"),
        ("[flavor.chat]\nempty_content = 1", "acme.toml: flavor.chat.empty_content: 1 is not a value of it"),
        ("[flavor.chat.efforts]\nlow = 1", "acme.toml: flavor.chat.efforts: {'low': 1} is not a value of it"),
        ("[patch.chatt]\ndrop = ['n']", "acme.toml: patch.chatt: there is no such format"),
        ("[patch.chat]\nremove = ['n']", "acme.toml: patch.chat.remove: Unknown field."),
        ("[patch.chat]\nrename = {a = 'b.c'}", "acme.toml: patch.chat.rename: a: a field can only get"),
        ("[patch.chat]\nclamp = {n = [1]}", "acme.toml: patch.chat.clamp.n: Length must be 2."),
        ("[[model]]\nmatch = []", "acme.toml: model.0.match: Shorter than minimum length 1."),
        ("[[model]]\nmatch = ['m']\nflavor.chat.strickt = 1", "acme.toml: model.0.flavor.chat.strickt: the format"),
        ("[[model]]\nmatch = ['m']\nspeaks = {}", "acme.toml: model.0.speaks: Unknown field."),
        ("[[source]]\nquirks = ['x']\ndate = 2026-01-01", "acme.toml: source.0.url: Missing data"),
        ("[[source]]\nquirks = ['x']\nurl = 'http://a.com'\ndate = 2026-01-01", "acme.toml: source.0.url: Not a valid"),
        ("[[source]]\nquirks = ['x']\nurl = 'https://a.com'", "acme.toml: source.0.date: Missing data"),
        ("name =", "acme.toml: Invalid value"),
    ],
)
def test_a_fault_stops_the_start_and_is_named_by_file_and_key(text: str, said: str, tmp_path: Path) -> None:
    assert broken(text, tmp_path).startswith(said)


def test_a_file_needs_no_more_than_a_name() -> None:
    provider = parse({"name": "acme"})
    dialect = provider.dialect("chat", "m")
    assert (dialect.flavor, dialect.patch) == ({}, None)


def test_every_file_is_loaded_under_its_own_name() -> None:
    assert len(load()) == len(list(FOLDER.glob("*.toml"))) > 10
    assert all(provider.name == name for name, provider in load().items())


def test_names_and_aliases_are_lower_case_and_mean_one_provider() -> None:
    names = [name for provider in load().values() for name in (provider.name, *provider.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def test_a_provider_is_found_by_name_and_alias_in_any_case() -> None:
    for provider in load().values():
        for name in (provider.name, *provider.aliases):
            assert named(name.upper()) is provider


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"unknown provider 'acme'; known are .*deepseek.*openai"):
        named("acme")


@pytest.mark.parametrize("name", sorted(load()))
def test_every_host_of_a_provider_leads_to_it_and_so_do_its_endpoints(name: str) -> None:
    provider = load()[name]
    for host in provider.hosts:
        assert guess(f"https://{host.replace('*', 'acme')}/v1") is provider
        assert guess(f"https://{host.replace('*', 'acme').upper()}/v1") is provider
    for url in provider.speaks.values():
        assert guess(url) is (provider if provider.hosts else load()["plain"])


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://localhost:11434", "ollama"),
        ("http://gpu.local:11434/v1", "ollama"),
        ("http://localhost:8000/v1", "plain"),
        ("http://localhost", "plain"),
        ("https://api.deepseek.com.evil.example/v1", "plain"),
        ("https://notapi.openai.com.example", "plain"),
        ("https://example.com/api.openai.com", "plain"),
        ("https://API.OpenAI.com:443/v1", "openai"),
        ("api.openai.com/v1", "plain"),
        ("", "plain"),
    ],
)
def test_only_the_host_of_a_url_tells_the_provider(url: str, name: str) -> None:
    assert guess(url).name == name


RULES: dict[str, Any] = {
    "name": "acme",
    "flavor": {"chat": {"strict": False, "tool_choice": ["auto"], "efforts": {"low": "small"}}},
    "patch": {"chat": {"drop": ["n"], "clamp": {"temperature": [0, 1]}}},
    "model": [
        {"match": ["big-*", "huge"], "flavor": {"chat": {"strict": True}}},
        {"match": ["BIG-2*"], "patch": {"chat": {"drop": ["seed"], "clamp": {"temperature": [0, 2]}}}},
    ],
}


def test_a_models_rules_come_on_top_of_the_providers() -> None:
    provider = parse(RULES)
    plain, big, newer = (provider.dialect("chat", model) for model in ("small", "big-1", "Big-2.5"))
    assert plain.flavor == {"strict": False, "tool_choice": ("auto",), "efforts": {"low": "small"}}
    assert big.flavor == newer.flavor == {**plain.flavor, "strict": True}
    assert plain.patch and newer.patch
    assert plain.patch({"temperature": 2, "seed": 1}, Report()) == {"temperature": 1, "seed": 1}
    assert newer.patch({"temperature": 2, "seed": 1, "n": 2}, Report()) == {"temperature": 2}


def test_a_dialect_of_another_format_is_its_own() -> None:
    dialect = parse(RULES).dialect("responses", "big-1")
    assert (dialect.flavor, dialect.patch) == ({}, None)


def test_two_providers_of_one_name_have_their_own_dialects() -> None:
    assert parse(RULES).dialect("chat", "m") != parse({"name": "acme"}).dialect("chat", "m")


def test_every_dialect_makes_a_flavor_of_its_format() -> None:
    for provider in load().values():
        for form in FORMATS.values():
            for rule in provider.rules:
                model = re.sub(r"\*", "x", rule.match[0])
                form.flavor(**provider.dialect(form.name, model).flavor)
