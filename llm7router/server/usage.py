"""Usage history for the dashboard and for programs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from llm7router.errors import StoreError
from llm7router.history import History
from llm7router.history.report import BY, Line
from llm7router.server.errors import ApiError

BARS = 30  # of a plot, at most
HOURS, MOST_HOURS = 168, 87_600  # a week, ten years


async def view(history: History | None, query: Mapping[str, str]) -> dict[str, Any]:
    """The report that the query asks for, with bars over time for all and for each row.

    Raises:
        ApiError: the query is at fault (400), usage is not kept (404), or it cannot be read (503).
    """
    by, hours = query.get("by", "provider"), query.get("hours", str(HOURS))
    if by not in BY:
        raise ApiError(400, f"by: {by[:60]!r} is none of {', '.join(BY)}", param="by")
    if not (hours.isascii() and hours.isdigit() and 0 < int(hours[:9]) <= MOST_HOURS):
        raise ApiError(400, f"hours: {hours[:60]!r} is no number from 1 to {MOST_HOURS}", param="hours")
    if history is None:
        raise ApiError(404, "usage is not kept: history.enabled is false in router.yaml", code="history_off")
    try:
        return await asyncio.to_thread(_view, history, int(hours), by)
    except StoreError as error:
        raise ApiError(503, str(error), code="history_unreadable") from None


def _view(history: History, hours: int, by: str) -> dict[str, Any]:
    report = history.report(hours, by)
    groups = report.over_time(BARS, by)
    rows = [{**row, "bars": _bars(groups[row[by]])} for row in report.rows()]
    bars = _bars(report.over_time(BARS)[""])
    return {**report.to_dict(), "rows": rows, "step_s": report.step_s(BARS), "bars": bars, "kept_in": history.where}


def _bars(lines: list[Line]) -> list[dict[str, Any]]:
    figures = [line.figures() for line in lines]
    return [
        {
            "requests": each["requests"],
            "tokens": line.usage.tokens_input + line.usage.tokens_output,
            "saving_usd": each["saving_usd"],
        }
        for each, line in zip(figures, lines, strict=True)
    ]
