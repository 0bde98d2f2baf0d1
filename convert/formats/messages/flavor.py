"""The named behaviours in which providers' dialects of Messages differ. Values: providers/*.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from convert.formats.contract import Flavor


@dataclass(frozen=True, slots=True)
class MessagesFlavor(Flavor):
    """The defaults suit Anthropic's current models.

    max_tokens          what is sent where the client sets no limit: the wire must have one
    thinking            adaptive: an effort word is sent as adaptive thinking with output_config.effort, a budget as
                        it is; budget: an effort word becomes a budget; effort: a budget becomes an effort word;
                        both: enabled, with a budget and an effort word; switch: adaptive or disabled, no degrees
    unsigned_thinking   earlier reasoning without a signature of this provider may be sent back
    signed_thinking     earlier reasoning without a signature is refused
    system_in_messages  system messages may stand among the others; else later ones become words of the user's turn
    betas               which words of the client's anthropic-beta header are sent, as globs
    tool_choice         the choices that are accepted; another becomes the nearest of them
    billing             the billing header that Claude Code puts before the system prompt is sent; to anybody but
                        Anthropic it is a text that changes with each request, and spoils their prompt caches
    web_search          the type under which a web_search tool is sent; "" where there is none
    client_tools        Anthropic's own tools that the client runs (bash, text_editor, computer, memory) are native
    json_schema         output_config.format is accepted; else the schema is that of a tool, where a named tool may be
                        chosen, or told in words
    strict              `strict` on tools is accepted
    sampling            which of temperature and top_p are accepted: all; one: temperature or top_p, not both;
                        none: neither, nor top_k
    """

    max_tokens: int = 32000
    thinking: Literal["adaptive", "budget", "effort", "both", "switch"] = "adaptive"
    unsigned_thinking: bool = False
    signed_thinking: bool = field(default=False, compare=False)  # see foreign.py
    system_in_messages: bool = False
    betas: tuple[str, ...] = field(default=("*",), compare=False)  # a header, not the body
    tool_choice: tuple[str, ...] = ("auto", "none", "required", "named")
    billing: bool = field(default=False, compare=False)  # no reason to write a body of this format anew
    web_search: str = "web_search_20250305"
    client_tools: bool = True
    json_schema: bool = True
    strict: bool = True
    sampling: Literal["all", "one", "none"] = "one"
