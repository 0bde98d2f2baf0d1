"""docs/providers.md, written from the provider files: `python -m convert.providers.reference > docs/providers.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from convert.formats import FORMATS
from convert.providers.loader import PLAIN, Provider, Rule, Source, load
from convert.providers.patch import Patch

OTHER = "any other value"
Sentences = dict[str, dict[Any, str]]
CHAT: Sentences = {
    "reasoning_field": {
        "": "Earlier reasoning has no place, and is not sent back.",
        "think": "Earlier reasoning goes back at the start of the content, between `<think>` tags.",
        OTHER: "Earlier reasoning goes back as `{}` of the message.",
    },
    "replay": {
        "all": "All earlier reasoning goes back.",
        "calls": "Only the reasoning of messages with tool calls goes back.",
    },
    "wants_reasoning": {
        True: "The reasoning before tool calls is kept for clients that do not give it back.",
        False: "Reasoning that a client does not give back is not kept.",
    },
    "missing_reasoning": {
        "": "A message with tool calls that has no reasoning gets an empty one.",
        OTHER: "A message with tool calls that has no reasoning gets `{}` for it.",
    },
    "developer_role": {OTHER: "`developer` messages keep or get the role `{}`."},
    "system": {
        "inline": "System messages stay where they are.",
        "merged": "All system and developer messages become one, at the start.",
    },
    "flatten": {
        True: "Text in several parts becomes one string.",
        False: "Text in several parts stays a list.",
    },
    "empty_content": {OTHER: "The content of a message with tool calls alone is `{}`."},
    "tool_choice": {OTHER: "`tool_choice` may be {}; another becomes the nearest of these."},
    "custom_tools": {
        True: "Custom tools (free text, grammars) are sent as they are.",
        False: "Custom tools become functions with one string.",
    },
    "strict": {True: "`strict` on tools is sent.", False: "`strict` on tools is left out."},
    "tool_media": {
        True: "Images and files in tool results stay there.",
        False: "Images and files in tool results follow in a user message.",
    },
    "json_schema": {
        True: "A JSON Schema for the output is sent.",
        False: "A JSON Schema for the output becomes a tool, if one may be chosen by name, or `json_object` and words.",
    },
    "json_object": {True: "`json_object` is sent.", False: "That the output must be JSON is told in words."},
    "stream_options": {
        True: "The token counts of a stream are asked for with `stream_options`.",
        False: "`stream_options` is not sent; the token counts come unasked or not at all.",
    },
    "effort": {
        "reasoning_effort": "How much to think is asked for with `reasoning_effort`.",
        "thinking": 'Thinking is switched with `thinking: {{"type": "enabled"}}` or `"disabled"`; it has no degrees.',
        "thinking_effort": "Thinking is switched with `thinking.type`, and `reasoning_effort` says how much.",
        "enable_thinking": "Thinking is switched with `enable_thinking: true` or `false`; it has no degrees.",
        "reasoning": 'How much to think is asked for with `reasoning: {{"effort": ...}}`.',
        "": "How much to think cannot be asked for.",
    },
    "efforts": {OTHER: "The words for how much to think: {}."},
    "think_tags": {
        True: "`<think>` at the start of an answer is read as reasoning.",
        False: "`<think>` in an answer is text like any other.",
    },
    "call_id": {"": "Tool call ids may be any.", OTHER: "Tool call ids are made to match `{}`."},
    "call_id_length": {OTHER: "Tool call ids have {} characters at most."},
    "state": {
        True: "Completions with `store: true` are kept by the provider.",
        False: "Completions with `store: true` are kept by this proxy.",
    },
    "web_search": {
        True: "A web search tool becomes `web_search_options`.",
        False: "A web search tool is left out.",
    },
}
RESPONSES: Sentences = {
    "custom_tools": CHAT["custom_tools"],
    "namespaces": {True: "Namespaces of tools are sent.", False: "Namespaces of tools are flattened."},
    "hosted_tools": {True: "Hosted tools are sent.", False: "Hosted tools are left out."},
    "encrypted": {
        True: "Reasoning is asked for in encrypted form.",
        False: "Reasoning is not asked for in encrypted form.",
    },
    "reasoning_text": {
        True: "Earlier reasoning goes back as open text.",
        False: "Earlier reasoning goes back encrypted only, not as open text.",
    },
    "state": {
        True: "Responses and conversations are kept by the provider.",
        False: "Responses and conversations are kept by this proxy.",
    },
}
GEMINI: Sentences = {
    "json_schema": {
        True: "Schemas are sent as JSON Schema.",
        False: "Schemas are sent in the API's own subset of JSON Schema.",
    },
    "dummy_signature": {
        True: "Calls of a history that comes from elsewhere get the documented word instead of a signature.",
        False: "Calls without a signature are sent without one.",
    },
    "thinking": {
        "level": "How much to think is asked for with `thinkingLevel`.",
        "budget": "How much to think is asked for with `thinkingBudget`.",
    },
    "json_beside_tools": {
        True: "JSON is asked for beside functions too.",
        False: "Beside functions, a JSON Schema for the output becomes one more function.",
    },
    "mixed_tools": {
        True: "A web search tool is sent beside functions.",
        False: "A web search tool is left out where there are functions.",
    },
}
MESSAGES: Sentences = {
    "billing": {
        True: "Claude Code's billing header in the system prompt is sent.",
        False: "Claude Code's billing header in the system prompt is left out.",
    },
    "max_tokens": {OTHER: "Where the client sets no limit, `max_tokens` is {}."},
    "thinking": {
        "adaptive": "An effort becomes adaptive thinking with `output_config.effort`; a budget is sent as it is.",
        "budget": "An effort becomes a budget of thinking tokens.",
        "effort": "A budget of thinking tokens becomes an effort.",
        "both": "Thinking is enabled with a budget, and `output_config.effort` says how much.",
        "switch": "Thinking is `adaptive` or `disabled`; it has no degrees.",
    },
    "unsigned_thinking": {
        True: "Earlier reasoning goes back without a signature too.",
        False: "Earlier reasoning goes back only with a signature of this provider.",
    },
    "signed_thinking": {
        True: "Earlier reasoning of other upstreams is left out, in requests that are not converted too.",
        False: "Earlier reasoning in requests that are not converted is sent as it is.",
    },
    "system_in_messages": {
        True: "System messages stay where they are.",
        False: "System messages inside of the conversation become words of the user's turn.",
    },
    "betas": {(): "No `anthropic-beta` is sent.", OTHER: "Of `anthropic-beta`, {} is sent."},
    "tool_choice": CHAT["tool_choice"],
    "web_search": {"": "A web search tool is left out.", OTHER: "A web search tool is sent as `{}`."},
    "client_tools": {
        True: "Anthropic's own tools that the client runs are sent as they are.",
        False: "Anthropic's own tools that the client runs become functions.",
    },
    "json_schema": {
        True: "A JSON Schema for the output is sent.",
        False: "A JSON Schema for the output becomes a tool, if one may be chosen by name, or words.",
    },
    "strict": CHAT["strict"],
    "sampling": {
        "all": "`temperature` and `top_p` are sent together.",
        "one": "`top_p` is left out beside `temperature`.",
        "none": "`temperature`, `top_p` and `top_k` are left out.",
    },
}
SENTENCES: dict[str, Sentences] = {"chat": CHAT, "gemini": GEMINI, "messages": MESSAGES, "responses": RESPONSES}

INTRODUCTION = """\
# Providers

This page is written from the files in `convert/providers` (`python -m convert.providers.reference >
docs/providers.md`). It says in what each provider differs from the common core of the API that it speaks, and where
that is written. An upstream's provider is told by the host of its URL, or by `UPSTREAM_PROVIDER`; any other upstream
is taken for `plain`, to which nothing below applies.

`UPSTREAM_URL` may be the bare host as shown here: the provider's own base path is added. Set
`UPSTREAM_FORMAT=responses` to use an endpoint for that format. With several upstreams, see [settings](settings.md).

What is dropped or changed for a provider is told to the client in the header `Convert-Lost`.

## How to add a provider

1. `convert/providers/NAME.toml`: `name`, `aliases`, `hosts` (globs; with a port, of `host:port`), `key_env` and `docs`
   (for this page), and `[speaks.FORMAT] url`, the full URL of each endpoint.
2. Its quirks, few and certain: `[flavor.FORMAT]` sets behaviours that the format declares (`flavor.py` of its folder
   lists them), `[patch.FORMAT]` changes the written body by path: `drop`, `rename`, `set`, `default`, `clamp` and
   `values` (`patch.py`).
   `[[model]]` with `match` (globs of model names) holds those of some models; later ones win.
3. A `[[source]]` for each quirk: `quirks` (`flavor.chat.effort`, `model.patch.chat.drop`), `url`, the `date` of
   reading, and a `note` of what it says.
4. `tests/providers/expected/NAME.toml`: cases that fail when a quirk is taken out.
5. This page again, with the command above.

An unknown key, behaviour or format stops the start with one line that names the file and the key.
"""


def markdown() -> str:
    """The whole page."""
    providers = sorted(load().values(), key=lambda provider: (provider.name == PLAIN, provider.name))
    return "\n".join([INTRODUCTION, *(line for provider in providers for line in _section(provider))])


def _section(provider: Provider) -> Iterator[str]:
    yield f"## {provider.name}\n"
    yield " ".join(_recognised(provider)) + "\n"
    if provider.speaks:
        yield f"```sh\n{setup(provider)}\n```\n"
        yield "| format | endpoint |\n|--|--|"
        yield from (f"| {_format(form)} | `{url}` |" for form, url in provider.speaks.items())
        yield ""
    rows = [row for rule in provider.rules for row in _rows(provider, rule)]
    if rows:
        yield "| what is different | where it is written |\n|--|--|"
        yield from rows
        yield "\nWhat was read:\n"
        yield from (f"- {link(source)}: {source.note}" for source in provider.sources)
        yield ""
    else:
        yield "Nothing is changed.\n"


def _recognised(provider: Provider) -> Iterator[str]:
    if provider.hosts:
        yield f"Recognised by the host {_listed(provider.hosts)}."
    elif provider.name == PLAIN:
        yield "Every upstream that is not recognised."
    else:
        yield f"No host tells it: set `UPSTREAM_PROVIDER={provider.name}`."
    if provider.aliases:
        yield f"As `UPSTREAM_PROVIDER` it may also be called {_listed(provider.aliases)}."
    if provider.docs:
        yield f"[Its documentation]({provider.docs})."


def setup(provider: Provider) -> str:
    """The environment that makes a provider the upstream, in one line."""
    parts = urlsplit(next(iter(provider.speaks.values())))
    line = f"UPSTREAM_URL={parts.scheme}://{parts.netloc}"
    line += "" if provider.hosts else f" UPSTREAM_PROVIDER={provider.name}"
    return line + (f" UPSTREAM_API_KEY=${provider.key_env}" if provider.key_env else "")


def _format(form: str) -> str:
    return f"`{form}`" if form in FORMATS else f"`{form}` (not used by this proxy)"


def _rows(provider: Provider, rule: Rule) -> Iterator[str]:
    general = rule.match == ("*",)
    scope = "" if general else f"{_listed(rule.match)}: "
    start = "" if general else "model."
    for form, behaviours in rule.flavor.items():
        for name, value in behaviours.items():
            said = sentence(form, name, value)
            yield f"| {scope}{said} | {_links(provider, f'{start}flavor.{form}.{name}')} |"
    for form, patch in rule.patch.items():
        for operation, said in patched(patch):
            yield f"| {scope}{said} | {_links(provider, f'{start}patch.{form}.{operation}')} |"


def sentence(form: str, name: str, value: Any) -> str:
    """What a behaviour's value means. Raises KeyError for one that has no sentence."""
    known = SENTENCES[form][name]
    key = tuple(value) if isinstance(value, list) else value
    return known[key if isinstance(key, str | bool | tuple) and key in known else OTHER].format(_words(value))


def patched(patch: Patch) -> Iterator[tuple[str, str]]:
    """What each operation of a patch does, with the operation's name."""
    if patch.drop:
        yield "drop", f"Left out: {_listed(patch.drop)}."
    for old, new in patch.rename.items():
        yield "rename", f"`{old}` is called `{new}`."
    for path, value in patch.set.items():
        yield "set", f"`{path}` is always `{_words(value)}`."
    for path, value in patch.default.items():
        yield "default", f"`{path}` is `{_words(value)}` when it is not given."
    for path, (low, high) in patch.clamp.items():
        yield "clamp", f"`{path}` is kept between {low:g} and {high:g}."
    for path, mapping in patch.values.items():
        for old, target in mapping.items():
            fate = "is left out" if target is False else f"becomes `{target}`"
            yield "values", f"`{old}` of `{path}` {fate}."


def _words(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return _listed(value)
    if isinstance(value, dict):
        return ", ".join(f"`{old}` is sent as `{new}`" if old != new else f"`{old}`" for old, new in value.items())
    return str(value) if value != "" else '""'


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _links(provider: Provider, quirk: str) -> str:
    return ", ".join(link(source) for source in provider.sources if quirk in source.quirks)


def link(source: Source) -> str:
    """A source as a link, with the day on which it was read."""
    return f"[{urlsplit(source.url).hostname}]({source.url}) ({source.date})"


if __name__ == "__main__":
    print(markdown(), end="")
