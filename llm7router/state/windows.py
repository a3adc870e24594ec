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


def _oldest_live(limit: Limit, now: float) -> float:
    """The lowest key that still counts."""
    if limit.tz is None:
        slice_s, _, span_s = limit.shape
        return (now - span_s) // slice_s
    assert limit.period is not None
    return bounds(limit.period, limit.tz, now - CALENDAR_GUARD_S)[0]


def _current(limit: Limit, now: float) -> int:
    """The key that a use at `now` is charged to."""
    if limit.tz is None:
        return int(now // limit.shape.slice_s)
    assert limit.period is not None
    return int(bounds(limit.period, limit.tz, now + CALENDAR_GUARD_S)[0])


def used(window: Window, limit: Limit, now: float) -> int:
    """What counts against the limit at `now`."""
    if window.key < 0:
        return 0
    oldest, closed = _oldest_live(limit, now), window.closed.slices
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
    oldest = _oldest_live(limit, now)
    for key, held in window.slices.items():
        if key >= oldest:
            excess -= held
            if excess <= 0:
                return _leaves_at(limit, key) - now
    return math.inf  # unreachable: all of it leaves at last, and amount <= max


def _calendar_wait(window: Window, limit: Limit, short: int, now: float) -> float:
    """Until the period that counts first has ended, or the one after it; `short` is what must be free beyond use."""
    assert limit.period is not None
    assert limit.tz is not None
    _, end = bounds(limit.period, limit.tz, now - CALENDAR_GUARD_S)
    if sum(held for key, held in window.slices.items() if key >= end) + short > 0:
        _, end = bounds(limit.period, limit.tz, end)
    return end + CALENDAR_GUARD_S - now


def _leaves_at(limit: Limit, key: int) -> float:
    """When all of a slice has left the rolling window."""
    return (key + 1) * limit.shape.slice_s + limit.shape.span_s


def charge(window: Window, limit: Limit, amount: int, now: float) -> tuple[Window, int]:
    """The window with `amount` added at `now`, and the key of the slice that holds it."""
    closed, key, held, total, pace, pace_at, cap, cap_at, said = window
    current = int(now // limit.shape.slice_s) if limit.tz is None else _current(limit, now)
    if current > key:  # else the clock went back: what is charged late is held longer, never shorter
        closed, total = _close(window, _oldest_live(limit, now))
        key, held = current, 0
    if limit.scarce:  # it is forecast
        pace, pace_at = (_decayed_pace(window, now) if pace else 0.0) + amount, now
    return _new(Window, (closed, key, held + amount, total + amount, pace, pace_at, cap, cap_at, said)), key


def _close(window: Window, oldest: float) -> tuple[Closed, int]:
    """All slices from `oldest` on, now that the newest takes no more, and their sum."""
    slices = {key: held for key, held in window.slices.items() if key >= oldest}
    return Closed(slices), sum(slices.values())


def without_future(window: Window, limit: Limit, now: float) -> Window:
    """The window with what lies in the future, by a clock that was ahead, moved to now."""
    current = _current(limit, now)
    if window.key <= current + 1:
        return window
    slices: dict[int, int] = {}
    for key, held in window.slices.items():
        slices[min(key, current)] = slices.get(min(key, current), 0) + held
    moved = window.with_slices(slices)
    return moved._replace(pace_at=min(window.pace_at, now), cap_at=min(window.cap_at, now))


def shifted(window: Window, limit: Limit, jump_s: float, before: float) -> Window:
    """The window after the wall clock jumped ahead from `before` by `jump_s` seconds: no time has passed, so what was
    used until then is moved along. Calendar windows go by the wall clock and stay."""
    if limit.tz is not None or window.key < 0:
        return window
    # Rounded up: what is moved too far is only held a little longer.
    steps, last = math.ceil(jump_s / limit.shape.slice_s), _current(limit, before)
    newest = _current(limit, before + jump_s)
    slices: dict[int, int] = {}
    for key, held in window.slices.items():
        moved = min(key + steps, newest) if key <= last else key
        slices[moved] = slices.get(moved, 0) + held
    return window.with_slices(dict(sorted(slices.items())))


def _decayed_pace(window: Window, now: float) -> float:
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


def runs_out_at(window: Window, limit: Limit, now: float) -> float | None:
    """When nothing is left at the present rate, in epoch seconds; None if the window frees up before that.

    The rate is that of the last hours, half-life one hour; windows shorter than that are not forecast.
    """
    if not limit.scarce:
        return None
    per_s = _decayed_pace(window, now) * math.log(2) / PACE_HALF_LIFE_S
    left = most(window, limit, now) - used(window, limit, now)
    if left <= 0:
        return now
    if per_s <= 0:
        return None
    at = now + left / per_s
    return at if at < _fills_up_at(window, limit, now) else None


def _fills_up_at(window: Window, limit: Limit, now: float) -> float:
    """When the window gives back what was used first."""
    if limit.tz is not None:
        assert limit.period is not None
        return bounds(limit.period, limit.tz, now)[1]
    oldest = _oldest_live(limit, now)
    first = next((key for key in window.slices if key >= oldest), None)
    return math.inf if first is None else _leaves_at(limit, first)


def resets_at(window: Window, limit: Limit, now: float) -> float:
    """When the limit has its full allowance again if nothing else is used, in epoch seconds."""
    if limit.tz is not None:
        assert limit.period is not None
        return bounds(limit.period, limit.tz, now)[1]
    return _leaves_at(limit, window.key) if used(window, limit, now) else now


def scarcity(window: Window, limit: Limit, now: float) -> float:
    """min(1, share left / share of the window's time left), in 0..1; a rolling window's time share is 1.

    The shadow price of daily quotas: reliability research found that it keeps scarce quota for hard tasks.
    """
    top = most(window, limit, now)
    left = max(0.0, 1 - used(window, limit, now) / top) if top else 0.0
    if limit.tz is None:
        return left
    assert limit.period is not None
    start, end = bounds(limit.period, limit.tz, now)
    return min(1.0, left / max(1e-9, (end - now) / (end - start)))
