"""What keeps limits while the store cannot be used: the last mirror, in memory, shared out among the workers.

A worker does not see what the others do now, so each counts its own use as many times as there were workers: even if
all do the same, together they stay within what the mirror had left. What may cost money waits for the store. When the
store answers again, what was used meanwhile is written to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from llm7router.clock import Clock
from llm7router.errors import StoreError
from llm7router.state import quota, windows
from llm7router.state.cells import EMPTY, Cell
from llm7router.state.quota import Charge, Reservation
from llm7router.state.refusals import Refusal
from llm7router.state.store import Store
from llm7router.types import Deployment, Limit, Outcome

log = logging.getLogger("llm7router")

WORKERS = "workers"  # the cell in which processes say that they are there
PRESENT_S = 30.0  # for how long they are believed
LAST_WRITE_S = 1.0
PROBE_S = 1.0  # how often a failed store is asked again


def registered(worker: str, now: float) -> Callable[[Mapping[str, Cell]], tuple[None, dict[str, Cell]]]:
    """A change that says that a worker is there."""

    def change(cells: Mapping[str, Cell]) -> tuple[None, dict[str, Cell]]:
        cell = cells.get(WORKERS, EMPTY)
        present = {name: until for name, until in cell.leases.items() if until > now}
        return None, {WORKERS: cell._replace(leases={**present, worker: now + PRESENT_S})}

    return change


class Standby:
    """Stands in for a store that failed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.trouble: str | None = None
        self.cells: dict[str, Cell] = {}
        self._workers = 1
        self._used: list[tuple[Limit, int, float]] = []  # what to write when the store is back: amount and instant
        self._asked_at = 0.0
        self._return: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        """The store is not in use."""
        return self.trouble is not None

    def take_over(self, mirror: Mapping[str, Cell], now: float, trouble: str) -> None:
        """Start from the mirror. Said once in the log, until the store was back."""
        if self.active:
            return
        self.trouble, self.cells = trouble, dict(mirror)
        present = mirror.get(WORKERS, EMPTY).leases.values()
        self._workers = max(1, sum(until > now for until in present))
        self._asked_at = self._clock.monotonic()
        log.warning(
            "%s; limits are kept in memory, shared out among %d worker(s), until it can be used again",
            trouble, self._workers,
        )  # fmt: skip

    def reserve(
        self,
        deployment: Deployment,
        charges: tuple[Charge, ...],
        *,
        id: str,
        now: float,
        expires_at: float,
        ignore_breaker: bool,
    ) -> Reservation | Refusal:
        """As the store would, with every amount counted for every worker. What it gives is not corrected later."""
        if not deployment.free:
            return Refusal("what may cost money waits for the state store", now + PROBE_S)
        scaled = tuple(Charge(limit, amount * self._workers) for limit, amount in charges)
        result, changed = quota.reserve(
            self.cells, deployment, scaled, id=id, now=now, expires_at=expires_at, ignore_breaker=ignore_breaker
        )
        self.cells.update(changed)
        if isinstance(result, Refusal):
            return result
        self._used.extend((limit, amount, now) for limit, amount in charges if not limit.concurrent)
        return result._replace(charged=())

    def settle(self, reservation: Reservation, outcome: Outcome, now: float, jitter: float) -> None:
        """Health, latency, leases and blocks; charges stay as they are, which errs on the safe side."""
        kept = reservation._replace(charged=())
        self.cells.update(quota.settle(self.cells, kept, outcome, None, now, jitter))

    def try_to_return(self) -> None:
        """Ask the store again from time to time, without waiting for its answer."""
        due = self._clock.monotonic() - self._asked_at >= PROBE_S
        if self.active and due and (self._return is None or self._return.done()):
            self._asked_at = self._clock.monotonic()
            self._return = asyncio.ensure_future(self._write_back())

    async def last_write(self) -> None:
        """Before the end of the process: try once more to write what was used."""
        if self.active and self._used:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WRITE_S):
                    await (self._return if self._return and not self._return.done() else self._write_back())

    async def _write_back(self) -> None:
        """Write what was used meanwhile; once nothing is left to write, the store is in use again."""
        written = 0
        try:
            while True:
                used = self._used[written:]
                touched = {limit.cell for limit, _, _ in used} | {key for key, c in self.cells.items() if c.block}
                await self._store.mutate(tuple(touched), partial(self._merged, used))
                written += len(used)
                if written == len(self._used):  # nothing came in while writing
                    break
        except StoreError:
            self._used = self._used[written:]
            return
        log.warning("the %s store can be used again", self._store.name)
        self.trouble, self.cells, self._used = None, {}, []

    def _merged(
        self, used: Iterable[tuple[Limit, int, float]], cells: Mapping[str, Cell]
    ) -> tuple[None, dict[str, Cell]]:
        changed: dict[str, Cell] = {}
        for limit, amount, at in used:
            cell = changed.get(limit.cell) or cells.get(limit.cell, EMPTY)
            window, _ = windows.charge(cell.windows.get(limit.name, windows.EMPTY), limit, amount, at)
            changed[limit.cell] = cell._replace(windows={**cell.windows, limit.name: window})
        for key, mine in self.cells.items():
            theirs = changed.get(key) or cells.get(key, EMPTY)
            if mine.block and (theirs.block is None or theirs.block.until < mine.block.until):
                changed[key] = theirs._replace(block=mine.block)
        return None, changed
