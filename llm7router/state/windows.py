"""Sliced windows: the arithmetic of one limit. Pure; `now` is a parameter.

A rolling window of W seconds is kept as slices of W/B seconds. A slice counts until all of it has left the
window, so the sum over any W seconds never passes the limit, whatever the arrival pattern (a token bucket
or a fixed window lets up to twice the limit through). A calendar window is one slice between two boundaries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from llm7router.state.periods import bounds
from llm7router.types import Limit


@dataclass(frozen=True)
class Closed:
    """The slices of a window but the newest. Windows share them, so that a charge copies none: they change when a
    slice begins, and when one of them is corrected."""

    slices: dict[int, int]

    @cached_property
    def last(self) -> int:
        """The newest key among them; 0 if there is none."""
        return next(reversed(self.slices), 0)

    @cached_property
    def text(self) -> str:
        """For each slice how far its key is from the one before (the first: from 0), and its amount: `7,20,1,5,`."""
        steps = zip(self.slices, (0, *self.slices), self.slices.values(), strict=False)
        return "".join([f"{key - before},{amount}," for key, before, amount in steps])


class Window(NamedTuple):
    """What has been used of one limit, and what was learned of it.

    Amounts are kept in slices: a key is a slice number in a rolling window, and the start of the period in epoch
    seconds in a calendar one. The newest slice has `key` (-1: there is none) and holds `held`. `total` is the sum of
    all. `pace` is what was used lately, each hour counting half of the next, as of `pace_at`. `cap` is a limit learned
    from refusals as of `cap_at` (0: none), `said` what the provider itself says the limit is (0: nothing).
    """

    closed: Closed = Closed({})
    key: int = -1
    held: int = 0
    total: int = 0
    pace: float = 0.0
    pace_at: float = 0.0
    cap: int = 0
    cap_at: float = 0.0
    said: int = 0

    @property
    def slices(self) -> Mapping[int, int]:
        """Every amount by its key, oldest first."""
        return {**self.closed.slices, self.key: self.held} if self.key >= 0 else self.closed.slices

    def with_slices(self, slices: Mapping[int, int]) -> Window:
        """The window with other amounts, oldest first."""
        closed = dict(slices)
        key, held = closed.popitem() if closed else (-1, 0)
        return self._replace(closed=Closed(closed), key=key, held=held, total=sum(slices.values()))


_new = tuple.__new__  # half of the time of `Window(...)`, and six are made a call
EMPTY = Window()
# Around the end of a calendar period a call counts in both: it is still on its way, or a clock is ahead.
CALENDAR_GUARD_S = 1.0
PACE_HALF_LIFE_S = 3600.0
REGAINED_PER_DAY = 1.05  # a learned cap grows back by 5 % a day without refusals, up to the limit


def most(window: Window, limit: Limit, now: float) -> int:
    """The limit as it stands: what the provider says, else what is configured, and not above a learned cap."""
    top = window.said or limit.max
    if window.cap:
        grown = window.cap * REGAINED_PER_DAY ** min(365.0, max(0.0, now - window.cap_at) / 86400)
        return min(top, int(grown))
    return top


def oldest_live(limit: Limit, now: float) -> float:
    """The lowest key that still counts."""
    if limit.tz is None:
        slice_s, _, span_s = limit.shape
        return (now - span_s) // slice_s
    assert limit.period is not None
    return bounds(limit.period, limit.tz, now - CALENDAR_GUARD_S)[0]


def key_at(limit: Limit, now: float) -> int:
    """The key that a use at `now` is charged to."""
    if limit.tz is None:
        return int(now // limit.shape.slice_s)
    assert limit.period is not None
    return int(bounds(limit.period, limit.tz, now + CALENDAR_GUARD_S)[0])


def used(window: Window, limit: Limit, now: float) -> int:
    """What counts against the limit at `now`."""
    if window.key < 0:
        return 0
    oldest, closed = oldest_live(limit, now), window.closed.slices
    for key in closed:  # the first key is the oldest
        if key >= oldest:
            return window.total
        return sum([held for key, held in closed.items() if key >= oldest], window.held if window.key >= oldest else 0)
    return window.held if window.key >= oldest else 0


def wait(window: Window, limit: Limit, amount: int, now: float) -> float:
    """Seconds until `amount` fits if nothing else is used: 0 now, infinity never."""
    top = most(window, limit, now)
    if window.total + amount <= top:  # the total is never below what counts
        return 0.0
    if amount > top:
        return math.inf
    excess = used(window, limit, now) + amount - top
    if excess <= 0:
        return 0.0
    if limit.tz is not None:
        return _calendar_wait(window, limit, amount - top, now)
    oldest = oldest_live(limit, now)
    for key, held in window.slices.items():
        if key >= oldest:
            excess -= held
            if excess <= 0:
                return leaves_at(limit, key) - now
    return math.inf  # unreachable: all of it leaves at last, and amount <= max


def _calendar_wait(window: Window, limit: Limit, short: int, now: float) -> float:
    """Until the period that counts first has ended, or the one after it; `short` is what must be free beyond use."""
    assert limit.period is not None
    assert limit.tz is not None
    _, end = bounds(limit.period, limit.tz, now - CALENDAR_GUARD_S)
    if sum(held for key, held in window.slices.items() if key >= end) + short > 0:
        _, end = bounds(limit.period, limit.tz, end)
    return end + CALENDAR_GUARD_S - now


def leaves_at(limit: Limit, key: int) -> float:
    """When all of a slice has left the rolling window."""
    return (key + 1) * limit.shape.slice_s + limit.shape.span_s


def charge(window: Window, limit: Limit, amount: int, now: float) -> tuple[Window, int]:
    """The window with `amount` added at `now`, and the key of the slice that holds it."""
    closed, key, held, total, pace, pace_at, cap, cap_at, said = window
    current = int(now // limit.shape.slice_s) if limit.tz is None else key_at(limit, now)
    if current > key:  # else the clock went back: what is charged late is held longer, never shorter
        closed, total = _close(window, oldest_live(limit, now))
        key, held = current, 0
    if limit.scarce:  # it is forecast
        pace, pace_at = (decayed_pace(window, now) if pace else 0.0) + amount, now
    return _new(Window, (closed, key, held + amount, total + amount, pace, pace_at, cap, cap_at, said)), key


def _close(window: Window, oldest: float) -> tuple[Closed, int]:
    """All slices from `oldest` on, now that the newest takes no more, and their sum."""
    slices = {key: held for key, held in window.slices.items() if key >= oldest}
    return Closed(slices), sum(slices.values())


def decayed_pace(window: Window, now: float) -> float:
    """What was used lately, as of `now`."""
    if not window.pace:
        return 0.0
    age_s = now - window.pace_at
    return float(window.pace * 0.5 ** (age_s / PACE_HALF_LIFE_S)) if age_s > 0 else window.pace


def correct(window: Window, key: int, difference: int) -> Window:
    """The window with the slice that was charged corrected, if it is still there; a slice never falls below 0.

    Correcting any other slice would let more than the limit through once the charged one has left.
    """
    closed, newest, held, total, pace, pace_at, cap, cap_at, said = window
    if key != newest:
        amount = closed.slices.get(key)
        if amount is None or difference == 0:
            return window
        difference = max(difference, -amount)
        closed = Closed({**closed.slices, key: amount + difference})
    elif key >= 0 and difference:
        if difference < -held:
            difference = -held
        held += difference
    else:
        return window
    if pace_at:
        pace = max(0.0, pace + difference)
    return _new(Window, (closed, newest, held, total + difference, pace, pace_at, cap, cap_at, said))
