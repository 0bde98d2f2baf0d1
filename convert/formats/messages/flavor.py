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
                        it is; budget: an effort word becomes a budget; effort: a budget becomes an effort word
    unsigned_thinking   earlier reasoning without a signature of this provider may be sent back
    system_in_messages  system messages may stand among the others; else they join the system prompt
    billing             the billing header that Claude Code puts before the system prompt is sent; to anybody but
                        Anthropic it is a text that changes with each request, and spoils their prompt caches
    web_search          the type under which a web_search tool is sent; "" where there is none
    client_tools        Anthropic's own tools that the client runs (bash, text_editor, computer, memory) are native
    json_schema         output_config.format is accepted; else the schema is told in words
    strict              `strict` on tools is accepted
    sampling            which of temperature and top_p are accepted: all; one: temperature or top_p, not both;
                        none: neither, nor top_k
    """

    max_tokens: int = 32000
    thinking: Literal["adaptive", "budget", "effort"] = "adaptive"
    unsigned_thinking: bool = False
    system_in_messages: bool = False
    billing: bool = field(default=False, compare=False)  # no reason to write a body of this format anew
    web_search: str = "web_search_20250305"
    client_tools: bool = True
    json_schema: bool = True
    strict: bool = True
    sampling: Literal["all", "one", "none"] = "one"
