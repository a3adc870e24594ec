"""What a person or a program sees of the state: a snapshot turned into plain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from llm7router.state import forecast, health, quota, refusals, windows
from llm7router.state.cells import EMPTY, Cell
from llm7router.types import Deployment, Limit, Snapshot


@dataclass(frozen=True, slots=True)
class LimitStats:
    """One limit: `used` of `max` in its unit (usd: micro-dollars). Instants are epoch seconds.

    `full_at` is when all of it is free again, `runs_out_at` when nothing is left at the present rate (None: not before
    it frees up).
    """

    name: str
    shared: bool
    used: int
    max: int
    full_at: float | None
    runs_out_at: float | None
    source: str | None
    checked: str | None


@dataclass(frozen=True, slots=True)
class DeploymentStats:
    """One deployment. `state` is available, open, probing, blocked, exhausted or off; `until` when that ends."""

    id: str
    provider: str
    state: str
    reason: str
    until: float | None
    advice: str
    health: float  # expected share of successes, 0..1
    first_token_s: float | None
    seconds_per_token: float | None
    in_flight: int
    limits: tuple[LimitStats, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything, at the instant `now`. `trouble` says why the configured store is not in use, if so."""

    now: float
    store: str
    trouble: str | None
    environment: str
    deployments: tuple[DeploymentStats, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def deployment_stats(snapshot: Snapshot, deployment: Deployment) -> DeploymentStats:
    """The state of one deployment."""
    cell = snapshot.cells.get(deployment.cell, EMPTY)
    state, reason, until = _state(snapshot.cells, deployment, snapshot.now)
    return DeploymentStats(
        id=deployment.id,
        provider=deployment.provider,
        state=state,
        reason=reason,
        until=until,
        advice=deployment.off.advice if deployment.off else "",
        health=health.posterior(cell.health, snapshot.now),
        first_token_s=cell.latency.first_token_s,
        seconds_per_token=cell.latency.per_token_s,
        in_flight=snapshot.in_flight.get(deployment.id, 0),
        limits=tuple(_limit(snapshot.cells, each, snapshot.now) for each in deployment.limits if not each.counts_only),
    )


def _state(cells: Mapping[str, Cell], deployment: Deployment, now: float) -> tuple[str, str, float | None]:
    if deployment.off:
        return "off", deployment.off.reason, None
    if blocked := refusals.find_block(cells, deployment, now):
        return "blocked", blocked.reason, blocked.free_at
    state = cells.get(deployment.cell, EMPTY).health
    if health.available_at(state, now) > now:
        return "open", "breaker open", health.available_at(state, now)
    one_each = tuple(quota.Charge(limit, 1) for limit in deployment.limits)
    if refusal := refusals.find_refusal(cells, one_each, now):
        return "exhausted", refusal.reason, refusal.free_at
    return ("probing", "the next request is the probe", None) if health.probing(state, now) else ("available", "", None)


def _limit(cells: Mapping[str, Cell], limit: Limit, now: float) -> LimitStats:
    cell = cells.get(limit.cell, EMPTY)
    top, full_at, runs_out_at = limit.max, None, None
    if limit.concurrent:
        used = sum(until > now for until in cell.leases.values())
    else:
        window = cell.windows.get(limit.name, windows.EMPTY)
        used = windows.used(window, limit, now)
        top = windows.most(window, limit, now)
        full_at = forecast.resets_at(window, limit, now) if used else None
        runs_out_at = forecast.runs_out_at(window, limit, now)
    return LimitStats(limit.name, limit.shared, used, top, full_at, runs_out_at, limit.source, limit.checked)
