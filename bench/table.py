"""The targets, and how what was measured stands to them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import GROWTH, Figures

Results = dict[tuple[str, str], list[Figures]]  # (target, suite) -> the figures of each run


def median(results: Results, target: str, suite: str, figure: str) -> float | None:
    """The median of a figure over the runs; None where it was not measured."""
    values = [run[figure] for run in results.get((target, suite), []) if run.get(figure, -1) >= 0]
    return statistics.median(values) if values else None


@dataclass(frozen=True)
class Goal:
    """One line of the table. `of`: the figure, from the medians; `at_least` and `aim`: what it should be, below or
    above; `peers`: other targets' figures for comparison, (name, figure)."""

    what: str
    of: Callable[[Callable[[str, str, str], float]], float]
    at_least: float
    aim: float
    unit: str
    above: bool = False
    peer: tuple[str, str] = ("", "")  # (suite, figure) that peers are compared by

    def met(self, value: float) -> str:
        """What is reached."""

        def reached(limit: float) -> bool:
            return value >= limit if self.above else value <= limit

        return "aim" if reached(self.aim) else "yes" if reached(self.at_least) else "**no**"


GOALS = [
    Goal("plain request, C=1, added p50", lambda m: _added(m, "json1", "total_p50_us"), 1, 0.6, "ms",
         peer=("json1", "total_p50_us")),
    Goal("plain requests, C=64", lambda m: m("convert", "json64", "rps"), 1000, 1600, "/s", True, ("json64", "rps")),
    Goal("first delta of a stream, C=1, added p50", lambda m: _added(m, "ttft", "ttfd_p50_us"), 1.5, 0.8, "ms",
         peer=("ttft", "ttfd_p50_us")),
    Goal("burst64", lambda m: m("convert", "burst64", "deltas_s"), 100_000, 160_000, "deltas/s", True,
         ("burst64", "deltas_s")),
    Goal("CPU per delta, paced200", lambda m: m("convert", "paced200", "cpu_delta"), 70, 45, "µs",
         peer=("paced200", "cpu_delta")),
    Goal("event latency added, paced200, p50", lambda m: _added(m, "paced200", "lat_p50_us"), 0.6, 0.35, "ms",
         peer=("paced200", "lat_p50_us")),
    Goal("event latency added, paced200, p99", lambda m: _added(m, "paced200", "lat_p99_us"), 15, 4, "ms",
         peer=("paced200", "lat_p99_us")),
    Goal("2,000 slow streams, whole ones", lambda m: m("convert", "slow2000", "ok"), 2000, 2000, "", True),
    Goal("2,000 slow streams, first event p50", lambda m: m("convert", "slow2000", "ttfd_p50_us") / 1000, 5, 5, "ms"),
    Goal("2,000 slow streams, memory", lambda m: m("convert", "slow2000", "memory"), 220, 160, "MB"),
    Goal("1.1 MB history turn, added first delta", lambda m: _added(m, "bigs1", "ttfd_p50_us"), 8, 4, "ms",
         peer=("bigs1", "ttfd_p50_us")),
    Goal("idle memory (PSS)", lambda m: m("convert", "start", "memory"), 60, 45, "MB", peer=("start", "memory")),
    Goal("start to first answer", lambda m: m("convert", "start", "seconds"), 1, 0.7, "s", peer=("start", "seconds")),
    Goal("offered more than twice its capacity, of peak", lambda m: _overload(m), 80, 80, "%", True),
    Goal("offered more than twice its capacity, streams lost", lambda m: _lost(m), 0, 0, ""),
    Goal("2 workers on 2 cores, of one", lambda m: m("convert-2", "json64", "rps") / m("convert", "json64", "rps"),
         1.8, 1.8, "×", True),
    Goal("Chat → Chat, CPU per delta of nginx's, paced200",
         lambda m: m("chat-chat", "paced200", "cpu_delta") / m("nginx", "paced200", "cpu_delta"), 1.3, 1.3, "×"),
]  # fmt: skip
PEERS = ("direct", "nginx", "codex-relay", "litellm", "bare")
PAIRS = ("chat-chat", "messages-chat", "gemini-chat", "responses-messages", "responses-gemini")
COLUMNS = [
    ("json1 p50 ms", "json1", "total_p50_us", 1000), ("json64 /s", "json64", "rps", 1),
    ("first delta ms", "ttft", "ttfd_p50_us", 1000), ("burst64 deltas/s", "burst64", "deltas_s", 1),
    ("paced200 µs CPU", "paced200", "cpu_delta", 1), ("latency p50 ms", "paced200", "lat_p50_us", 1000),
    ("p99 ms", "paced200", "lat_p99_us", 1000), ("1.1 MB ms", "bigs1", "ttfd_p50_us", 1000),
    ("idle MB", "start", "memory", 1),
]  # fmt: skip

COSTS = [
    ("ms CPU a request", "cpu_request", 1000), ("µs CPU a delta", "cpu_delta", 1),
    ("first delta p50 ms", "ttfd_p50_us", 1000), ("peak MB", "memory", 1),
]  # fmt: skip


class Unmeasured(Exception):  # noqa: N818 - it is no error
    """A figure that a line needs is not there."""


def _added(m: Callable[[str, str, str], float], suite: str, figure: str) -> float:
    return (m("convert", suite, figure) - m("direct", suite, figure)) / 1000


def _overload(m: Callable[[str, str, str], float]) -> float:
    return 100 * m("convert", "paced1000", "deltas_s") / m("convert", "paced500", "deltas_s")


def _lost(m: Callable[[str, str, str], float]) -> float:
    return sum(m("convert", "paced1000", figure) for figure in ("err_conn", "err_frame", "err_end", "unfinished"))


def markdown(results: Results) -> str:
    """The tables: the goals, all targets side by side, and how cost grows."""

    def m(target: str, suite: str, figure: str) -> float:
        value = median(results, target, suite, figure)
        if value is None:
            raise Unmeasured
        return value

    lines = ["| what | convert | at least | aim | met | " + " | ".join(PEERS) + " |", "|--" * (5 + len(PEERS)) + "|"]
    for goal in GOALS:
        try:
            value = goal.of(m)
        except (Unmeasured, ZeroDivisionError):
            continue
        peers = [_peer(median(results, name, *goal.peer), goal) if goal.peer[0] else "" for name in PEERS]
        shown = f"{_number(value)} {goal.unit}".strip()
        row = [goal.what, shown, _number(goal.at_least), _number(goal.aim), goal.met(value), *peers]
        lines.append("| " + " | ".join(row) + " |")
    targets = [name for name in ("convert", *PAIRS, *PEERS) if any(name == target for target, _ in results)]
    lines += ["", "| | " + " | ".join(title for title, *_ in COLUMNS) + " |", "|--" * (1 + len(COLUMNS)) + "|"]
    for name in targets:
        cells = [_cell(median(results, name, suite, figure), divisor) for _, suite, figure, divisor in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    grown = [suite for suite in GROWTH if ("convert", suite) in results]
    if grown:
        lines += ["", "| suite | " + " | ".join(title for title, *_ in COSTS) + " |", "|--" * (1 + len(COSTS)) + "|"]
    for suite in grown:
        cells = [_cell(median(results, "convert", suite, figure), divisor) for _, figure, divisor in COSTS]
        lines.append(f"| {suite} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _peer(value: float | None, goal: Goal) -> str:
    if value is None:
        return "-"
    return _number(value / 1000 if goal.peer[1].endswith("_us") else value)


def _cell(value: float | None, divisor: float) -> str:
    return "-" if value is None else _number(value / divisor)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")
