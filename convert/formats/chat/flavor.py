"""The named behaviours in which providers' dialects of Chat Completions differ. Values: providers/*.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from convert.formats.contract import Flavor

Effort = Literal["reasoning_effort", "thinking", "thinking_effort", "enable_thinking", "reasoning", ""]


@dataclass(frozen=True, slots=True)
class ChatFlavor(Flavor):
    """The defaults suit an unknown server that follows the common core of the API.

    reasoning_field  where earlier reasoning is sent back on assistant messages: the name of a field; think: in
                     the content, between <think> tags; "" where the wire has no slot
    replay           which earlier reasoning goes back: all, or only that of assistant messages with tool calls
    wants_reasoning  the reasoning before tool calls is wanted back with them, so that it is kept here for clients that
                     do not return it
    missing_reasoning  what stands for the reasoning of a message with tool calls that came without, for a provider
                     that demands some; None where none is demanded
    developer_role   the role that `developer` messages are sent under
    system           inline: system messages stay where they are; merged: all in one first message
    flatten          lists of text parts become one string (blank line between them)
    empty_content    the content of an assistant message that has only tool calls
    tool_choice      the choices that are accepted; another becomes the nearest of them
    custom_tools     custom (free text, grammar) tools are native
    strict           `strict` on function tools is accepted
    tool_media       images and files inside tool messages are accepted
    json_schema      response_format json_schema is accepted; else the schema is that of a tool, where a named tool may
                     be chosen, or told in words
    json_object      response_format json_object is accepted
    stream_options   stream_options.include_usage is accepted
    effort           how thinking is asked for: reasoning_effort: "high"; thinking: {"type": "enabled" or
                     "disabled"}; thinking_effort: both of these; enable_thinking: true; reasoning:
                     {"effort": "high"}; "" where it cannot be
    efforts          the effort words that are accepted, as hub word -> wire word; empty: as they come
    think_tags       answers may open with <think>...</think> in the content
    call_id          the pattern that a whole tool call id must match; "" for any
    call_id_length   the most characters that it may have
    state            completions with `store: true` are kept by the provider
    web_search       a web_search tool is sent as web_search_options
    """

    reasoning_field: str = "reasoning_content"
    replay: Literal["all", "calls"] = "all"
    wants_reasoning: bool = field(default=False, compare=False)  # no reason to write a body of this format anew
    missing_reasoning: str | None = None
    developer_role: Literal["developer", "system", "user"] = "system"
    system: Literal["inline", "merged"] = "inline"
    flatten: bool = False
    empty_content: str | None = None
    tool_choice: tuple[str, ...] = ("auto", "none", "required", "named")
    custom_tools: bool = False
    strict: bool = True
    tool_media: bool = False
    json_schema: bool = True
    json_object: bool = True
    stream_options: bool = True
    effort: Effort = "reasoning_effort"
    efforts: dict[str, str] = field(default_factory=dict)
    think_tags: bool = True
    call_id: str = ""
    call_id_length: int = 64
    web_search: bool = False
    state: bool = field(default=False, compare=False)  # no reason to write a body of this format anew
