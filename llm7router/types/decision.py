"""Snapshots, readings, rankings and the attempts that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from llm7router.types.deployment import Deployment
from llm7router.types.request import Request

if TYPE_CHECKING:
    from llm7router.state.cells import Cell


class Candidate(NamedTuple):
    """A deployment and its state at the snapshot's instant: what filters and factors look at."""

    deployment: Deployment
    cells: Mapping[str, Cell]
    now: float
    output_tokens: int  # what `max_tokens` would be; 0: too little fits, or embeddings (`decision.demand`)
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every deployment's state at one instant `now`."""

    now: float
    deployments: tuple[Deployment, ...]
    cells: Mapping[str, Cell]
    in_flight: Mapping[str, int] = field(default_factory=dict)


class Reading(NamedTuple):
    """What a factor says of a candidate: a value in 0..1 (health: -1..1) and, on demand, why.

    The text is put together only when someone reads it, since most decisions are never looked at.
    """

    value: float
    template: str
    arguments: tuple[Any, ...] = ()

    @property
    def because(self) -> str:
        """The reason, in a few words."""
        return self.template.format(*self.arguments)


class Rejection(NamedTuple):
    """Why a filter vetoed a candidate."""

    filter: str  # the filter's name
    summary: str  # groups equal reasons: "over requests/day"
    free_at: float | None = None  # when it ends by itself; None: it does not
    advice: str = ""  # what would help, if the person can do something

    @property
    def ever(self) -> bool:
        """It can end by waiting."""
        return self.free_at is not None and self.free_at < math.inf


class Scored(NamedTuple):
    """A candidate that passed the filters, with its points."""

    deployment: Deployment
    points: float
    readings: tuple[tuple[str, float, Reading], ...]  # factor, weight, reading
    in_flight: int = 0

    def breakdown(self) -> dict[str, float]:
        """Points by factor."""
        return {name: weight * reading.value for name, weight, reading in self.readings}


class Rejected(NamedTuple):
    """A deployment that cannot serve the request, and why."""

    deployment: Deployment
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class Decision:
    """Who can serve a request, best first, and who cannot and why."""

    request: Request
    ranking: tuple[Scored, ...]
    rejected: tuple[Rejected, ...]
    now: float
    last_resort: tuple[Scored, ...] = ()  # behind open breakers: tried when everything else has failed

    def __repr__(self) -> str:
        best = self.best.deployment.id if self.best else None
        return f"Decision(best={best!r}, {len(self.candidates)} candidates, {len(self.rejected)} rejected)"

    @property
    def panic(self) -> bool:
        """Nothing is left but what is behind open breakers."""
        return not self.ranking and bool(self.last_resort)

    @property
    def candidates(self) -> tuple[Scored, ...]:
        """What would be tried first: the ranking, or what is left without one."""
        return self.ranking or self.last_resort

    @property
    def best(self) -> Scored | None:
        """The first choice, or None."""
        return self.candidates[0] if self.candidates else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to make."""

    scored: Scored
    timeout_s: float  # for the whole call
    number: int  # 1 is the first
    last: bool = False  # nothing follows, so it gets all the time that remains
    ignore_breaker: bool = False

    @property
    def deployment(self) -> Deployment:
        """What to call."""
        return self.scored.deployment
