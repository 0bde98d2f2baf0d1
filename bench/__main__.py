"""Runs the suites against the checkout and its peers, and prints the table.

    python -m bench [--runs 3] [--targets convert,nginx,...] [--suites json1,...] [--keep FILE]

Proxies are pinned to core 0, the load client and the upstreams to core 1. The runs of the targets are interleaved. The
load client, the Chat upstream and the peers are those of the kit in BENCH_KIT (default ~/.cache/convert-bench), which
`bash ../shared/bench/setup.sh` (`... litellm`) builds; what is missing there is named and left out.
"""

from __future__ import annotations

import argparse
import collections
import compileall
import json
import shutil
import sys
import tempfile
from pathlib import Path

from bench import bodies, load, table
from bench.load import GROWTH, LOADGEN, SUITES
from bench.processes import Process
from bench.table import PAIRS, PEERS, Results
from bench.targets import C_UPSTREAM, KIT, ROOT, TARGETS, UPSTREAM, Target

USUAL = ["json1", "json64", "ttft", "burst64", "paced200", "bigs1"]
MORE = {  # suites that are run for one target only
    "convert": ["slow2000", "paced500", "paced1000", *GROWTH],
    "convert-2": ["json64"],
}


def main() -> None:
    """The command."""
    options = _options()
    if not LOADGEN.exists():
        sys.exit(f"There is no load client {LOADGEN}: build the kit (bash ../shared/bench/setup.sh) or set BENCH_KIT.")
    compileall.compile_dir(ROOT / "convert", quiet=1)  # as it is after the first start, and as pip installs the peers
    names = [name for name in options.targets.split(",") if _present(name)]
    results: Results = collections.defaultdict(list)
    logs = Path(tempfile.mkdtemp(prefix="bench-"))
    upstreams = [
        Process([str(KIT / "fakeup"), str(C_UPSTREAM)], "1", logs / "fakeup.log", {}, ROOT),
        Process([sys.executable, "-m", "bench.upstream", str(UPSTREAM)], "1", logs / "upstream.log", {}, ROOT),
    ]
    try:
        for port, process in zip((C_UPSTREAM, UPSTREAM), upstreams):
            process.ready(f"http://127.0.0.1:{port}/", b"")
        for run in range(options.runs):
            for name in names:
                suites = options.suites.split(",") if options.suites else _suites(name)
                for suite, figures in _measured(name, TARGETS[name], suites, logs):
                    results[name, suite].append(figures)
                    print(run + 1, name, suite, json.dumps(figures), file=sys.stderr, flush=True)
    finally:
        for process in upstreams:
            process.stop()
    if options.keep:
        kept = [{"target": target, "suite": suite, "runs": runs} for (target, suite), runs in results.items()]
        Path(options.keep).write_text(json.dumps(kept, indent=1))
    print(table.markdown(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="how often; the table has the medians")
    parser.add_argument("--targets", default=",".join([*PEERS, "convert", "convert-2", *PAIRS]))
    parser.add_argument("--suites", default="", help=f"by default what the table needs; {', '.join(SUITES)}")
    parser.add_argument("--keep", default="", help="a file for the figures of all runs, as JSON")
    options = parser.parse_args()
    for name, known in (("targets", TARGETS), ("suites", SUITES)):
        if unknown := set(filter(None, getattr(options, name).split(","))) - known.keys():
            parser.error(f"--{name}: there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return options


def _present(name: str) -> bool:
    """Whether a target can be measured; says so where it cannot."""
    target = TARGETS[name]
    command = target.command[0] if target.command else ""
    if target.missing or (command and not shutil.which(command)):
        print(f"{name} is left out: the kit has no {target.needs or command}", file=sys.stderr)
        return False
    return True


def _suites(name: str) -> list[str]:
    if name == "convert-2":
        return MORE[name]
    return list(dict.fromkeys([*USUAL, *MORE.get(name, [])]))


def _measured(name: str, target: Target, suites: list[str], logs: Path) -> list[tuple[str, load.Figures]]:
    """(suite, figures) of one run of a target, which is started for it."""
    found: list[tuple[str, load.Figures]] = []
    process = None
    if target.command:
        process = Process(target.command, target.cores, logs / f"{name}.log", target.environment, ROOT)
    try:
        if process:
            url = f"http://127.0.0.1:{target.port}{bodies.path(target.form, 'json')}"
            seconds = process.ready(url, bodies.body(target.form, "json"))
            found.append(("start", {"seconds": seconds, "memory": process.usage().memory}))
        load.measure(target, "warm", process)  # every worker, and both ways
        load.measure(target, "ttft", process)
        for suite in suites:
            if figures := load.measure(target, suite, process):
                found.append((suite, figures))
    finally:
        if process:
            process.stop()
    return found


if __name__ == "__main__":
    main()
