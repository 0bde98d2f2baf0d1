"""What a format is: eight functions, a schema for the door, and a few facts about its wire.

    wire -> hub    read_request   read_response   read_stream    read_error
    hub -> wire    write_request  write_response  write_stream   write_error

All are pure. Readers of requests raise ProxyError (invalid_request) with the path of the fault; readers
of what an upstream sent may raise anything in `stream.MALFORMED`, which the caller turns into one error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from marshmallow import Schema

from convert import hub
from convert.errors import ProxyError, invalid
from convert.losses import Report
from convert.sse import Chunk
from convert.tools import Support

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flavor:
    """Named behaviours of one provider's dialect of a wire. Each format declares its own subclass, with
    a default for each field; providers/*.toml set them ([flavor.FORMAT])."""


class ReadRequest(Protocol):
    def __call__(self, body: Json) -> hub.Request: ...


class WriteRequest(Protocol):
    def __call__(self, request: hub.Request, flavor: Any, report: Report) -> Json: ...


class ReadResponse(Protocol):
    def __call__(self, body: Json, flavor: Any) -> hub.Response: ...


class WriteResponse(Protocol):
    def __call__(self, response: hub.Response, asked: Json, report: Report) -> Json:
        """`asked`: the client's own request body, whose settings some wires repeat in the answer."""


class ReadStream(Protocol):
    def __call__(self, chunks: Iterator[Chunk], flavor: Any) -> Iterator[hub.Event]: ...


class WriteStream(Protocol):
    def __call__(self, events: Iterator[hub.Event], asked: Json, report: Report) -> Iterator[bytes]: ...


class ReadError(Protocol):
    def __call__(self, status: int, body: Any) -> ProxyError:
        """`body`: parsed JSON, or text where the upstream sent something else."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How an upstream counts the tokens of a request before it is made."""

    path: Callable[[str], str]  # model -> path under the base URL
    body: Callable[[Json, str], Json]  # (written request, model) -> the body to send
    member: str  # of the answer, with the number


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One wire format, client-facing and upstream."""

    name: str
    schema: Schema  # of which the fields alone are asked, see bodies.check
    flavor: type[Flavor]
    read_request: ReadRequest
    write_request: WriteRequest
    read_response: ReadResponse
    write_response: WriteResponse
    read_stream: ReadStream
    write_stream: WriteStream
    read_error: ReadError
    write_error: Callable[[ProxyError], Json]
    support: Callable[[Any], Support]  # flavor -> what the wire can say of tools
    path: Callable[[str, bool], str]  # (model, stream) -> path under the base URL, "/chat/completions"
    credentials: Callable[[str], Mapping[str, str]]  # upstream key -> request headers
    ends: Callable[[bytes], bool]  # whether whole frames show that the answer is complete
    closes: Callable[[bytes], bool]  # whether they hold the event that nothing follows
    keep_alive: bytes  # what may be sent between two frames while nothing happens (lane 0)
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with each upstream call
    alike: Callable[[Chunk, hub.Part], bool] | None = None  # see repeats.read_stream; None: each chunk is read
    own_error: Callable[[Json, ProxyError], bool] = lambda body, error: True
    # (body of an error, what it means) -> whether its shape and its words are those that clients act on
    statuses: Mapping[str, int] = field(default_factory=dict)  # HTTP status of kinds of errors, where it is its own
    client_headers: tuple[str, ...] = ()  # of a client of this format, for an upstream of this format
    optional: frozenset[str] = frozenset()  # headers without which a call may be tried again
    refused: Callable[[Mapping[str, str], str], dict[str, str] | None] = lambda headers, complaint: None
    # (headers that were sent, words of the 400) -> the headers to try again with
    trimmed: Callable[[Json, Any, Report], Json] = lambda body, flavor, report: body
    # (body, flavor, report) -> a body that is not converted, without what is not for that dialect; else the very object
    known: Callable[[Mapping[str, str], Any], dict[str, str]] = lambda headers, flavor: dict(headers)
    # (headers for a call, flavor) -> those of them that the dialect knows
    seals: frozenset[str] = frozenset()  # where a client is given sealed state: "reasoning", "call"
    returns: Callable[[Json], bool] = lambda asked: False
    # (a client's request) -> whether that client gives back the reasoning of answers
    counter: Counter | None = None  # None: such an upstream has none
    counted: Callable[[Json], Json] = dict  # a client's request for a count -> the request that it is about
    write_count: Callable[[int], Json] = lambda number: {"input_tokens": number}
    in_url: frozenset[str] = frozenset()  # fields of the body that the wire has in the URL instead (Gemini's model)


_IN_WORDS = {
    str: "a string", bool: "a boolean", int: "an integer", float: "a number", dict: "an object", list: "a list",
}  # fmt: skip
# What each of the hub's request parameters must be. `stop` is a string or a list of them.
PARAMS: dict[str, type] = {
    "temperature": float, "top_p": float, "top_k": int, "max_tokens": int, "seed": int, "frequency_penalty": float,
    "presence_penalty": float, "logit_bias": dict, "logprobs": bool, "top_logprobs": int, "n": int, "user": str,
    "safety_identifier": str, "prompt_cache_key": str, "prompt_cache_retention": str, "service_tier": str,
    "metadata": dict, "store": bool, "verbosity": str, "parallel_tool_calls": bool, "truncation": str,
    "max_tool_calls": int, "modalities": list, "audio": dict, "prediction": dict,
}  # fmt: skip


def take(body: Json, key: str, default: Any = None, kind: type | None = None, path: str = "") -> Any:
    """Pops `key` unless it is absent or null; a null stays behind, in what becomes `extra`. Raises ProxyError
    (invalid_request) for a value that is not of the `kind`; `path` is that of `body`."""
    value = body.get(key)
    if value is None:
        return default
    if kind is not None:
        expect(value, kind, f"{path}.{key}" if path else key)
    return body.pop(key)


def expect(value: Any, kind: type, path: str) -> None:
    """Raises ProxyError (invalid_request) unless `value` is a JSON value of the `kind`; float: any number."""
    right = (int, float) if kind is float else kind
    if not isinstance(value, right) or (isinstance(value, bool) and kind is not bool):
        raise invalid(path, f"must be {_IN_WORDS[kind]}")
