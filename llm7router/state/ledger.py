"""The ledger: snapshots to decide on, reservations before calls, settlements after them.

Decisions read a mirror of the store that is at most half a second old plus what this process did since; only
`reserve` is authoritative. When the store fails, `Standby` takes over from the mirror until it is back.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from llm7router.clock import Clock
from llm7router.decision import demand
from llm7router.errors import StoreError
from llm7router.state import quota
from llm7router.state.cells import Cell
from llm7router.state.clock_change import Lead, after_clock_change
from llm7router.state.quota import Actual, Reservation
from llm7router.state.refusals import Refusal
from llm7router.state.standby import WORKERS, Standby, registered
from llm7router.state.store import Store
from llm7router.state.store.base import Change, T
from llm7router.types import Deployment, Failure, Limit, Outcome, Request, Snapshot

log = logging.getLogger("llm7router")
MIRROR_S = 0.5
REGISTER_S = 5.0  # how often a process says that it is there


class Ledger:
    """State of every deployment, behind any store."""

    def __init__(self, store: Store, clock: Clock, rng: random.Random | None = None) -> None:
        self._store = store
        self._clock = clock
        self._random = rng or random.Random()  # noqa: S311 - spreads reopenings, no secret
        self._mirror: dict[str, Cell] | None = None
        self._read_at = 0.0
        self._in_flight: dict[str, int] = {}
        self._standby = Standby(store, clock)
        self._worker = uuid4().hex[:12]
        self._numbers = itertools.count()  # of reservations: one request may hold several
        self._registered_at = float("-inf")
        self._returning: set[asyncio.Future[None]] = set()
        self._deployments: tuple[Deployment, ...] = ()
        self._callers: tuple[Limit, ...] = ()
        self._lead = Lead()

    @property
    def store(self) -> str:
        """The store in use, for people."""
        return "memory" if self._standby.active else self._store.name

    @property
    def trouble(self) -> str | None:
        """Why the configured store is not in use, if so."""
        return self._standby.trouble

    def count_for(self, limits: Iterable[Limit]) -> None:
        """Keep an eye on these limits of callers, beside those of deployments."""
        self._callers = tuple(limits)

    def snapshot_now(self, deployments: tuple[Deployment, ...]) -> Snapshot:
        """The state of this instant, blocking for milliseconds if the mirror is old. Writes nothing."""
        if self._stale():
            try:
                self._mirrored(self._store.read_now())
            except StoreError as error:
                self._fail(error)
        return self.known(deployments)

    async def snapshot(self, deployments: tuple[Deployment, ...]) -> Snapshot:
        """The state of this instant. Writes nothing, but to correct what a clock that was ahead has written."""
        self._standby.try_to_return()
        if self._stale():
            try:
                await self._restore(await self._store.read())
            except StoreError as error:
                self._fail(error)
        self._deployments = deployments
        await self._follow_the_clock()
        return self.known(deployments)

    def known(self, deployments: tuple[Deployment, ...]) -> Snapshot:
        """What is known of the state without reading the store: at most half a second old while requests come."""
        cells = self._standby.cells if self._standby.active else self._mirror
        return Snapshot(self.now(), deployments, cells or {}, self._in_flight.copy())

    async def write(self, keys: tuple[str, ...], change: Change[T]) -> T | None:
        """One step in the store for what is no quota; None while the store cannot be used."""
        return None if self._standby.active else await self._mutate(keys, change)

    async def reserve(
        self, request: Request, deployment: Deployment, *, lease_s: float, ignore_breaker: bool = False
    ) -> Reservation | Refusal:
        """Take quota for the worst case from every window, or from none. `lease_s` bounds the call."""
        if self._mirror is None and not self._standby.active:  # a caller's limits come before the first decision
            await self.snapshot(self._deployments)
        output = demand.output_tokens(request, deployment)
        charges = demand.charges(request, deployment, output)
        id = f"{self._worker}-{next(self._numbers)}"
        await self._follow_the_clock()
        now = self.now()
        expires_at = now + lease_s + quota.LEASE_GRACE_S

        def change(cells: Mapping[str, Cell]) -> tuple[Reservation | Refusal, dict[str, Cell]]:
            return quota.reserve(
                cells, deployment, charges, id=id, now=now, expires_at=expires_at,
                output_tokens=output * request.choices, ignore_breaker=ignore_breaker,
            )  # fmt: skip

        result = await self._mutate(deployment.cells, change) if not self._standby.active else None
        if self._standby.active:  # perhaps since a moment ago
            result = self._standby.reserve(
                deployment, charges, id=id, now=now, expires_at=expires_at, ignore_breaker=ignore_breaker
            )
        if isinstance(result, Reservation):
            self._in_flight[deployment.id] = self._in_flight.get(deployment.id, 0) + 1
        assert result is not None
        return result

    async def settle(self, reservation: Reservation, outcome: Outcome) -> None:
        """Correct the reservation to what was used, and learn from the outcome."""
        deployment = reservation.deployment
        self._in_flight[deployment.id] = max(0, self._in_flight.get(deployment.id, 0) - 1)
        await self._settle(reservation, outcome)

    async def aclose(self) -> None:
        """Write what is still to be written, and release the store."""
        await asyncio.gather(*self._returning, return_exceptions=True)
        await self._standby.last_write()
        self.close()

    def close(self) -> None:
        """Release the store."""
        self._store.close()
        self._mirror = None

    async def _follow_the_clock(self) -> None:
        """Move what was used along with a wall clock that was moved; before the start it may have been, too."""
        jump_s = self._lead.moved_s(self.now(), self._clock.monotonic())
        if jump_s is None or self._standby.active or not self._mirror:
            return
        limits, now = self._limits(), self.now()
        if changed := after_clock_change(self._mirror, limits, jump_s, now):
            await self._mutate(tuple(changed), lambda cells: (None, after_clock_change(cells, limits, jump_s, now)))

    def _limits(self) -> list[Limit]:
        return list(dict.fromkeys((*(limit for d in self._deployments for limit in d.limits), *self._callers)))

    def now(self) -> float:
        """Epoch seconds, by the store's clock if it has one."""
        return self._store.now() or self._clock.now()

    async def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> T | None:
        """One step in the store; None if it failed, and the standby has taken over."""
        if self._mirror is None:
            await self.snapshot(())
        if not self._store.shared:  # memory: nothing to wait for, nothing that could fail
            result, written = await self._store.mutate(keys, change)
            self._put(written)
            return result
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        step = loop.create_task(self._step(keys, change, done))  # of its own: it ends even if this one is cancelled
        try:
            result, written = await done
        except StoreError as error:
            self._fail(error)
            return None
        except asyncio.CancelledError:
            step.add_done_callback(self._give_back)
            raise
        self._put(written)
        return result

    async def _step(self, keys: tuple[str, ...], change: Change[T], done: asyncio.Future[Any]) -> T | None:
        """One step: its result, or None if it failed. Whoever waits for `done` is told without a detour."""
        try:
            now = self._clock.monotonic()
            if now - self._registered_at >= REGISTER_S:
                self._registered_at = now
                _, present = await self._store.mutate((WORKERS,), registered(self._worker, self.now()))
                self._put(present)
            outcome = await self._store.mutate(keys, change)
        except asyncio.CancelledError:
            done.cancel()
            raise
        except Exception as error:  # also a bug in `change`: the caller's to see
            if not done.done():
                done.set_exception(error)
            return None
        if not done.done():
            done.set_result(outcome)
        return outcome[0]

    def _give_back(self, step: asyncio.Future[Any]) -> None:
        """A reservation that came through after nobody waited for it any more: nothing was sent with it."""
        reservation = None if step.cancelled() else step.result()
        if isinstance(reservation, Reservation):
            task = asyncio.ensure_future(self._settle(reservation, Outcome(Failure.REFUSED)))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

    async def _settle(self, reservation: Reservation, outcome: Outcome) -> None:
        deployment, now, jitter = reservation.deployment, self.now(), self._random.random()
        actual: Actual | None = None
        prompt, output = outcome.prompt_tokens, outcome.output_tokens
        if outcome.ok and prompt is not None and output is not None:
            told = (prompt, output, reservation.output_tokens, outcome.cache_tokens)
            actual = lambda charged: demand.actual(charged, deployment, *told)  # noqa: E731
        if not self._standby.active:
            await self._mutate(
                deployment.cells, lambda cells: (None, quota.settle(cells, reservation, outcome, actual, now, jitter))
            )
        if self._standby.active:
            self._standby.settle(reservation, outcome, now, jitter)

    def _put(self, written: Mapping[str, Cell]) -> None:
        if self._mirror is not None and written:
            self._mirror = {**self._mirror, **written}  # a new one: snapshots that were handed out stay as they are

    def _stale(self) -> bool:
        if self._standby.active:
            return False
        if self._mirror is None:
            return True
        return self._store.shared and self._clock.monotonic() - self._read_at > MIRROR_S

    async def _restore(self, cells: dict[str, Cell]) -> None:
        """Take over what was read. Nobody deletes cells, so what is missing was wiped: it is written back."""
        lost = {key: cell for key, cell in (self._mirror or {}).items() if key not in cells and key != WORKERS}
        self._mirrored(cells)
        if lost:
            log.warning("the %s store was emptied while in use; writing back what was last known", self._store.name)
            _, written = await self._store.mutate(
                tuple(lost), lambda found: (None, {key: cell for key, cell in lost.items() if key not in found})
            )
            self._put(written)

    def _mirrored(self, cells: dict[str, Cell]) -> None:
        self._mirror, self._read_at = cells, self._clock.monotonic()

    def _fail(self, error: StoreError) -> None:
        self._standby.take_over(self._mirror or {}, self.now(), str(error))
