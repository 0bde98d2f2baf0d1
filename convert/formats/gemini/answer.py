"""What a candidate says, whole or in chunks: facts shared by the finished answer and the stream.

Source: Gemini API reference, "GenerateContentResponse", "Candidate", "UsageMetadata".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from convert import hub
from convert.errors import ProxyError
from convert.formats.gemini import content

Json = dict[str, Any]
FILTERS = {
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "ESCALATION",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR", "JAILBREAK", "PUP_LIMITED_DISABLED",
}  # fmt: skip
# The model's output could not be understood: there is no answer, and another try may give one.
BROKEN = {
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE",
    "TOO_MANY_TOOL_CALLS",
}  # fmt: skip
NUMBERS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}  # as some SDKs print the words
USUAL = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "filter": "SAFETY", "other": "OTHER"}
KNOWN = {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "promptFeedback", "error"}
OF_CANDIDATE = {"content", "finishReason", "finishMessage", "index", "logprobsResult", "citationMetadata"}
IN_PIECES = ("willContinue", "partialArgs")  # members of a call that is streamed in pieces
COUNTED = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount")


def read_reason(word: Any, message: Any, calls: bool) -> hub.Reason:
    """Why a candidate ended. A called tool decides, unless the answer was cut off. Raises ProxyError for the words
    that say that there is no answer."""
    word = NUMBERS.get(word, "OTHER") if isinstance(word, int) else word
    if word in BROKEN:
        told = f": {message}" if isinstance(message, str) and message else ""
        raise ProxyError("upstream", f"the model's answer could not be used ({word}){told}")
    if word == "MAX_TOKENS":
        return hub.Reason("length", word)
    if word in FILTERS:
        return hub.Reason("filter", word)
    if calls:
        return hub.Reason("tool_calls", word)
    return hub.Reason("stop" if word in (None, "STOP") else "other", word)


def read_block(feedback: Any) -> hub.Reason | None:
    """Why the prompt was refused; None where it was not."""
    word = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return hub.Reason("filter", str(word)) if word else None


def write_reason(reason: hub.Reason) -> str:
    """`finishReason`."""
    return USUAL[reason.kind]


def call_id(response_id: str, candidate: int, number: int) -> str:
    """An id for a call that came without one; the same whenever the answer is read again."""
    digest = hashlib.sha256(f"{response_id}/{candidate}/{number}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest[:24]}"


def read_call(inner: Json, signature: Any, identity: str) -> hub.ToolCall:
    """A functionCall of an answer. Raises ValueError for one that nobody could run."""
    name = inner["name"]
    if not isinstance(name, str) or not name:
        raise ValueError("a function call without a name")
    if any(inner.get(key) for key in IN_PIECES):
        raise ValueError("a function call in pieces, which was not asked for")
    args = inner.get("args")
    if not isinstance(args, dict | None):
        raise ValueError("arguments that are no object")
    return hub.ToolCall(
        text=content.arguments_text(args), id=inner.get("id") or identity, name=name, sealed=seal(signature),
        extra={key: value for key, value in inner.items() if key not in ("id", "name", "args", *IN_PIECES)},
    )  # fmt: skip


def seal(signature: Any) -> hub.Sealed | None:
    """The state that a signature holds."""
    return hub.Sealed(content.FORMAT, signature) if signature else None


def read_blob(part: Json) -> hub.Media:
    """An image or a sound of an answer."""
    if "inlineData" in part:
        inner = part["inlineData"]
        mime = inner.get("mimeType")
        return hub.Media(kind=content.media_kind(mime), mime=mime, data=inner["data"])
    inner = part["fileData"]
    mime = inner.get("mimeType")
    return hub.Media(kind=content.media_kind(mime, inner["fileUri"]), mime=mime, url=inner["fileUri"])


def created(body: Json) -> int:
    """`createTime`, which Vertex sends, in seconds since 1970; 0 without one."""
    given = body.get("createTime")
    try:
        return int(datetime.fromisoformat(given).timestamp()) if isinstance(given, str) else 0
    except ValueError:
        return 0


def extra_of(body: Json) -> Json:
    """The members of an answer, or of a chunk, that only this format knows; those of candidates with their place."""
    found = {key: value for key, value in body.items() if key not in KNOWN}
    for number, candidate in enumerate(body.get("candidates") or ()):
        for key, value in candidate.items():
            if key == "groundingMetadata":
                value = {k: v for k, v in value.items() if k not in ("groundingChunks", "groundingSupports")}
            if key not in OF_CANDIDATE and value not in (None, {}):
                found[f"candidates[{candidate.get('index') or number}].{key}"] = value
    return found


def read_usage(usage: Any) -> hub.Usage | None:
    """Token counts; None where there are none. The thoughts are not among the candidates' tokens, what tools put
    into the prompt is not among the prompt's."""
    if not usage or not any(key in usage for key in COUNTED):
        return None
    thoughts = usage.get("thoughtsTokenCount") or 0
    counted = hub.Usage(
        input=(usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0),
        output=(usage.get("candidatesTokenCount") or 0) + thoughts, reasoning=thoughts,
        cache_read=usage.get("cachedContentTokenCount") or 0,
    )  # fmt: skip
    total = usage.get("totalTokenCount")
    counted.total = None if total in (None, counted.input + counted.output) else total
    counted.extra = {key: value for key, value in usage.items() if key not in (*COUNTED, "cachedContentTokenCount")}
    return counted


def write_usage(usage: hub.Usage) -> Json:
    """`usageMetadata`."""
    body: Json = {"promptTokenCount": usage.input, "candidatesTokenCount": usage.output - usage.reasoning}
    if usage.cache_read:
        body["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        body["thoughtsTokenCount"] = usage.reasoning
    return {**body, "totalTokenCount": usage.total_tokens}


# --- log probabilities ---


def read_logprobs(result: Any) -> list[Json]:
    """`logprobsResult` in the hub's form."""
    if not result:
        return []
    tops = result.get("topCandidates") or []
    listed = []
    for number, chosen in enumerate(result.get("chosenCandidates") or []):
        token = _read_token(chosen)
        top = tops[number].get("candidates") or [] if number < len(tops) else []
        listed.append({**token, "top_logprobs": [_read_token(each) for each in top]})
    return listed


def _read_token(token: Json) -> Json:
    text = token.get("token") or ""
    found = [*text.encode("utf-8", "surrogatepass")]
    return {"token": text, "logprob": token.get("logProbability") or 0.0, "bytes": found}


def write_logprobs(tokens: list[Json]) -> Json:
    """`logprobsResult`."""
    tops = [[_write_token(each) for each in token.get("top_logprobs") or []] for token in tokens]
    body: Json = {"chosenCandidates": [_write_token(token) for token in tokens]}
    return body | ({"topCandidates": [{"candidates": top} for top in tops]} if any(tops) else {})


def _write_token(token: Json) -> Json:
    return {"token": token.get("token"), "logProbability": token.get("logprob")}


# --- citations ---


def read_citations(candidate: Json, text: str) -> list[hub.Citation]:
    """What a candidate's metadata says of where a text comes from. Places are found by the words that they quote:
    the numbers count bytes, over text that may have come in several parts."""
    return [*_grounded(candidate.get("groundingMetadata") or {}, text), *_cited(candidate, text)]


def _grounded(metadata: Json, text: str) -> Iterator[hub.Citation]:
    chunks = metadata.get("groundingChunks") or []
    used: set[int] = set()
    for support in metadata.get("groundingSupports") or []:
        segment = support.get("segment") or {}
        numbers = support.get("groundingChunkIndices") or []
        used |= set(numbers)
        start, end = _place(segment, text)
        if start is not None or not segment.get("text"):
            sources = [_source(chunks[number]) for number in numbers if 0 <= number < len(chunks)]
            yield from (hub.Citation(url=s[0], title=s[1], start=start, end=end) for s in sources if s)
    for number, chunk in enumerate(chunks):
        if number not in used and (source := _source(chunk)):
            yield hub.Citation(url=source[0], title=source[1])


def _source(chunk: Json) -> tuple[str, str | None] | None:
    """(URL, title) of a source; None where it has no URL."""
    for kind in ("web", "maps", "retrievedContext"):
        inner = chunk.get(kind) or {}
        if isinstance(inner.get("uri"), str):
            return inner["uri"], inner.get("title")
    return None


def _place(segment: Json, text: str) -> tuple[int | None, int | None]:
    """(start, end) of a segment in characters."""
    quoted = segment.get("text")
    data = text.encode("utf-8", "surrogatepass")
    start, end = (len(data[: segment.get(key) or 0].decode("utf-8", "ignore")) for key in ("startIndex", "endIndex"))
    if not quoted:
        return (start, min(end, len(text))) if segment.get("endIndex") else (None, None)
    if text[start:end] != quoted:
        start = text.find(quoted)
    return (start, start + len(quoted)) if start >= 0 else (None, None)


def _cited(candidate: Json, text: str) -> Iterator[hub.Citation]:
    metadata = candidate.get("citationMetadata") or {}
    for source in metadata.get("citationSources") or metadata.get("citations") or []:
        if isinstance(source.get("uri"), str):
            start, end = _place(source, text)
            extra = {"license": source["license"]} if source.get("license") else {}
            yield hub.Citation(url=source["uri"], title=source.get("title"), start=start, end=end, extra=extra)


def write_citations(texts: list[hub.Text]) -> Json:
    """`groundingMetadata` with the citations of texts that have a URL; empty where there is none."""
    chunks: list[Json] = []
    supports: list[Json] = []
    for part in texts:
        for citation in (each for each in part.citations if each.url is not None):
            title = {} if citation.title is None else {"title": citation.title}
            chunks.append({"web": {"uri": citation.url, **title}})
            if citation.start is not None:
                end = len(part.text) if citation.end is None else citation.end
                before, quoted = part.text[: citation.start], part.text[citation.start : end]
                place = {"startIndex": _bytes(before), "endIndex": _bytes(before) + _bytes(quoted), "text": quoted}
                supports.append({"segment": place, "groundingChunkIndices": [len(chunks) - 1]})
    if not chunks:
        return {}
    return {"groundingChunks": chunks, **({"groundingSupports": supports} if supports else {})}


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
