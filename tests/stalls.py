"""Tests during which the machine stood still.

Many tests measure time, and a virtual machine may be stopped for seconds in the middle of one. What a test measured
then says nothing about the project: when it fails, it is run again, and the report says so. A test that fails while
the machine runs has failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from _pytest.runner import runtestprotocol

TICK = 0.02  # seconds
STALL = 0.3  # seconds between two ticks that are TICK apart
RUNS = 3


class Watch(threading.Thread):
    """Counts the stalls of the machine, as a thread sees them that does nothing but sleep."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(daemon=True, name="stalls")
        self.clock, self.sleep = clock, sleep
        self.last = clock()
        self.stalls = 0

    def run(self) -> None:
        while True:
            self.tick()

    def tick(self) -> None:
        """Sleeps once, and counts a stall when that took far longer than asked."""
        self.sleep(TICK)
        now = self.clock()
        self.stalls += now - self.last > STALL
        self.last = now

    def seen(self) -> int:
        """The stalls until now, also the one that the thread has not woken from yet."""
        return self.stalls + (self.clock() - self.last > STALL)


watch = Watch()


def pytest_sessionstart() -> None:
    if not watch.is_alive():
        watch.start()


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """pytest's hook: runs one test and reports it."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in runs(lambda: runtestprotocol(item, nextitem=nextitem, log=False), watch.seen):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def runs(once: Callable[[], list[pytest.TestReport]], stalls: Callable[[], int]) -> list[pytest.TestReport]:
    """The reports of the last run of a test: the first run in which it passed or the machine did not stall."""
    told: list[tuple[str, str]] = []
    while True:
        before = stalls()
        reports = once()
        if not any(report.failed for report in reports) or stalls() == before or len(told) == RUNS - 1:
            break
        told.append(("run again", "the machine stood still while this test ran"))
    for report in reports:
        report.sections += told
    return reports
