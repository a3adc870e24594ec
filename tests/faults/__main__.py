"""The figures of the fault suite: `python -m tests.faults [--long | --planted]`. Exits with 1 if one is missed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.faults import planted, runs
from tests.faults.fast import Fast
from tests.faults.saturated import Saturated
from tests.faults.simulator import Simulator

Row = tuple[str, str, bool]  # what, measured, as it must be

HEADINGS = {
    "limit": "windows passed",
    "atomic": "refusals that changed something",
    "wait": "advised waits that were too short",
    "conserve": "charges not accounted for",
    "noloss": "requests lost while an eligible provider was up",
    "cap": "calls over the budget",
    "eligible": "calls to what cannot serve or is blocked",
    "bounded": "requests with too many attempts",
    "blame": "health changes from 4xx and cancellations",
    "breaker": "calls while a breaker was open",
    "one probe": "second probes",
    "panic": "requests refused because of breakers alone",
    "latency-honest": "failures that changed a latency",
    "clock": "waits longer than their window",
}


def scheduler(long: bool) -> Iterator[Row]:
    """Invariants over the scheduler-level runs."""
    tally = runs.scheduler(long)
    yield "scheduler level", tally.line("seeds", "requests", "calls", "answered"), True
    yield "", tally.line("not served", "panic calls", "probes", "paid calls", "4xx and cancellations"), True
    for name, heading in HEADINGS.items():
        if name != "clock":
            yield f"  {name}: {heading}", str(tally.violations[name]), not tally.violations[name]


def whole_router(long: bool) -> Iterator[Row]:
    """The same through LLMRouter, and with a wall clock that jumps."""
    tally = runs.whole_router(long)
    yield "whole router", tally.line("seeds", "requests", "calls", "answered"), True
    for name in ("limit", "noloss", "conserve", "clock"):
        yield f"  {name}: {HEADINGS[name]}", str(tally.violations[name]), not tally.violations[name]
    for title, jumps in runs.JUMPS.items():
        tally = runs.jumping(jumps, long)
        bad = {name: tally.violations[name] for name in ("limit", "clock", "noloss") if tally.violations[name]}
        yield f"  clock: {title}", f"{bad or 0} in {tally.counts['requests']} requests", not bad


def same(long: bool) -> Iterator[Row]:
    """Trace hashes."""
    seeds = range(20 if long else 2)
    differing = sum(Fast(s, 500).run().hash != Fast(s, 500).run().hash for s in seeds)
    differing += sum(Simulator(s, 100).run().hash != Simulator(s, 100).run().hash for s in seeds)
    yield "same: seeds with two different traces", str(differing), not differing


def saturated(long: bool) -> Iterator[Row]:
    """What of the limits is used."""
    for days in (1, 10) if long else (1,):
        for exact in (True, False):
            run = Saturated(1, days, exact=exact)
            uses = run.run()
            about = "as estimated" if exact else "60-100 % of the estimate"
            refused = len(run.vendor.breaches)
            yield f"saturated, {days} day(s), prompts {about}", f"{run.calls} calls, {refused} refused", not refused
            for use in uses:
                yield f"  {use.cell} {use.limit}", f"{use.used} of {use.possible} = {use.share:.1%}", use.share >= 0.97


def tests(long: bool) -> Iterator[Row]:
    """Everything in this folder that is a test, by pytest: machines, recovery, memory."""
    if not long:
        return
    names = ("machines", "ledger_machine", "recovery", "whole_router", "mono", "edges", "money")
    files = [f"tests/faults/test_{name}.py" for name in names]
    rest = "not jumps and not whole_router_whatever and not through_the_whole_router"  # those ran above
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-rP",
        "-m",
        "slow or not slow",
        "-k",
        rest,
        *files,
    ]
    env = {**os.environ, "LLM7ROUTER_LONG": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    lines = done.stdout.splitlines()
    for line in lines:
        if line.startswith(("noleak", "breaker", "bounded", "panic", "same", "mono", "limit", "cap")):
            yield f"  {line.rpartition(': ')[0]}", line.rpartition(": ")[2], True
    verdict = next((line for line in reversed(lines) if line.startswith(("FAILED", "ERROR"))), "all pass")
    yield "state machines, recovery, memory, score", verdict, not done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="more than 10^6 requests; minutes")
    parser.add_argument("--planted", action="store_true", help="plant faults and say which tests notice")
    given = parser.parse_args()
    if given.planted:
        return 0 if planted.report() else 1
    began, missed = time.monotonic(), 0
    for part in (scheduler, whole_router, same, saturated, tests):
        for what, measured, right in part(given.long):
            missed += not right
            print(f"{what:<62} {measured}{'' if right else '   <- MISSED'}", flush=True)
    print(f"{missed} figure(s) missed, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
