"""The ledger: snapshots to decide on, reservations before calls, settlements after them.

Decisions read a mirror of the store that is at most half a second old plus what this process did since; only
`reserve` is authoritative. When the store fails, the ledger goes on in memory and says so once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from uuid import uuid4

from llm7router.clock import Clock
from llm7router.decision import demand
from llm7router.errors import StoreError
from llm7router.state import quota
from llm7router.state.cells import Cell
from llm7router.state.quota import Refusal, Reservation
from llm7router.state.store import Store
from llm7router.state.store.base import Change, T
from llm7router.state.store.memory import MemoryStore
from llm7router.types import Deployment, Limit, Outcome, Request, Snapshot

log = logging.getLogger("llm7router")

MIRROR_S = 0.5


class Ledger:
    """State of every deployment, behind any store."""

    def __init__(self, store: Store, clock: Clock, rng: random.Random | None = None) -> None:
        self._store = store
        self._clock = clock
        self._random = rng or random.Random()  # noqa: S311 - spreads reopenings, no secret
        self._mirror: dict[str, Cell] | None = None
        self._read_at = 0.0
        self._in_flight: dict[str, int] = {}
        self.trouble: str | None = None  # why the configured store is not in use

    @property
    def store(self) -> str:
        """The store in use, for people."""
        return self._store.name

    def snapshot_now(self, deployments: tuple[Deployment, ...]) -> Snapshot:
        """The state of this instant, blocking for milliseconds if the mirror is old. Writes nothing."""
        if self._stale():
            try:
                self._mirrored(self._store.read_now())
            except StoreError as error:
                self._give_up(error)
        return self._snapshot(deployments)

    async def snapshot(self, deployments: tuple[Deployment, ...]) -> Snapshot:
        """The state of this instant. Writes nothing."""
        if self._stale():
            try:
                self._mirrored(await self._store.read())
            except StoreError as error:
                self._give_up(error)
        return self._snapshot(deployments)

    async def reserve(
        self, request: Request, deployment: Deployment, *, lease_s: float, ignore_breaker: bool = False
    ) -> Reservation | Refusal:
        """Take quota for the worst case from every window, or from none. `lease_s` bounds the call."""
        now = self._clock.now()
        charges = demand.charges(request, deployment, demand.output_tokens(request, deployment))
        id = f"{request.id}-{uuid4().hex[:8]}"

        def change(cells: Mapping[str, Cell]) -> tuple[Reservation | Refusal, dict[str, Cell]]:
            return quota.reserve(
                cells, deployment, charges, id=id, now=now,
                expires_at=now + lease_s + quota.LEASE_GRACE_S, ignore_breaker=ignore_breaker,
            )  # fmt: skip

        result = await self._mutate(keys(deployment), change)
        if isinstance(result, Reservation):
            self._in_flight[deployment.id] = self._in_flight.get(deployment.id, 0) + 1
        return result

    async def settle(self, reservation: Reservation, outcome: Outcome) -> None:
        """Correct the reservation to what was used, and learn from the outcome."""
        deployment, now, jitter = reservation.deployment, self._clock.now(), self._random.random()
        self._in_flight[deployment.id] = max(0, self._in_flight.get(deployment.id, 0) - 1)
        actual: Mapping[Limit, int] = {}
        if outcome.ok and outcome.prompt_tokens is not None and outcome.output_tokens is not None:
            actual = demand.actual(deployment, outcome.prompt_tokens, outcome.output_tokens)
        await self._mutate(
            keys(deployment), lambda cells: (None, quota.settle(cells, reservation, outcome, actual, now, jitter))
        )

    def close(self) -> None:
        """Release the store."""
        self._store.close()
        self._mirror = None

    async def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> T:
        if self._mirror is None:
            await self.snapshot(())
        try:
            result, written = await self._store.mutate(keys, change)
        except StoreError as error:
            self._give_up(error)
            result, written = await self._store.mutate(keys, change)
        if self._mirror is not None and written:
            self._mirror = {**self._mirror, **written}  # a new one: snapshots that were handed out stay as they are
        return result

    def _stale(self) -> bool:
        if self._mirror is None:
            return True
        return self._store.shared and self._clock.monotonic() - self._read_at > MIRROR_S

    def _mirrored(self, cells: dict[str, Cell]) -> None:
        self._mirror, self._read_at = cells, self._clock.monotonic()

    def _give_up(self, error: StoreError) -> None:
        """Go on in memory from what was last read."""
        if self.trouble is None:
            log.warning("%s; limits and health are kept in memory until the next start", error)
        self.trouble = str(error)
        self._store = MemoryStore(self._mirror)
        self._mirrored(self._store.read_now())

    def _snapshot(self, deployments: tuple[Deployment, ...]) -> Snapshot:
        assert self._mirror is not None
        return Snapshot(self._clock.now(), deployments, self._mirror, self._in_flight.copy())


def keys(deployment: Deployment) -> tuple[str, ...]:
    """The cells that a call to the deployment may touch."""
    found = {deployment.cell, deployment.provider_cell, *(limit.cell for limit in deployment.limits)}
    if deployment.pool_cell:
        found.add(deployment.pool_cell)
    return tuple(found)
