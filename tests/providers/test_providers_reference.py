from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from convert.formats import FORMATS
from convert.providers import load
from convert.providers.loader import parse
from convert.providers.patch import Patch
from convert.providers.reference import SENTENCES, link, markdown, patched, sentence, setup
from convert.routing import Route
from convert.settings import load as load_settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "providers.md"
NAMES = sorted(load())


def test_the_page_is_in_step_with_the_provider_files() -> None:
    assert PAGE.read_text() == markdown(), "run: python -m convert.providers.reference > docs/providers.md"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_each_host_key_endpoint_and_source_of_a_provider(name: str) -> None:
    section = markdown().split(f"\n## {name}\n")[1].split("\n## ")[0]
    provider = load()[name]
    for told in (*provider.hosts, *provider.aliases, provider.key_env, *provider.speaks, *provider.speaks.values()):
        assert told in section
    for source in provider.sources:
        assert f"{link(source)}: {source.note}" in section


@pytest.mark.parametrize("name", NAMES)
def test_every_row_says_where_it_is_written(name: str) -> None:
    section = markdown().split(f"\n## {name}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| `")]
    told = [row for row in rows if row not in ("| what is different | where it is written |", "| format | endpoint |")]
    assert all("](https://" in row.rsplit("|", 2)[1] for row in told)


@pytest.mark.parametrize("name", [name for name in NAMES if load()[name].speaks])
@pytest.mark.parametrize("form", FORMATS)
def test_the_setup_that_is_shown_leads_to_the_endpoint_that_is_shown(name: str, form: str) -> None:
    provider = load()[name]
    shown = provider.speaks.get(form)
    environ = {**dict(pair.split("=", 1) for pair in shlex.split(setup(provider))), "UPSTREAM_FORMAT": form}
    upstream = load_settings(None, environ).upstreams[0]
    assert upstream.provider is provider
    assert shown is None or Route(upstream).url("MODEL", False) == shown


def values(hint: Any) -> list[Any]:
    """Some values of each kind that an annotation allows."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [True, False] if hint is bool else ["", "some"] if hint is str else [("a", "b")]


@pytest.mark.parametrize("form", FORMATS)
def test_every_value_of_every_behaviour_has_a_sentence(form: str) -> None:
    hints = get_type_hints(FORMATS[form].flavor)
    assert SENTENCES[form].keys() == hints.keys()
    for name, hint in hints.items():
        for value in values(hint):
            assert sentence(form, name, value).endswith(".")


def test_sentences_show_the_value() -> None:
    assert sentence("chat", "tool_choice", ("auto", "none")).startswith("`tool_choice` may be `auto`, `none`;")
    assert sentence("chat", "efforts", {"low": "low", "xhigh": "max"}).endswith(": `low`, `xhigh` is sent as `max`.")
    assert sentence("chat", "empty_content", None).endswith("`null`.")
    assert sentence("chat", "empty_content", "").endswith('`""`.')
    assert '{"type": "enabled"}' in sentence("chat", "effort", "thinking")


def test_each_operation_of_a_patch_has_its_sentence() -> None:
    patch = Patch(
        drop=("a", "b[*].c"), rename={"d": "e"}, set={"f": 1}, default={"g": None}, clamp={"h": (0.01, 1.0)},
        values={"i": {"x": "y", "z": False}},
    )  # fmt: skip
    assert list(patched(patch)) == [
        ("drop", "Left out: `a`, `b[*].c`."),
        ("rename", "`d` is called `e`."),
        ("set", "`f` is always `1`."),
        ("default", "`g` is `null` when it is not given."),
        ("clamp", "`h` is kept between 0.01 and 1."),
        ("values", "`x` of `i` becomes `y`."),
        ("values", "`z` of `i` is left out."),
    ]


def test_a_local_server_is_set_up_by_name_and_without_a_key() -> None:
    provider = parse({"name": "acme", "speaks": {"chat": {"url": "http://localhost:8000/v1/chat/completions"}}})
    assert setup(provider) == "UPSTREAM_URL=http://localhost:8000 UPSTREAM_PROVIDER=acme"
