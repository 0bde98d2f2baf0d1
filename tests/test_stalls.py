from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.stalls import RUNS, STALL, TICK, Watch, runs

pytest_plugins = ["pytester"]
Report = SimpleNamespace


def report(outcome: str) -> Report:
    return SimpleNamespace(failed=outcome == "failed", outcome=outcome, sections=[])


def outcomes(*given: str) -> Callable[[], list[Report]]:
    """Gives one report for each call, in turn."""
    reports = iter([report(outcome)] for outcome in given)
    return lambda: next(reports)


def moving() -> Callable[[], int]:
    """A machine that stands still between any two looks."""
    numbers = iter(range(100))
    return lambda: next(numbers)


@pytest.mark.parametrize(
    ("stalls", "given", "expected"),
    [
        (lambda: 0, ["passed"], ("passed", 1)),
        (lambda: 0, ["failed", "passed"], ("failed", 1)),  # while the machine ran: it has failed
        (moving(), ["passed", "failed"], ("passed", 1)),
        (moving(), ["failed", "passed"], ("passed", 2)),
        (moving(), ["failed"] * (RUNS + 1), ("failed", RUNS)),
    ],
)
def test_a_failure_counts_unless_the_machine_stood_still(
    stalls: Callable[[], int], given: list[str], expected: tuple[str, int]
) -> None:
    [last] = runs(outcomes(*given), stalls)  # type: ignore[arg-type]
    assert (last.outcome, len(last.sections) + 1) == expected


def test_a_sleep_that_took_far_too_long_is_a_stall() -> None:
    times = iter([0, TICK, TICK + STALL, 3, 3 + TICK, 3 + TICK, 9])
    watch = Watch(clock=lambda: next(times), sleep=lambda seconds: None)
    for _ in range(4):
        watch.tick()
    assert watch.stalls == 1
    assert watch.seen() == 1
    assert watch.seen() == 2  # it has not woken yet


def test_a_test_that_failed_in_a_stall_is_run_again_with_new_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest
        from tests.stalls import runs, runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            stalls = iter(range(9))
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for report in runs(lambda: runtestprotocol(item, nextitem=nextitem, log=False), lambda: next(stalls)):
                item.ihook.pytest_runtest_logreport(report=report)
            return True
        """)
    pytester.makepyfile("""
        made = []

        def test_the_second_time(tmp_path):
            made.append(tmp_path)
            assert len(set(made)) == 2
        """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
