"""Checks of limits: units with their windows, calendars, prices that they need, and whether anything fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from llm7router.config.faults import Problem, Where, closest, dotted, shown
from llm7router.config.raw import mapping, number, rows, text

_CALENDAR = ("minute", "hour", "day", "month")  # what begins at a round time of the clock
_WINDOWS = "second, 10 seconds, minute, hour, day or month"
_PRICES = {"usd": "list_cost", "neurons": "neurons_per_mtok"}
_LEAST = {"usd": 1e-6}  # counted in micro-dollars; everything else is counted whole


def limit_problems(provider: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    """What is wrong with the limits of a provider, its pools and its models."""
    models = dict(rows(provider.get("models")))
    yield from _twice(provider, models, where)
    everywhere: set[str] = set()  # units that limit every model
    for key in ("limits", "limits_per_model", "limits_without_key"):
        yield from _each(provider, (*where, key), everywhere)
    pools = mapping(provider.get("pools"))
    by_pool: dict[str, set[str]] = {pool: set() for pool in pools}
    for pool, units in by_pool.items():
        yield from _each(pools, (*where, "pools", pool), units)
    for index, model in models.items():
        path = (*where, "models", index)
        own: set[str] = set()
        yield from _each(model, (*path, "limits"), own)
        yield from _prices(model, own | everywhere | by_pool.get(text(model.get("pool")) or "", set()), path)


def _each(holder: Mapping[str, Any], path: Where, units: set[str]) -> Iterator[Problem]:
    """What is wrong with each of the limits under the path's last key; adds what they count to `units`."""
    for where, limit in _numbered(holder, path):
        units.add(text(limit.get("unit")) or "")
        yield from _shape(limit, where)
        yield from _calendar(limit, where)
        yield from _size(limit, where)


def _prices(model: Mapping[str, Any], units: set[str], where: Where) -> Iterator[Problem]:
    for unit, needed in _PRICES.items():
        if unit in units and model.get(needed) is None:
            yield Problem(where, f"{needed} is missing, which its {unit} limit needs; add what the provider lists")


def _twice(provider: Mapping[str, Any], models: Mapping[int, Mapping[str, Any]], where: Where) -> Iterator[Problem]:
    """A counter is named by unit and window: of two with one name, one would not be kept."""
    per_model = _numbered(provider, (*where, "limits_per_model"))
    counters = [per_model, _numbered(provider, (*where, "limits")), _numbered(provider, (*where, "limits_without_key"))]
    pools = mapping(provider.get("pools"))
    counters += [_numbered(pools, (*where, "pools", pool)) for pool in pools]
    counters += [per_model + _numbered(model, (*where, "models", at, "limits")) for at, model in models.items()]
    for counter in counters:
        seen: dict[str, Where] = {}
        for path, limit in counter:
            unit, window = text(limit.get("unit")), text(limit.get("window"))
            name = f"{unit}/{window}" if window else f"{unit}"
            first = seen.setdefault(name, path)
            if unit is not None and first != path:
                yield Problem(path, f"{name} is limited twice, first by {dotted(first)}; keep one")


def _numbered(holder: Mapping[str, Any], path: Where) -> list[tuple[Where, Mapping[str, Any]]]:
    """The limits that a mapping holds under the path's last key, with their paths."""
    return [((*path, index), limit) for index, limit in rows(holder.get(str(path[-1])))]


def _shape(limit: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    unit, window = text(limit.get("unit")), limit.get("window")
    if unit == "concurrent" and window is not None:
        yield Problem((*where, "window"), "concurrent counts calls in flight and has no window; remove it")
    if unit is not None and unit != "concurrent" and window is None:
        yield Problem(where, f"window is missing; add one of {_WINDOWS}")


def _calendar(limit: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    window = text(limit.get("window"))
    if limit.get("kind") == "calendar" and window in ("second", "10 seconds"):
        advice = f"use {', '.join(_CALENDAR)}, or leave `kind` out for a rolling window"
        yield Problem((*where, "kind"), f"no calendar has a window of {window}; {advice}")
    tz = text(limit.get("tz"))
    fault = _zone_fault(tz) if tz is not None else None
    if fault is not None:
        yield Problem((*where, "tz"), fault)


@cache
def _zone_fault(tz: str) -> str | None:
    try:
        ZoneInfo(tz)
    except (LookupError, ValueError, OSError):  # unknown, not a relative path, a directory
        names = {name.lower(): name for name in available_timezones()}
        name = names.get(closest(tz, names) or "")
        advice = f"did you mean {name!r}?" if name else "use a name such as UTC or America/Los_Angeles"
        return f"unknown time zone (given {shown(tz)}); {advice}"
    return None


def _size(limit: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    """A limit that nothing fits into would block its deployments for good, without saying so."""
    most, safety = number(limit.get("max")), number(limit.get("safety", 1.0))
    if most is None or safety is None or most < 0 or not 0 < safety <= 1:
        return
    unit = text(limit.get("unit")) or ""
    if most * safety < _LEAST.get(unit, 1):
        after = " after safety" if safety < 1 else ""
        message = f"no request can ever fit (given {most * safety:g}{after}); raise it, or use `enabled: false`"
        yield Problem((*where, "max"), message)
