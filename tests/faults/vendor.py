"""A provider as its vendor runs it: an exact log of what arrived, in its own time, and limits held to the letter.

It shares no code with the router's windows: a rolling window is a log that is pruned to (now - W, now], a calendar
window is a date in the vendor's time zone. The strictest reading is taken where vendors differ: every request that
arrives counts, also one that then fails, and tokens count from the moment of arrival.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from llm7router.types import Axis, Counts, Deployment, Limit, Period, Unit

SECONDS = {
    Period.SECOND: 1.0,
    Period.TEN_SECONDS: 10.0,
    Period.MINUTE: 60.0,
    Period.HOUR: 3600.0,
    Period.DAY: 86400.0,
    Period.MONTH: 31 * 86400.0,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the vendor sees it: `prompt` and `output` are true token counts, `most` the `max_tokens` sent."""

    deployment: Deployment
    prompt: int
    most: int
    output: int


def amount(limit: Limit, asked: Asked) -> int:
    """What the request counts against a limit."""
    if limit.unit in (Unit.REQUESTS, Unit.CONCURRENT):
        return 1
    if limit.unit is Unit.INPUT_TOKENS or limit.counts is Counts.INPUT_ONLY:
        return asked.prompt
    if limit.unit is Unit.TOKENS:
        return asked.prompt + (asked.most if limit.counts is Counts.RESERVED else asked.output)
    price = asked.deployment.neurons if limit.unit is Unit.NEURONS else asked.deployment.list_cost
    assert price is not None
    scale = 1 if limit.unit is Unit.NEURONS else 1_000_000
    return int(price.of(asked.prompt, asked.output) * scale)


@dataclass
class Meter:
    """One limit, counted exactly."""

    limit: Limit
    max: int
    log: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0
    ever: int = 0
    peak: int = 0
    _key: Any = None

    def used(self, at: float) -> int:
        """What counts at `at`."""
        limit, log = self.limit, self.log
        if limit.concurrent:
            return self.total
        assert limit.period is not None
        if limit.tz is not None:
            key = self._period(at)
            if key != self._key:
                self._key, self.total = key, 0
        else:
            edge = at - SECONDS[limit.period]
            while log and log[0][0] <= edge:
                self.total -= log.popleft()[1]
        return self.total

    def add(self, at: float, units: int) -> None:
        """Count; `used` was called for the same instant."""
        self.total += units
        self.ever += units
        self.peak = max(self.peak, self.total)
        if not self.limit.concurrent and self.limit.tz is None:
            self.log.append((at, units))

    def free_in(self, at: float, units: int) -> float:
        """Seconds until so much fits, if nothing else comes."""
        excess = self.used(at) + units - self.max
        if excess <= 0:
            return 0.0
        if self.limit.concurrent or excess > self.total:
            return 60.0
        if self.limit.tz is not None:  # boundaries of every zone lie on quarter hours
            return 900 - at % 900
        assert self.limit.period is not None
        for since, held in self.log:
            excess -= held
            if excess <= 0:
                return since + SECONDS[self.limit.period] - at
        return 0.0

    def _period(self, at: float) -> Any:
        assert self.limit.tz is not None
        local = datetime.fromtimestamp(at, ZoneInfo(self.limit.tz))
        if self.limit.period is Period.DAY:
            return local.date()
        if self.limit.period is Period.MONTH:
            return (local.year, local.month)
        return (local.date(), local.hour) if self.limit.period is Period.HOUR else int(at // 60)


@dataclass(frozen=True, slots=True)
class TooMuch:
    """A refusal: the limit that was passed, and when to come back."""

    axis: Axis | None
    retry_after_s: float
    name: str


class Vendor:
    """Every provider of a configuration: meters by state cell and limit name. `breaches` names what was passed."""

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self.meters: dict[tuple[str, str], Meter] = {}
        self.breaches: list[str] = []
        self._of: dict[str, list[Meter]] = {}
        for d in deployments:
            self._of[d.id] = [
                self.meters.setdefault((limit.cell, limit.name), Meter(limit, limit.max))
                for limit in d.limits
                if not limit.name.startswith("budget")
            ]

    def arrive(self, asked: Asked, at: float, *, generates: bool = True) -> TooMuch | None:
        """Count the request, or refuse it. One that is turned away for another reason generates nothing."""
        meters = self._of[asked.deployment.id]
        units = [amount(m.limit, asked) if generates or m.limit.unit is Unit.REQUESTS else 0 for m in meters]
        over = [(m, u) for m, u in zip(meters, units, strict=True) if m.used(at) + u > m.max]
        if over:
            meter, wanted = max(over, key=lambda pair: pair[0].free_in(at, pair[1]))
            limit = meter.limit
            self.breaches.append(f"{asked.deployment.provider} {limit.name}")
            axis = Axis(limit.unit, limit.period) if limit.period else None
            for m in meters:  # a refused request is still a request
                if m.limit.unit is Unit.REQUESTS:
                    m.add(at, 1)
            return TooMuch(axis, max(0.0, meter.free_in(at, wanted)), limit.name)
        for m, u in zip(meters, units, strict=True):
            if not m.limit.concurrent or generates:
                m.add(at, u)
        return None

    def leave(self, deployment: Deployment) -> None:
        """A request that was being generated ended."""
        for meter in self._of[deployment.id]:
            if meter.limit.concurrent:
                meter.total -= 1

    def has_room(self, asked: Asked, at: float) -> bool:
        """It would be admitted now."""
        return all(m.used(at) + amount(m.limit, asked) <= m.max for m in self._of[asked.deployment.id])

    def wait(self, asked: Asked, at: float) -> float:
        """Seconds until it would be admitted, if nothing else comes."""
        return max(m.free_in(at, amount(m.limit, asked)) for m in self._of[asked.deployment.id])
