"""The one exception of the project, its kinds, and the HTTP status of each.

How an error looks on a wire is the business of that wire's format (`read_error`, `write_error`).
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar, get_args

Kind = Literal[
    "invalid_request", "authentication", "permission", "not_found", "too_large", "context_length",
    "unsupported", "rate_limited", "quota", "overloaded", "timeout", "upstream", "internal",
]  # fmt: skip
Error = TypeVar("Error", bound=BaseException)
KINDS: tuple[Kind, ...] = get_args(Kind)

STATUS: dict[Kind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "context_length": 400,
    "unsupported": 400,
    "rate_limited": 429,
    "quota": 429,
    "overloaded": 503,
    "timeout": 504,
    "upstream": 502,
    "internal": 500,
}
_BY_STATUS: dict[int, Kind] = {
    401: "authentication", 402: "quota", 403: "permission", 404: "not_found", 405: "not_found",
    408: "timeout", 413: "too_large", 429: "rate_limited", 500: "upstream", 502: "upstream",
    503: "overloaded", 504: "timeout", 529: "overloaded",
}  # fmt: skip


class ProxyError(Exception):
    """A fault to be told to the client in its own API's shape.

    message      one sentence for a person, without secrets
    status       HTTP status; by default that of the kind
    code         the API's machine-readable word, where there is one (`context_length_exceeded`)
    param        path of the fault in the client's body (`input[3].content[0].image_url`)
    retry_after  seconds, as the upstream said
    details      further members of the error, under the names of the wire that they are written to
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.status = STATUS[kind] if status is None else status
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.details = details or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProxyError) and (self.kind, self.message) == (other.kind, other.message)

    __hash__ = Exception.__hash__


def without_traceback(error: Error) -> Error:
    """An error that is told instead of raised further, and those that led to it, without the frames that they passed.
    A frame that knows the error would hold itself, and the request with it, until the garbage collector comes."""
    found: dict[int, BaseException] = {}
    open: list[BaseException | None] = [error]
    while open:
        each = open.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            each.__traceback__ = None
            open += each.__cause__, each.__context__
    return error


def kind_of(status: int) -> Kind:
    """The kind that an HTTP status alone suggests; any other 4xx is the client's, any other 5xx the upstream's."""
    return _BY_STATUS.get(status, "invalid_request" if 400 <= status < 500 else "upstream")


def invalid(path: str, problem: str) -> ProxyError:
    """The error for a fault in the client's body: `path` becomes `param`, and opens the message."""
    return ProxyError("invalid_request", f"{path}: {problem}" if path else problem, param=path or None)
