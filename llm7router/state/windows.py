"""Sliced windows: the arithmetic of one limit. Pure; `now` is a parameter.

A rolling window of W seconds is kept as slices of W/B seconds. A slice counts until all of it has left the
window, so the sum over any W seconds never passes the limit, whatever the arrival pattern (a token bucket
or a fixed window lets up to twice the limit through). A calendar window is one slice between two boundaries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from llm7router.types import Limit, Period


class Window(NamedTuple):
    """What has been used of one limit, and what was learned of it.

    `slices` are amounts, oldest first: a key is a slice number in a rolling window, and the start of the period in
    epoch seconds in a calendar one. `total` is their sum. `pace` is what was used lately, each hour counting half of
    the next, as of `pace_at`. `cap` is a limit learned from refusals as of `cap_at` (0: none), `said` what the
    provider itself says the limit is (0: nothing).
    """

    slices: Mapping[int, int]
    total: int
    pace: float = 0.0
    pace_at: float = 0.0
    cap: int = 0
    cap_at: float = 0.0
    said: int = 0


EMPTY = Window({}, 0)
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


def bounds(period: Period, tz: str, now: float) -> tuple[float, float]:
    """Start and end, in epoch seconds, of the calendar period of `tz` that holds `now`; a day may have 23 or 25 h.

    Raises:
        ValueError: the period is not one that calendars have (10 seconds).
    """
    # Boundaries of every zone lie on quarter hours, so the answer is the same within one.
    return _bounds(period, tz, int(now // 900) * 900) if period not in _SHORT else _short_bounds(period, now)


_SHORT = frozenset({Period.SECOND, Period.MINUTE})


def _short_bounds(period: Period, now: float) -> tuple[float, float]:
    length = 1.0 if period is Period.SECOND else 60.0
    start = now // length * length
    return start, start + length


@lru_cache(maxsize=256)
def _bounds(period: Period, tz: str, at: int) -> tuple[float, float]:
    zone = ZoneInfo(tz)
    local = datetime.fromtimestamp(at, zone)
    if period is Period.HOUR:
        start = local.replace(minute=0, second=0, microsecond=0)
        return start.timestamp(), start.timestamp() + 3600
    start = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)  # a midnight that comes twice is one
    if period is Period.DAY:
        end = start + timedelta(days=1)  # wall-clock arithmetic: the next local midnight, also when clocks change
    elif period is Period.MONTH:
        start = start.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
    else:
        raise ValueError(f"no calendar window of {period.value}")
    return start.timestamp(), end.timestamp()


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
    slices = window.slices
    if not slices:
        return 0
    oldest = _oldest_live(limit, now)
    for key in slices:  # the first key is the oldest
        if key >= oldest:
            return window.total
        break
    return sum(amount for key, amount in slices.items() if key >= oldest)


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
    """The window with `amount` added at `now`, pruned, and the key of the slice that holds it."""
    if limit.tz is None:  # written out: it is done for every limit of every call
        slice_s, _, span_s = limit.shape
        oldest, current = (now - span_s) // slice_s, int(now // slice_s)
    else:
        oldest, current = _oldest_live(limit, now), _current(limit, now)
    slices, total = dict(window.slices), window.total
    if slices and next(iter(slices)) < oldest:
        slices = {key: held for key, held in slices.items() if key >= oldest}
        total = sum(slices.values())
    if slices and current < (newest := next(reversed(slices))):
        current = newest  # the clock went back: what is charged late is held longer, never shorter
    slices[current] = slices.get(current, 0) + amount
    pace, pace_at = (_decayed_pace(window, now) + amount, now) if limit.scarce else (0.0, 0.0)  # what is forecast
    return Window(slices, total + amount, pace, pace_at, window.cap, window.cap_at, window.said), current


def without_future(window: Window, limit: Limit, now: float) -> Window:
    """The window with what lies in the future, by a clock that was ahead, moved to now."""
    current = _current(limit, now)
    if all(key <= current + 1 for key in window.slices):
        return window
    slices = {key: amount for key, amount in window.slices.items() if key <= current}
    slices[current] = slices.get(current, 0) + sum(amount for key, amount in window.slices.items() if key > current)
    return window._replace(slices=slices, pace_at=min(window.pace_at, now), cap_at=min(window.cap_at, now))


def shifted(window: Window, limit: Limit, jump_s: float, before: float) -> Window:
    """The window after the wall clock jumped ahead from `before` by `jump_s` seconds: no time has passed, so what was
    used until then is moved along. Calendar windows go by the wall clock and stay."""
    if limit.tz is not None or not window.slices:
        return window
    # Rounded up: what is moved too far is only held a little longer.
    steps, last = math.ceil(jump_s / limit.shape.slice_s), _current(limit, before)
    newest = _current(limit, before + jump_s)
    slices: dict[int, int] = {}
    for key in sorted(window.slices):
        moved = min(key + steps, newest) if key <= last else key
        slices[moved] = slices.get(moved, 0) + window.slices[key]
    return window._replace(slices=dict(sorted(slices.items())))


def _decayed_pace(window: Window, now: float) -> float:
    if not window.pace:
        return 0.0
    return float(window.pace * 0.5 ** (max(0.0, now - window.pace_at) / PACE_HALF_LIFE_S))


def correct(window: Window, key: int, difference: int) -> Window:
    """The window with the slice that was charged corrected, if it is still there; a slice never falls below 0.

    Correcting any other slice would let more than the limit through once the charged one has left.
    """
    held = window.slices.get(key)
    if held is None or difference == 0:
        return window
    difference = max(difference, -held)
    slices = dict(window.slices)
    slices[key] = held + difference
    pace = max(0.0, window.pace + difference)
    return window._replace(slices=slices, total=window.total + difference, pace=pace)


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
    return _leaves_at(limit, next(reversed(window.slices))) if used(window, limit, now) else now


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
