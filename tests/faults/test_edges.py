"""Requests on their way while a period ends: they leave in one and arrive in the next."""

from __future__ import annotations

import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from llm7router.state import windows
from llm7router.types import Period
from tests.faults.vendor import Meter
from tests.make import limit

WIRE_S = 0.5  # most seconds on the way, and as much for clocks that differ


@pytest.mark.parametrize("tz", ["UTC", "America/Los_Angeles"])
@pytest.mark.parametrize("period", [Period.HOUR, Period.DAY, Period.MONTH], ids=str)
def test_limit_what_is_on_its_way_when_a_calendar_period_ends_counts_in_the_next_one(period: Period, tz: str) -> None:
    turn = datetime(2027, 2, 1, tzinfo=ZoneInfo(tz)).timestamp()
    bound, rng, passed = limit(period=period.value, max=5, tz=tz), random.Random(period.value), 0
    for _ in range(20):
        window, arrivals, now = windows.EMPTY, [], turn - rng.uniform(0, 2)
        while now < turn + 3:
            if windows.wait(window, bound, 1, now) == 0:
                window, _ = windows.charge(window, bound, 1, now)
                arrivals.append(now + rng.uniform(0, WIRE_S))
            now += rng.uniform(0, 0.2)
        meter = Meter(bound, bound.max)
        for at in sorted(arrivals):
            passed += meter.used(at) + 1 > meter.max
            meter.add(at, 1)
    print(f"limit, calendar {period} in {tz}: passed {passed} times in 20 turns")
    assert not passed
