"""Which limit a refusal names, by the words of every provider of the catalogue. Pure."""

from __future__ import annotations

import re

from llm7router.types import Axis, Period, Unit

_UNITS = (
    (Unit.INPUT_TOKENS, re.compile(r"input[ _-]?tokens?", re.IGNORECASE)),
    (Unit.TOKENS, re.compile(r"\btokens? per|\bTP[MHD]\b|token[_-]?count|tokens?[_-]?per", re.IGNORECASE)),
    (Unit.REQUESTS, re.compile(r"\brequests? per|\bRP[SMHD]\b|requests?[_-]?per|free-models-per", re.IGNORECASE)),
)
_PERIODS = (
    (Period.DAY, re.compile(r"per[ _-]?day|\b[TR]PD\b|daily", re.IGNORECASE)),
    (Period.HOUR, re.compile(r"per[ _-]?hour|\b[TR]PH\b|hourly", re.IGNORECASE)),
    (Period.MINUTE, re.compile(r"per[ _-]?min|\b[TR]PM\b", re.IGNORECASE)),
    (Period.SECOND, re.compile(r"per[ _-]?sec|\bRPS\b", re.IGNORECASE)),
    (Period.MONTH, re.compile(r"per[ _-]?month|monthly", re.IGNORECASE)),
)


def axis_of(text: str) -> Axis | None:
    """Which limit a refusal names: "tokens per day (TPD)", "...PerMinutePerProject", "free-models-per-day"."""
    text = text[:4000]
    unit = next((unit for unit, pattern in _UNITS if pattern.search(text)), None)
    period = next((period for period, pattern in _PERIODS if pattern.search(text)), None)
    return Axis(unit, period) if unit and period else None
