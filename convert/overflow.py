"""The numbers in an error about a context that is too long, whoever says it.

Clients read them out of the words of their own API: Claude Code shows them, others decide by them how much to leave
out. The wordings were taken from recorded traffic.
"""

from __future__ import annotations

import re

_LIMIT = re.compile(
    r"(?:maximum context length (?:is|of)|maximum (?:number of tokens|input tokens|prompt length|tokens?)[a-z ]*\(?"
    r"|context (?:length|window|size|limit)[a-z ]*\(?|limit (?:is|of)|at most|max(?:imum)? of|less than"
    r"|no more than|>)\s*:?\s*(\d[\d,]*)",
    re.I,
)
_RANGE = re.compile(r"\[\d+, ?(\d+)\]")
_NUMBER = re.compile(r"(?<![\w.-])\d[\d,]*(?![\w-])")


def overflow(message: str) -> tuple[int, int] | None:
    """(the tokens that there were, the most that there may be); None where the words do not tell."""
    numbers = [int(found.replace(",", "")) for found in _NUMBER.findall(message) if found.strip(",")]
    found = _LIMIT.search(message) or _RANGE.search(message)
    limit = int(found[1].replace(",", "")) if found else min((n for n in numbers if n > 999), default=0)
    over = max(numbers, default=0)
    return (over, limit) if 0 < limit < over else None
