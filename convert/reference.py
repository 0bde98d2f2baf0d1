"""docs/settings.md, written from the schemas: `python -m convert.reference > docs/settings.md`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from convert.settings import SERVER, UPSTREAM

INTRODUCTION = """\
# Settings

This page is written from the help texts in `convert/settings.py` (`python -m convert.reference > docs/settings.md`).

A setting comes from the environment, else from `wsgi.ini`, else it has its default. `flask run`, `gunicorn app:app`
and `gunicorn --paste wsgi.ini` see the same settings. `CONVERT_INI` names another file than the `wsgi.ini` beside
`app.py`. An empty value counts as not set. What is unknown or malformed stops the start with one line that names it.
`PORT` and `WEB_CONCURRENCY` are read by gunicorn itself.
"""
SERVER_TEXT = "In the environment, or as a key of `[app:main]` in the file."
UPSTREAM_TEXT = """\
One upstream needs the environment only: `UPSTREAM_URL` and the like describe the upstream `main`. More of them have
names: the keys of `[upstream:NAME]` in the file, and variables with the name in them (`UPSTREAM_NAME_URL`, in capitals,
with `_` for `-`). Keys that are secret are never in the file. With no upstream at all, an embedded one answers as a
demonstration, and repeats what it is told.

A request goes to the upstream whose `path_prefix` opens its path; else to the one that its `Convert-Upstream` header
names; else to the first whose `models` match the model; else to the one marked `default`; else to the first without
`models`; else it is answered with 404 `model_not_found`. `main` comes first, then the order is that of the file.

A base URL without a version gets `/v1`, unless the provider is known to have another path. Give the full URL of the
endpoint (`https://gateway.example.com/openai/chat/completions`) where that is not right.
"""


def markdown() -> str:
    """The whole page."""
    sections = [
        INTRODUCTION,
        "## The server\n",
        SERVER_TEXT,
        *_table(SERVER, "CONVERT_", "[app:main]"),
        "\n## Upstreams\n",
        UPSTREAM_TEXT,
        *_table(UPSTREAM, "UPSTREAM_", "[upstream:NAME]"),
    ]
    return "\n".join(sections) + "\n"


def _table(schema: Schema, start: str, section: str) -> list[str]:
    rows = [
        f"| `{field.metadata.get('variable') or start + name.upper()}` "
        f"| {'never' if field.metadata.get('secret') else f'`{name}`'} "
        f"| {_default(field)} | {_help(field)} |"
        for name, field in schema.fields.items()
    ]
    return ["", f"| variable | in {section} | default | meaning |", "|--|--|--|--|", *rows]


def _default(field: fields.Field[Any]) -> str:
    if field.required:
        return "required"
    value = field.metadata.get("shown", field.load_default)
    if value is False:
        return "off"
    return (
        f"`{value:g}`" if isinstance(value, float | int) else f"`{value}`" if isinstance(value, str) and value else ""
    )


def _help(field: fields.Field[Any]) -> str:
    ranged = isinstance(field, fields.Boolean)
    return f"{field.metadata['help']}{' `1` or `0`.' if ranged else ''}"


if __name__ == "__main__":
    print(markdown(), end="")
