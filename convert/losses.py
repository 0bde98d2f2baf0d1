"""What a conversion could not carry over, told to the client instead of being lost in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from convert.errors import ProxyError

How = Literal["dropped", "approximated", "moved"]
HEADER_LIMIT = 2000  # bytes; some servers refuse a response header of 4 kB
# What a parameter says that asks for what is so anyway.
DEFAULTS: dict[str, Any] = {
    "n": 1, "frequency_penalty": 0, "presence_penalty": 0, "truncation": "disabled", "modalities": ["text"],
    "parallel_tool_calls": True,
}  # fmt: skip
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Loss:
    """`path`: the field in the body that was read. `how`: dropped, approximated, moved. `what`: a few words."""

    path: str
    how: How
    what: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.how}" + (f" ({self.what})" if self.what else "")


@dataclass(slots=True)
class Report:
    """The losses of one exchange, in the order in which they were found."""

    losses: list[Loss] = field(default_factory=list)

    def dropped(self, path: str, what: str = "") -> None:
        """Record that the field at `path` is not in what was written."""
        self.losses.append(Loss(path, "dropped", what))

    def approximated(self, path: str, what: str = "") -> None:
        """Record that the field at `path` was written as something near, but not the same."""
        self.losses.append(Loss(path, "approximated", what))

    def moved(self, path: str, what: str = "") -> None:
        """Record that what stood at `path` was kept, in another place."""
        self.losses.append(Loss(path, "moved", what))

    def extras(self, path: str, extra: dict[str, Any]) -> None:
        """Record each field of a node's `extra` as dropped; one that was null or empty said nothing."""
        for key, value in extra.items():
            if value not in (None, "", [], {}):
                self.dropped(f"{path}.{key}" if path else key)

    def parameter(self, path: str, name: str, value: Any) -> None:
        """Record a request parameter (its hub name) as dropped, unless it asked for what is so anyway."""
        if DEFAULTS.get(name) != value:
            self.dropped(path)

    def header(self) -> str:
        """The value of `Convert-Lost`: each distinct loss once, list positions as [*], with its count.

        ASCII, at most HEADER_LIMIT bytes; what does not fit is counted at the end."""
        counts: dict[str, int] = {}
        for loss in self.losses:
            line = str(Loss(_INDEX.sub("[*]", loss.path), loss.how, loss.what))
            line = line.encode("ascii", "replace").decode().replace(",", ";").replace("\n", " ").replace("\r", " ")
            counts[line] = counts.get(line, 0) + 1
        return _fitting([line if n == 1 else f"{line} x{n}" for line, n in counts.items()])

    def as_json(self) -> list[dict[str, str]]:
        """The losses as JSON objects, for the dry run and for strict mode."""
        return [{"path": loss.path, "how": loss.how, "what": loss.what} for loss in self.losses]

    def refuse(self) -> None:
        """Strict mode: raises ProxyError (422) that lists the losses, if there are any."""
        if self.losses:
            listed = _fitting([str(loss) for loss in self.losses])
            raise ProxyError(
                "unsupported",
                f"Convert-Strict: this request cannot be converted without loss: {listed}",
                status=422,
                code="conversion_loss",
                param=self.losses[0].path,
                details={"losses": self.as_json()},
            )


def _fitting(lines: Iterable[str]) -> str:
    kept: list[str] = []
    size, lines = 0, list(lines)
    for line in lines:
        size += len(line) + 2
        if size > HEADER_LIMIT:
            return ", ".join([*kept, f"and {len(lines) - len(kept)} more"])
        kept.append(line)
    return ", ".join(kept)
