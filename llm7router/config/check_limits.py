"""Checks of limits: units with their windows, calendars, prices that they need, and whether anything fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal
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
    for key in ("limits", "limits_per_model", "limits_without_key"):
        yield from _list(provider.get(key), (*where, key), models, where)
    for pool, limits in mapping(provider.get("pools")).items():
        members = {index: model for index, model in models.items() if model.get("pool") == pool}
        yield from _list(limits, (*where, "pools", pool), members, where)
    for index, model in models.items():
        yield from _list(model.get("limits"), (*where, "models", index, "limits"), {index: model}, where)


def _twice(provider: Mapping[str, Any], models: Mapping[int, Mapping[str, Any]], where: Where) -> Iterator[Problem]:
    """One counter a unit and window: two would share its name, so that one of them would not be kept."""
    shared = [((*where, key), provider.get(key)) for key in ("limits", "limits_without_key", "limits_per_model")]
    pools = [((*where, "pools", pool), limits) for pool, limits in mapping(provider.get("pools")).items()]
    counters = [[group] for group in (*shared, *pools)]
    counters += [
        [shared[-1], ((*where, "models", index, "limits"), model.get("limits"))] for index, model in models.items()
    ]
    for groups in counters:
        seen: dict[tuple[str | None, str | None], Where] = {}
        for path, limits in groups:
            for index, limit in rows(limits):
                unit, window = text(limit.get("unit")), text(limit.get("window"))
                first = seen.setdefault((unit, window), (*path, index))
                if unit is not None and first != (*path, index):
                    name = f"{unit}/{window}" if window else unit
                    yield Problem((*path, index), f"{name} is limited twice, first by {dotted(first)}; keep one")


def _list(limits: object, where: Where, models: Mapping[int, Mapping[str, Any]], provider: Where) -> Iterator[Problem]:
    for index, limit in rows(limits):
        yield from _shape(limit, (*where, index))
        yield from _calendar(limit, (*where, index))
        yield from _size(limit, (*where, index))
        unit = text(limit.get("unit")) or ""
        needed = _PRICES.get(unit)
        for number_, model in models.items():
            if needed is not None and model.get(needed) is None:
                message = f"{needed} is missing, which its {unit} limit needs; add what the provider lists"
                yield Problem((*provider, "models", number_), message)


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
        close = closest(tz, {name.lower(): name for name in available_timezones()})
        name = next((zone for zone in available_timezones() if zone.lower() == close), None)
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
        after: Literal["", " after safety"] = " after safety" if safety < 1 else ""
        message = f"no request can ever fit (given {most * safety:g}{after}); raise it, or use `enabled: false`"
        yield Problem((*where, "max"), message)
