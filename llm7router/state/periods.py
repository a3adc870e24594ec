"""Calendar periods: where a second, a minute, an hour, a day or a month of a time zone begins and ends. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from llm7router.types import Period


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
