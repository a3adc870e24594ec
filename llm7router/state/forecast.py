"""What is to come of a limit: when it runs out, when it is whole again, and how scarce what is left is. Pure."""

from __future__ import annotations

import math

from llm7router.state.periods import bounds
from llm7router.state.windows import PACE_HALF_LIFE_S, Window, decayed_pace, leaves_at, most, oldest_live, used
from llm7router.types import Limit


def runs_out_at(window: Window, limit: Limit, now: float) -> float | None:
    """When nothing is left at the present rate, in epoch seconds; None if the window frees up before that.

    The rate is that of the last hours, half-life one hour; windows shorter than that are not forecast.
    """
    if not limit.scarce:
        return None
    per_s = decayed_pace(window, now) * math.log(2) / PACE_HALF_LIFE_S
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
    oldest = oldest_live(limit, now)
    first = next((key for key in window.slices if key >= oldest), None)
    return math.inf if first is None else leaves_at(limit, first)


def resets_at(window: Window, limit: Limit, now: float) -> float:
    """When the limit has its full allowance again if nothing else is used, in epoch seconds."""
    if limit.tz is not None:
        assert limit.period is not None
        return bounds(limit.period, limit.tz, now)[1]
    return leaves_at(limit, window.key) if used(window, limit, now) else now


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
