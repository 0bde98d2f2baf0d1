"""What a background response needs to be made without its client: sealed, in its row, until it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convert import sse
from convert.state.memory import Memory
from convert.state.secrets import open_sealed, seal

Json = dict[str, Any]


@dataclass(slots=True)
class Work:
    """`asked`: the client's body. `expanded`: with its history. `headers`: those that the upstream is sent, its key
    among them."""

    upstream: str
    url: str
    asked: Json
    expanded: Json
    headers: dict[str, str]

    def sealed(self, memory: Memory) -> bytes:
        """As the row holds it."""
        fields = {"upstream": self.upstream, "url": self.url, "asked": self.asked, "expanded": self.expanded,
                  "headers": self.headers}  # fmt: skip
        return seal(memory, sse.dumps(fields)).encode()


def opened(memory: Memory, sealed: bytes) -> Work:
    """What a row holds. Raises ProxyError for one that was sealed with another key."""
    return Work(**sse.loads(open_sealed(memory, sealed.decode())))
