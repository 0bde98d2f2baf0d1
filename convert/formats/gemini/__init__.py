"""Google's generateContent API (Gemini), as a client-facing API and as an upstream wire."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from convert import sse
from convert.errors import ProxyError
from convert.formats.contract import Counter, Format
from convert.formats.gemini.errors import STATUSES, is_own, read_error, write_error
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.foreign import without_foreign
from convert.formats.gemini.reader import read_stream
from convert.formats.gemini.request import read_request, support, write_request
from convert.formats.gemini.response import read_response, write_response
from convert.formats.gemini.schema import SCHEMA
from convert.formats.gemini.writer import KEEP_ALIVE, write_stream

Json = dict[str, Any]
IN_URL = frozenset({"model", "stream"})
_MAY_END = re.compile(rb'"(?:finishReason|blockReason|error)"\s*:')
_MAY_FAIL = re.compile(rb'"error"\s*:')


def resource(model: str) -> str:
    """A model's place in the URL: `models/gemini-3-pro`, or a tuned one's `tunedModels/x`."""
    family, slash, name = model.partition("/")
    if not slash or family not in ("models", "tunedModels"):
        family, name = "models", model
    return f"/{family}/{quote(name, safe='@')}"


def path(model: str, stream: bool) -> str:
    """The endpoint of a model."""
    return resource(model) + (":streamGenerateContent?alt=sse" if stream else ":generateContent")


def _chunks(frames: bytes) -> list[sse.Chunk]:
    """The chunks of whole frames; none where they are torn."""
    try:
        return list(sse.chunks([frames]))
    except ProxyError:
        return []


def _fails(chunk: sse.Chunk) -> bool:
    return bool(chunk.get("error"))


def _ends(chunk: sse.Chunk) -> bool:
    """Whether a chunk shows that the answer is complete. Its words alone may stand in a call's arguments."""
    candidates = chunk.get("candidates")
    ended = isinstance(candidates, list) and any(isinstance(c, dict) and c.get("finishReason") for c in candidates)
    feedback = chunk.get("promptFeedback")
    return ended or _fails(chunk) or (isinstance(feedback, dict) and bool(feedback.get("blockReason")))


def _count_body(body: Json, model: str) -> Json:
    """What countTokens is sent: the request, under the model's full name."""
    inner = {key: value for key, value in body.items() if key not in IN_URL}
    return {"generateContentRequest": {"model": resource(model)[1:], **inner}}


def _counted(body: Json) -> Json:
    """The request that a client wants counted, which may be wrapped."""
    inner = body.get("generateContentRequest", body.get("generate_content_request"))
    if not isinstance(inner, dict):
        return dict(body)
    return {**inner, **{key: body[key] for key in IN_URL if key in body}}


FORMAT = Format(
    name="gemini",
    schema=SCHEMA,
    flavor=GeminiFlavor,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_stream=read_stream,
    write_stream=write_stream,
    read_error=read_error,
    write_error=write_error,
    own_error=is_own,
    trimmed=without_foreign,
    statuses=STATUSES,
    support=support,
    path=path,
    credentials=lambda key: {"x-goog-api-key": key} if key else {},
    ends=lambda frames: bool(_MAY_END.search(frames)) and any(map(_ends, _chunks(frames))),
    closes=lambda frames: bool(_MAY_FAIL.search(frames)) and any(map(_fails, _chunks(frames))),
    keep_alive=KEEP_ALIVE,
    seals=frozenset({"reasoning", "call"}),
    counter=Counter(
        path=lambda model: f"{resource(model)}:countTokens", body=_count_body, member="totalTokens"
    ),
    counted=_counted,
    write_count=lambda number: {"totalTokens": number},
    in_url=IN_URL,
)
