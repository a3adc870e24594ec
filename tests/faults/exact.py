"""Exact models that the state machines compare with: a log for limits, a list of events for a breaker."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm7router.types import Limit, Unit
from tests.faults.vendor import SECONDS, Meter


@dataclass
class Entry:
    """An amount that was charged to one limit, as it stands now."""

    at: float
    amount: int


@dataclass
class Log:
    """Every charge to one limit, kept for ever."""

    limit: Limit
    entries: list[Entry] = field(default_factory=list)

    def charge(self, at: float, amount: int) -> Entry:
        """Log a charge."""
        self.entries.append(Entry(at, amount))
        return self.entries[-1]

    def used(self, at: float, longer_s: float = 0.0) -> int:
        """What lies in the window that ends at `at`, lengthened by so much."""
        limit = self.limit
        if limit.concurrent:
            return sum(e.amount for e in self.entries)
        assert limit.period is not None
        if limit.tz is not None:
            period = Meter(limit, limit.max)._period
            return sum(e.amount for e in self.entries if period(e.at) == period(at))
        edge = at - SECONDS[limit.period] - longer_s
        return sum(e.amount for e in self.entries if e.at > edge)

    def must_refuse(self, at: float, amount: int) -> bool:
        """Admitting so much would pass the limit."""
        return self.used(at) + amount > self.limit.max

    def may_refuse(self, at: float, amount: int) -> bool:
        """Refusing is excused: the limit would be passed if charges stayed for a guard and a slice longer."""
        return self.used_at_most(at) + amount > self.limit.max

    def used_at_most(self, at: float) -> int:
        """What lies in the window if it is a guard and a slice longer."""
        limit = self.limit
        if limit.concurrent or limit.tz is not None:
            return self.used(at)
        assert limit.period is not None
        return self.used(at, limit.shape.span_s - SECONDS[limit.period] + limit.shape.slice_s + 1e-6)


def units(limit: Limit, tokens: int) -> int:
    """What a request of so many tokens asks of a limit."""
    return tokens if limit.unit is Unit.TOKENS else 1


@dataclass
class Breaker:
    """The breaker as it is published, from the list of everything that happened."""

    successes: list[tuple[float, float]] = field(default_factory=list)  # when, weight
    failures: list[tuple[float, float]] = field(default_factory=list)
    in_a_row: int = 0
    trips: list[float] = field(default_factory=list)  # when each that still counts happened
    open_until: float | None = None
    probe: tuple[str, float] | None = None  # who holds it, until when

    def admits(self, now: float) -> bool:
        """A request may go through."""
        if self.open_until is None:
            return True
        return now >= self.open_until and (self.probe is None or now >= self.probe[1])

    def admit(self, id: str, now: float, lease_until: float) -> bool:
        """A request goes through; True if it is the probe."""
        if self.open_until is not None:
            self.probe = (id, lease_until)
        return self.open_until is not None

    def succeed(self, probe: bool, now: float) -> None:
        """A call succeeded."""
        if self.open_until is None or probe:
            self.in_a_row = 0
            if self.open_until is not None:
                self.failures = [(at, weight / 2) for at, weight in self.failures]
            self.open_until = self.probe = None
        self.successes.append((now, 1.0))

    def fail(self, probe: bool, weight: float, now: float, jitter: float) -> None:
        """A call failed; 0 is no ill health."""
        if not weight:
            if probe:
                self.probe = None
            return
        self.failures.append((now, weight))
        self.in_a_row += weight >= 0.5
        lost, won = decayed(self.failures, now), decayed(self.successes, now)
        bad = self.in_a_row >= 3 or (lost >= 2.5 and lost >= 0.5 * (lost + won))
        if probe if self.open_until is not None else bad:
            self._forgive(now)
            self.trips.append(now)
            eject = min(300.0, 15.0 * 2 ** (len(self.trips) - 1))
            self.open_until, self.probe, self.in_a_row = now + eject * (1 + jitter) / 2, None, 0

    def posterior(self, now: float) -> float:
        """The expected share of successes."""
        won = decayed(self.successes, now) + 3.8
        return won / (won + decayed(self.failures, now) + 0.2)

    def _forgive(self, now: float) -> None:
        since = self.trips[-1] if self.trips else now
        while self.trips and now - since >= 15.0 * 2 ** len(self.trips):
            since += 15.0 * 2 ** len(self.trips)
            self.trips.pop()


def decayed(events: list[tuple[float, float]], now: float) -> float:
    """The sum of the weights, each halved every five minutes."""
    return sum(weight * 0.5 ** ((now - at) / 300) for at, weight in events)
