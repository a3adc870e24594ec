"""What stands in the way of a call: a limit, a block, or a budget of which too little is known. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from llm7router.state import windows
from llm7router.state.cells import BUDGET, EMPTY, LOST, Cell, is_budget
from llm7router.state.periods import bounds
from llm7router.types import Deployment, Limit, Unit

Cells = Mapping[str, Cell]
_USD = Unit.USD
SKEW_S = 5.0  # clocks of machines may differ by this much


class Refusal(NamedTuple):
    """Nothing was taken: what stood in the way, and when it ends (epoch seconds, infinity for never)."""

    reason: str
    free_at: float


def find_refusal(cells: Cells, charges: Iterable[tuple[Limit, int]], now: float) -> Refusal | None:
    """What stands in the way of the charges at `now`, the longest wait of all; None if they fit."""
    worst: Refusal | None = None
    for limit, amount in charges:
        cell = cells.get(limit.cell, EMPTY)
        if limit.concurrent:
            wait = _wait_for_lease(cell, limit, amount, now)
        else:
            wait = windows.wait(cell.windows.get(limit.name, windows.EMPTY), limit, amount, now)
        if wait > 0 and (worst is None or now + wait > worst.free_at):
            worst = Refusal(f"over {limit.name}", now + wait)
        if limit.unit is _USD and (known_at := _known_again(cells, limit, now)) > now:
            worst = Refusal(f"{limit.name}: {LOST}", max(known_at, worst.free_at if worst else 0.0))
    return worst


def _known_again(cells: Cells, limit: Limit, now: float) -> float:
    """When a new period of a budget begins, if what was spent in this one was lost with a broken store; else 0."""
    lost = cells.get(BUDGET, EMPTY).block
    if lost is None or lost.at > now + SKEW_S or limit.counts_only or not is_budget(limit.cell):
        return 0.0
    if limit.tz is None or limit.period is None:
        return 0.0
    return bounds(limit.period, limit.tz, lost.at)[1] + windows.CALENDAR_GUARD_S


def find_block(cells: Cells, deployment: Deployment, now: float) -> Refusal | None:
    """The block on the deployment, its pool or its provider that lasts longest."""
    worst: Refusal | None = None
    for key in (deployment.cell, deployment.pool_cell, deployment.provider_cell):
        cell = cells.get(key) if key else None
        block = cell.block if cell is not None else None
        # One that was set later than now was set by a clock that was ahead.
        if block and block.until > now >= block.at - SKEW_S and (worst is None or block.until > worst.free_at):
            worst = Refusal(block.reason, block.until)
    return worst


def _wait_for_lease(cell: Cell, limit: Limit, amount: int, now: float) -> float:
    if amount > limit.max:
        return math.inf
    live = sorted(until for until in cell.leases.values() if until > now)
    over = len(live) + amount - limit.max
    return live[over - 1] - now if over > 0 else 0.0
