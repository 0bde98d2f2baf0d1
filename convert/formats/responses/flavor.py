"""The named behaviours in which providers' dialects of Responses differ. Values: providers/*.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from convert.formats.contract import Flavor


@dataclass(frozen=True, slots=True)
class ResponsesFlavor(Flavor):
    """The defaults suit OpenAI.

    custom_tools   custom (free text, grammar) tools are native
    namespaces     namespace tools are native
    hosted_tools   hosted tools (web_search, file_search, ...) are native
    encrypted      reasoning comes back encrypted on request (include: reasoning.encrypted_content)
    state          previous_response_id, conversations and stored responses are held by the provider
    reasoning_text reasoning items may carry their full text in `content` when they are sent back
    """

    custom_tools: bool = True
    namespaces: bool = True
    hosted_tools: bool = True
    encrypted: bool = True
    reasoning_text: bool = True
    state: bool = field(default=True, compare=False)  # no reason to write a body of this format anew
