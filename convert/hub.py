"""The neutral model that every format is read into and written from. Read this first.

A format has readers (wire -> hub) and writers (hub -> wire); nothing in it knows another format.
What is here is what at least two formats have (the rule of two). Everything else of a wire travels in
`extra`, under the wire's own names, and is restored by its own format or reported by another one.

Two bookkeeping slots never take part in comparisons:

* `path`: where the node stood in the body it was read from (`input[3].content[0]`), for errors and losses;
* `wire`: what its own format needs to write it back exactly and what has no meaning elsewhere
  (item ids, status words, the spelling of a field), so that leaving it out is not a loss.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from convert.errors import ProxyError, without_traceback

Role = Literal["system", "developer", "user", "assistant", "tool"]
Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Node:
    """What every part, message and tool has. `extra`: fields that only the origin's format knows."""

    extra: Json = field(default_factory=dict)
    wire: Json = field(default_factory=dict, compare=False, repr=False)
    path: str = field(default="", compare=False, repr=False)


@dataclass(slots=True)
class Sealed:
    """Opaque model state (an encrypted or signed blob) that may go back to its issuer only."""

    format: str
    value: Any


# --- parts -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Citation(Node):
    """Where a stretch of text comes from. `start`/`end` are character offsets into its Text part."""

    url: str | None = None
    title: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    file_id: str | None = None


@dataclass(slots=True)
class Text(Node):
    """Words for the reader. `cache`: a prompt-cache breakpoint after this part. `logprobs`: OpenAI's
    token list (`token`, `logprob`, `bytes`, `top_logprobs`), which Chat and Responses share."""

    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    cache: Json | None = None
    logprobs: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Refusal(Node):
    """The model's explanation of why it does not answer."""

    text: str = ""
    logprobs: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Reasoning(Node):
    """The model's thinking: in `full`, or a `summary` made for the reader."""

    text: str = ""
    kind: Literal["full", "summary"] = "full"
    sealed: Sealed | None = None


@dataclass(slots=True)
class ToolCall(Node):
    """A call. `text` holds the arguments as the JSON text that was sent (`function`, `client`) or the
    bare input (`custom`); it is never parsed and printed again, which would lose number spelling and
    key order. `client` is a call of a built-in tool that the client executes, named by `name`."""

    text: str = ""
    id: str = ""
    name: str = ""
    type: Literal["function", "custom", "client"] = "function"
    namespace: str | None = None
    sealed: Sealed | None = None


@dataclass(slots=True)
class ToolResult(Node):
    """What a call gave back. `parts`: Text, Media, Tools or Raw. `type` is that of the call."""

    call_id: str = ""
    name: str | None = None
    parts: list[Part] = field(default_factory=list)
    error: bool = False
    type: Literal["function", "custom", "client"] = "function"


@dataclass(slots=True)
class Media(Node):
    """An image, sound, video or file: by value (`data`, base64 without a prefix, with `mime`), by
    `url`, or by the `file_id` of an upload. `text`: the transcript of a sound, where there is one."""

    kind: Literal["image", "audio", "video", "file"] = "file"
    mime: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    name: str | None = None
    detail: str | None = None
    text: str | None = None
    cache: Json | None = None


@dataclass(slots=True)
class Tools(Node):
    """Tools that become known in the middle of a conversation (a tool search, a developer's list)."""

    tools: list[Tool] = field(default_factory=list)


@dataclass(slots=True)
class Raw(Node):
    """An item only its own format understands (a hosted tool's call, a future type), kept whole."""

    format: str = ""
    value: Any = None


Part = Text | Refusal | Reasoning | ToolCall | ToolResult | Media | Tools | Raw
Growing = (Text, Refusal, Reasoning, ToolCall, Media)  # the parts whose `text` a Delta extends


# --- request ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Message(Node):
    """One turn or one piece of a turn: adjacent assistant messages may belong together (see turns.py).
    `plain`: the content was one bare string, not a list of parts."""

    role: Role = "user"
    parts: list[Part] = field(default_factory=list)
    name: str | None = None
    plain: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Tool(Node):
    """A tool on offer.

    function: arguments follow `schema`. custom: takes bare text, perhaps under the grammar in `schema`.
    client: a built-in that the client runs; `description` and `schema` let any model call it.
    hosted: run by the provider; `name` is its wire type. namespace: a named group, in `tools`.
    """

    type: Literal["function", "custom", "client", "hosted", "namespace"] = "function"
    name: str = ""
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None
    cache: Json | None = None
    tools: list[Tool] = field(default_factory=list)


@dataclass(slots=True)
class ToolChoice(Node):
    """May, must or must not a tool be called. `named`: exactly this one (`tool`, a Tool without a schema);
    `allowed`: only those in `tools`, in the mode `auto` or `required`."""

    kind: Literal["auto", "none", "required", "named", "allowed"] = "auto"
    tool: Tool | None = None
    tools: list[Tool] = field(default_factory=list)
    mode: Literal["auto", "required"] = "auto"


@dataclass(slots=True)
class Output(Node):
    """The form the answer must have: free `text`, any `json`, or JSON that follows `schema`."""

    kind: Literal["text", "json", "schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


@dataclass(slots=True)
class Thinking(Node):
    """How much to think. `effort`: none, minimal, low, medium, high, xhigh, max, or the client's own word.
    `budget`: tokens. `summary`: the kind of summary wanted (auto, concise, detailed)."""

    effort: str | None = None
    budget: int | None = None
    summary: str | None = None
    enabled: bool | None = None


@dataclass(slots=True)
class State(Node):
    """What the client wants the server to remember or to recall."""

    previous: str | None = None
    conversation: Any = None
    prompt: Any = None
    background: bool | None = None

    @property
    def recalls(self) -> bool:
        """Whether the request leans on earlier turns or templates that are not in its body."""
        return self.previous is not None or self.conversation is not None or self.prompt is not None


@dataclass(slots=True)
class Request(Node):
    """A request for one answer.

    `params` is a bag with a vocabulary, one name per meaning: temperature top_p top_k max_tokens stop
    seed frequency_penalty presence_penalty logit_bias logprobs top_logprobs n user safety_identifier
    prompt_cache_key prompt_cache_retention service_tier metadata store verbosity parallel_tool_calls
    truncation max_tool_calls include_usage modalities audio prediction. A format's FIELDS table says
    which of them its wire has; what it lacks is a loss.
    """

    origin: str = ""
    model: str = ""
    instructions: Message | None = None
    messages: list[Message] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    choice: ToolChoice | None = None
    output: Output | None = None
    thinking: Thinking | None = None
    params: Json = field(default_factory=dict)
    stream: bool = False
    state: State = field(default_factory=State)


# --- response --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reason:
    """Why the answer ended. `raw`: the wire's own word, where it is not the usual one for the kind."""

    kind: Literal["stop", "length", "tool_calls", "filter", "other"] = "stop"
    raw: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class Usage:
    """Tokens. `input` includes `cache_read` and `cache_write`; `output` includes `reasoning`.
    `total` only where the wire gave one that is not their sum. `extra`: the wire's other counters."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    total: int | None = None
    extra: Json = field(default_factory=dict, compare=False)

    @property
    def total_tokens(self) -> int:
        """The total to report."""
        return self.input + self.output if self.total is None else self.total


@dataclass(slots=True)
class Choice(Node):
    """One answer; only Chat and Gemini can ask for several."""

    parts: list[Part] = field(default_factory=list)
    reason: Reason = field(default_factory=Reason)


@dataclass(slots=True)
class Response(Node):
    """A finished answer. `created`: seconds since 1970."""

    origin: str = ""
    id: str = ""
    model: str = ""
    created: int = 0
    choices: list[Choice] = field(default_factory=list)
    usage: Usage | None = None
    service_tier: str | None = None


# --- stream events: Start (PartStart Delta* PartEnd)* (End | Failure); parts may overlap --------------


@dataclass(slots=True)
class Start:
    """The answer begins. `usage`: what is known of it already."""

    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None
    service_tier: str | None = None
    extra: Json = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class PartStart:
    """A part opens. `part` is as far as it is known, its `text` empty; `index` counts parts from 0 over
    all choices; `choice` says whose part it is."""

    index: int
    part: Part
    choice: int = 0


@dataclass(slots=True)
class Delta:
    """`text` is appended to the part's text (a tool call's arguments too)."""

    index: int
    text: str
    logprobs: list[Json] | None = None


@dataclass(slots=True)
class PartEnd:
    """A part closes; `sealed`, `citations` and `extra` are set on it, in addition to what it opened with."""

    index: int
    sealed: Sealed | None = None
    citations: list[Citation] = field(default_factory=list)
    extra: Json = field(default_factory=dict)


@dataclass(slots=True)
class End:
    """The answer is complete. `reasons`: one for each choice, in order."""

    reasons: list[Reason] = field(default_factory=lambda: [Reason()])
    usage: Usage | None = None
    service_tier: str | None = None
    extra: Json = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class Failure:
    """The answer broke off; nothing follows."""

    error: ProxyError

    def __post_init__(self) -> None:
        without_traceback(self.error)


@dataclass(slots=True)
class Ping:
    """Nothing yet: the upstream is silent. May come anywhere; writers render their wire's keep-alive."""


@dataclass(slots=True)
class Rest:
    """Nothing more is here now: what was written so far must go, and not wait for more. May come anywhere;
    writers render it as no bytes."""


Event = Start | PartStart | Delta | PartEnd | End | Failure | Ping | Rest
PING = Ping()
REST = Rest()
