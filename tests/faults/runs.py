"""Whole batches of runs: a quick tier for every day, a long one with the figures that are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.faults import setups
from tests.faults.fast import Fast
from tests.faults.simulator import Simulator
from tests.faults.tally import Tally

LONG = os.environ.get("LLM7ROUTER_LONG") == "1"


def scheduler(long: bool = LONG) -> Tally:
    """Seeds of the small configuration, and some of the shipped one. Long: more than 10^6 requests, 220 seeds."""
    total = Tally()
    for seed in range(200 if long else 12):
        total.add(Fast(seed, 5100 if long else 1200).run())
    for seed in range(20 if long else 3):
        total.add(Fast(seed, 2000 if long else 500, setups.shipped(), setups.SHIPPED).run())
    total.count("seeds", 220 if long else 15)
    return total


def whole_router(long: bool = LONG) -> Tally:
    """The same through LLMRouter, Ledger and MemoryStore, with callers that leave and streams that break."""
    total = Tally()
    for seed in range(20 if long else 2):
        total.add(Simulator(seed, 1000 if long else 500).run())
    for seed in range(5 if long else 1):
        total.add(Simulator(seed, 600 if long else 200, setups.shipped()).run())
    total.count("seeds", 25 if long else 3)
    return total


JUMPS = {
    "an hour forward": ((120.0, 3600.0),),
    "some odd time forward": ((120.0, 1234.9), (400.0, 77.7), (700.0, 5001.9)),
    "an hour back": ((120.0, -3600.0),),
    "back by seconds, again and again": tuple((60.0 * n, -2.5) for n in range(1, 30)),
    "forward by a second, again and again": tuple((60.0 * n, 0.9) for n in range(1, 30)),
    "forward by four seconds, again and again": tuple((37.0 * n, 4.0) for n in range(1, 40)),
    "forward and back": ((100.0, 3600.0), (400.0, -3600.0), (700.0, 3600.0)),
}


def jumping(jumps: tuple[tuple[float, float], ...], long: bool = LONG) -> Tally:
    """The whole router with demand above what the minute windows allow, while the wall clock jumps."""
    total = Tally()
    for seed in seeds(long):
        total.add(Simulator(seed, 1500 if long else 500, rate_per_s=1.0, jumps=jumps).run())
    return total


def seeds(long: bool) -> Iterator[int]:
    """Of the runs with jumps."""
    return iter(range(8 if long else 2))
