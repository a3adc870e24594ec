"""Usage as people look at it: grouped, over time, and beside what it would have cost elsewhere. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from llm7router.history import sketch
from llm7router.history.base import Rows
from llm7router.history.usage import HOUR_S, Key, Usage
from llm7router.types import Operation

if TYPE_CHECKING:
    from llm7router.config.history_models import ReferenceConfig


class Price(NamedTuple):
    """Of the reference, in USD per million tokens."""

    input: float
    output: float

    def of(self, key: Key, usage: Usage) -> float:
        """What the usage would have cost there, in USD. Embeddings are left out: it is the price of chats."""
        if key.task == Operation.EMBEDDINGS:
            return 0.0
        return (usage.tokens_input * self.input + usage.tokens_output * self.output) / 1e6


@dataclass(slots=True)
class Line:
    """The sums of one group."""

    usage: Usage = field(default_factory=Usage)
    reference_usd: float = 0.0

    def figures(self) -> dict[str, int | float | None]:
        """Everything that is shown of it. `saving_usd` is negative if more was paid than there; latencies in seconds
        are of calls that answered, the reader's own time left out, and at most 5 % off (`sketch.ERROR`).
        """
        u = self.usage
        return {
            "requests": u.requests,
            "answered": u.answered,
            "cached": u.cached,
            "cancelled": u.cancelled,
            "calls": u.calls,
            "failed_calls": u.failures,
            "tokens_input": u.tokens_input,
            "tokens_output": u.tokens_output,
            "cost_usd": round(u.cost_usd, 9),
            "reference_usd": round(self.reference_usd, 9),
            "saving_usd": round(self.reference_usd - u.cost_usd, 9),
            "latency_p50_s": _rounded(sketch.quantile(u.latency, 0.5)),
            "latency_p95_s": _rounded(sketch.quantile(u.latency, 0.95)),
        }


GROUPS: Mapping[str, Callable[[Key], str]] = {
    "provider": lambda key: key.provider,
    "model": lambda key: f"{key.provider}/{key.model}" if key.provider else "",
    "task": lambda key: key.task,
    "caller": lambda key: key.caller,
    "hour": lambda key: datetime.fromtimestamp(key.hour).astimezone().isoformat(timespec="minutes"),
    "day": lambda key: datetime.fromtimestamp(key.hour).astimezone().date().isoformat(),
    "all": lambda key: "",
}
"""By what usage can be grouped; hours and days are those of this machine's time zone."""
BY = tuple(GROUPS)[:-1]  # as people may ask for it


def grouped(rows: Rows, by: str, price: Price) -> dict[str, Line]:
    """A line for each group: hours and days in order, others by requests, the most first."""
    name_of, lines = GROUPS[by], dict[str, Line]()
    in_order = by in ("hour", "day")
    for key in sorted(rows) if in_order else rows:
        _add(lines.setdefault(name_of(key), Line()), key, rows[key], price)
    if in_order:
        return lines
    return dict(sorted(lines.items(), key=lambda item: (-item[1].usage.requests, -item[1].usage.calls, item[0])))


def since(now: float, hours: int) -> int:
    """Where the last so many hours begin, the one under way included, in epoch seconds."""
    return int(now // HOUR_S - hours + 1) * HOUR_S


@dataclass(frozen=True)
class Report:
    """Usage from the begin of the hour `since` up to now (`until`), both in epoch seconds."""

    usage: Rows
    since: int
    until: float
    by: str
    reference: ReferenceConfig

    @property
    def price(self) -> Price:
        """Of the reference."""
        return Price(self.reference.input, self.reference.output)

    def lines(self) -> dict[str, Line]:
        """By group."""
        return grouped(self.usage, self.by, self.price)

    def total(self) -> Line:
        """All of it."""
        return next(iter(grouped(self.usage, "all", self.price).values()), Line())

    def rows(self) -> list[dict[str, Any]]:
        """For JSON and CSV: a flat row for each group."""
        return [{self.by: name, **line.figures()} for name, line in self.lines().items()]

    def step_s(self, bars: int) -> int:
        """How long a stretch each of at most so many bars of a plot stands for: whole hours."""
        return max(1, math.ceil((self.until - self.since) / HOUR_S / bars)) * HOUR_S

    def over_time(self, bars: int, by: str = "all") -> dict[str, list[Line]]:
        """By group, a line for each stretch of `step_s(bars)` since the begin; everything together is in group ""."""
        step = self.step_s(bars)
        count = max(1, math.ceil((self.until - self.since) / step))
        found: dict[str, list[Line]] = {} if by != "all" else {"": [Line() for _ in range(count)]}
        for key, usage in self.usage.items():
            lines = found.setdefault(GROUPS[by](key), [])
            lines.extend(Line() for _ in range(count - len(lines)))
            if (place := (key.hour - self.since) // step) < count:  # not of a clock that was ahead
                _add(lines[place], key, usage, self.price)
        return found

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "since": self.since,
            "until": self.until,
            "by": self.by,
            "reference": self.reference.model_dump(mode="json"),
            "rows": self.rows(),
            "totals": self.total().figures(),
        }


def _add(line: Line, key: Key, usage: Usage, price: Price) -> None:
    line.usage.add(usage)
    line.reference_usd += price.of(key, usage)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.4g}")
