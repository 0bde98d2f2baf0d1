"""Every recording through the real stack: `CONVERT_CORPUS=... CONVERT_CONFORMANCE=... python -m tests.conformance`.

Starts the conformance kit's replay.py three times (whole, 1-byte and 7-byte pieces), and gunicorn as the Procfile has
it, with an upstream for each recording. A client of each format asks for each answer, plain and streamed. One of the
recording's own format must get the very bytes; what another gets must be valid (specvalidate.py --baseline) and say
what the recording says. Each recorded request goes through /convert.
Prints the counts, and what is wrong; ends with 1 when anything is. An argument chooses the recordings with it in their
names.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack

from tests import recordings
from tests.conformance import servers
from tests.conformance.checks import CUTS, Checks
from tests.recordings import Recording

Found = list[tuple[str, str, str]]  # label, what was found, and what is wrong, if anything


def main(*named: str) -> int:
    """Runs everything; the number of faults, at most 1."""
    began = time.monotonic()
    chosen = replayed(named)
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with ExitStack() as stack:
        corpus = stack.enter_context(servers.decoded(chosen))
        ports = {size: stack.enter_context(servers.replay(corpus, size)) for size in CUTS}
        proxy = stack.enter_context(servers.gunicorn(servers.ini(chosen, ports)))
        tasks = [Checks(proxy, ports, number, recording) for number, recording in enumerate(chosen)]
        # the longest first, so that no process is left with one at the end
        tasks.sort(key=lambda each: -len(each.recording.body))
        pool = stack.enter_context(multiprocessing.get_context("fork").Pool(os.cpu_count()))
        for found in pool.imap_unordered(run, tasks):
            for label, outcome, fault in found:
                counts[f"{label}: {outcome}"] += 1
                faults += [fault] if fault else []
    for line, count in sorted(counts.items()):
        print(f"{count:6} {line}")
    print("\n".join(sorted(faults)))
    wrong = f"{len(faults)} WRONG" if faults else "all as it should be"
    print(f"{counts.total()} checks of {len(chosen)} recordings in {time.monotonic() - began:.0f} s: {wrong}")
    return 1 if faults else 0


def replayed(named: tuple[str, ...]) -> list[Recording]:
    """All recordings, or those that are named."""
    return [each for each in recordings.everything() if not named or any(name in each.name for name in named)]


def run(checks: Checks) -> Found:
    """All that is found of one recording."""
    found: Found = []
    for label, check in checks.all():
        try:
            found.append((label, check(), ""))
        except Exception as error:
            words = " ".join(f"{type(error).__name__ if not isinstance(error, AssertionError) else ''} {error}".split())
            found.append((label, "WRONG", f"{label}: {checks.recording.name}: {words[:600]}"))
    return found


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
