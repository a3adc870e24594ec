"""Reserve before a call, settle after it. Pure: cells in, changed cells out.

A reservation takes from every window of a deployment and of what it shares, or from none. Settling corrects the
slices that were charged, records health, latency and blocks, and gives leases back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from llm7router.decision.failures import POLICIES, Refund, Scope, block_s
from llm7router.state import health as breaker
from llm7router.state import latency as speed
from llm7router.state import learn, windows
from llm7router.state.cells import EMPTY, Block, Cell
from llm7router.state.refusals import Cells, Refusal, find_block, find_refusal
from llm7router.types import Deployment, Failure, Limit, Outcome, Unit

BREAKER_OPEN = "breaker open"
_REQUESTS = Unit.REQUESTS
LEASE_GRACE_S = 10.0  # a lease outlives its deadline by this much, then a killed process's slot comes back


class Charge(NamedTuple):
    """An amount that one limit is asked for."""

    limit: Limit
    amount: int


class Charged(NamedTuple):
    """An amount that was taken, and the slice that holds it."""

    limit: Limit
    amount: int
    slice: int


Actual = Callable[[Charged], int]
"""What a charge was really used for, once the provider has told the tokens."""


class Reservation(NamedTuple):
    """Quota taken for one call. `expires_at` ends its leases if nobody settles it."""

    id: str
    deployment: Deployment
    charged: tuple[Charged, ...]
    leases: tuple[str, ...]  # cells that hold a concurrency lease
    output_tokens: int  # what was asked for, all choices together
    probe: bool  # the breaker was open: the outcome closes it or opens it again
    turn: bool  # it holds the one turn to probe
    reserved_at: float
    expires_at: float


def reserve(
    cells: Cells,
    deployment: Deployment,
    charges: tuple[Charge, ...],
    *,
    id: str,
    now: float,
    expires_at: float,
    output_tokens: int = 0,
    ignore_breaker: bool = False,
) -> tuple[Reservation | Refusal, dict[str, Cell]]:
    """Take every charge, or none. The changed cells are empty after a refusal."""
    own = cells.get(deployment.cell, EMPTY)
    reopens_at = breaker.available_at(own.health, now)
    shut = Refusal(BREAKER_OPEN, reopens_at) if reopens_at > now and not ignore_breaker else None
    refusals = (find_block(cells, deployment, now), find_refusal(cells, charges, now), shut)
    if refused := [refusal for refusal in refusals if refusal is not None]:
        return max(refused, key=lambda refusal: refusal.free_at), {}  # all of them must end
    changed: dict[str, Cell] = {}
    fresh: dict[str, dict[str, windows.Window]] = {}  # by cell, so that each is put together once
    charged: list[Charged] = []
    leases: list[str] = []
    for limit, amount in charges:
        key = limit.cell
        if limit.concurrent:
            cell = changed.get(key) or cells.get(key, EMPTY)
            live = {name: until for name, until in cell.leases.items() if until > now}
            changed[key] = cell._replace(leases={**live, id: expires_at})
            leases.append(key)
            continue
        if (by_name := fresh.get(key)) is None:
            by_name = fresh[key] = dict(cells.get(key, EMPTY).windows)
        by_name[limit.name], slice = windows.charge(by_name.get(limit.name, windows.EMPTY), limit, amount, now)
        charged.append(Charged(limit, amount, slice))
    _put(changed, cells, fresh)
    # A call that ignores the breaker tells as much as a probe, but takes nobody's turn.
    probe = bool(own.health.open_until)
    turn = probe and not ignore_breaker
    if turn:
        cell = changed.get(deployment.cell) or own
        changed[deployment.cell] = cell._replace(health=breaker.take_probe(cell.health, expires_at))
    held = Reservation(id, deployment, tuple(charged), tuple(leases), output_tokens, probe, turn, now, expires_at)
    return held, changed


def _put(changed: dict[str, Cell], cells: Cells, fresh: Mapping[str, Mapping[str, windows.Window]]) -> None:
    """Put all windows of cells into the changed cells."""
    for key, by_name in fresh.items():
        _, leases, block, streak, health, latency = changed.get(key) or cells.get(key, EMPTY)
        changed[key] = Cell(by_name, leases, block, streak, health, latency)


def settle(
    cells: Cells, reservation: Reservation, outcome: Outcome, actual: Actual | None, now: float, jitter: float
) -> dict[str, Cell]:
    """The cells after the call ended. `actual` tells what a charge was really used for, if that is known.

    Without it the whole reservation stays charged: it is an upper bound.
    """
    refund = POLICIES[outcome.failure].refund if outcome.failure else None
    if outcome.generated:
        refund = Refund.NOTHING
    changed: dict[str, Cell] = {}

    def get(key: str) -> Cell:
        return changed.get(key) or cells.get(key, EMPTY)

    fresh: dict[str, dict[str, windows.Window]] = {}
    for charged in reservation.charged:
        limit, amount, slice = charged
        used = _used(charged, refund, actual)
        if used == amount:
            continue
        if (by_name := fresh.get(limit.cell)) is None:
            by_name = fresh[limit.cell] = dict(cells.get(limit.cell, EMPTY).windows)
        if window := by_name.get(limit.name):
            by_name[limit.name] = windows.correct(window, slice, used - amount)
    _put(changed, cells, fresh)
    for lease in reservation.leases:
        cell = get(lease)
        changed[lease] = cell._replace(leases={k: v for k, v in cell.leases.items() if k != reservation.id})
    own = reservation.deployment.cell
    changed[own] = _learn(get(own), reservation, outcome, now, jitter)
    if outcome.failure:
        scope = blocked_cell(reservation.deployment, outcome.failure, outcome.upstream_only)
        changed[scope] = _blocked(get(scope), outcome.failure, outcome.retry_after_s, now, jitter)
    elif (pool := reservation.deployment.pool_cell) and get(pool).streak:
        changed[pool] = get(pool)._replace(streak=0)
    learn.observe(changed, get, reservation.deployment.limits, reservation.charged, outcome, now)
    return changed


def _used(charged: Charged, refund: Refund | None, actual: Actual | None) -> int:
    if refund is Refund.ALL:
        return 0
    if charged.limit.unit is _REQUESTS:
        return charged.amount
    if refund is Refund.AMOUNTS:
        return 0
    return charged.amount if actual is None or refund else actual(charged)


def _learn(cell: Cell, reservation: Reservation, outcome: Outcome, now: float, jitter: float) -> Cell:
    """Health and latency after the outcome; a success also ends the streak of refusals."""
    if outcome.failure:
        weight = POLICIES[outcome.failure].health
        health = breaker.failed(cell.health, weight, now, jitter, probe=reservation.probe, turn=reservation.turn)
        return cell._replace(health=health)
    d = reservation.deployment
    latency = speed.measured(
        cell.latency,
        d.first_token_s,
        1 / d.tokens_per_s if d.tokens_per_s else None,
        outcome.duration_s,
        outcome.first_token_s,
        outcome.output_tokens,
        now,
    )
    health = breaker.succeeded(cell.health, now, probe=reservation.probe)
    return Cell(cell.windows, cell.leases, cell.block, 0, health, latency)


def _blocked(cell: Cell, failure: Failure, hint_s: float | None, now: float, jitter: float) -> Cell:
    """The cell with the block that the failure asks for; a longer block stays."""
    seconds = block_s(failure, hint_s, cell.streak, jitter)
    if seconds is None:
        return cell
    streak = cell.streak + 1 if failure is Failure.RATE_LIMITED else cell.streak
    if cell.block and cell.block.until >= now + seconds:
        return cell._replace(streak=streak)
    return cell._replace(block=Block(now + seconds, failure.value, now), streak=streak)


def blocked_cell(deployment: Deployment, failure: Failure, upstream_only: bool) -> str:
    """The key of the cell that a failure blocks."""
    scope = POLICIES[failure].scope
    if scope is Scope.PROVIDER:
        return deployment.provider_cell
    if scope is Scope.QUOTA and not upstream_only and deployment.pool_cell:
        return deployment.pool_cell
    return deployment.cell
