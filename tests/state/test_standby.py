"""A store that fails: requests are answered, limits hold, it is said once, and all is normal after the repair."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from llm7router import RequestContext
from llm7router.errors import StoreError
from llm7router.state.cells import Cell
from llm7router.state.ledger import Ledger
from llm7router.state.quota import Refusal, Reservation
from llm7router.state.standby import PROBE_S
from llm7router.state.store.base import Change, T
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import Reply, VirtualClock
from tests.make import deployment, limit, request
from tests.router.scene import HELLO, Scene, model, provider
from tests.virtual import run_virtual


class Flaky(MemoryStore):
    """A shared store that can be made to fail at once, or to hang."""

    name = "flaky"
    shared = True

    def __init__(self) -> None:
        super().__init__()
        self.mode = "ok"
        self.calls = 0

    async def _trouble(self) -> None:
        self.calls += 1
        if self.mode == "fails":
            raise StoreError("flaky: it is broken")
        if self.mode == "hangs":
            await asyncio.sleep(0.29)  # about as long as a store may take to find out
            raise StoreError("flaky: it hangs")

    async def read(self) -> dict[str, Cell]:
        await self._trouble()
        return await super().read()

    async def mutate(self, keys: Iterable[str], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        await self._trouble()
        return await super().mutate(keys, change)


LIMITED = limit("requests", "day", max=100)
ONE = deployment(limits=(LIMITED,))


async def admit(ledger: Ledger, tries: int, d: Any = ONE) -> int:
    """How many of so many tries got through."""
    got = [await ledger.reserve(request(), d, lease_s=60) for _ in range(tries)]
    return sum(isinstance(result, Reservation) for result in got)


def used(store: Flaky) -> int:
    cell = store.read_now()[LIMITED.cell]
    return cell.windows[LIMITED.name].total


@pytest.mark.parametrize("mode", ["fails", "hangs"])
def test_requests_are_answered_and_wait_at_most_0_3_s_more(mode: str) -> None:
    async def scenario() -> None:
        store = Flaky()
        scene = Scene({"a": provider()}, {"a/m": Reply(delay_s=1)}, store=store)
        assert (await scene.router.complete(HELLO)).latency == 1
        await asyncio.sleep(1)
        store.mode = mode
        waits = [(await scene.router.complete(HELLO)).latency - 1 for _ in range(20)]
        assert max(waits) <= 0.3
        assert sum(waits) <= 0.3, "only the first one waits"
        assert scene.router.stats().trouble is not None

    run_virtual(scenario())


def test_several_workers_share_what_was_left() -> None:
    async def scenario() -> None:
        store, clock = Flaky(), VirtualClock()
        workers = [Ledger(store, clock) for _ in range(4)]
        for worker in workers:
            await admit(worker, 10)
        assert used(store) == 40
        await asyncio.sleep(1)
        for worker in workers:
            await worker.snapshot((ONE,))
        store.mode = "fails"
        admitted = [await admit(worker, 100) for worker in workers]
        assert admitted == [15, 15, 15, 15], "60 were left for 4"

    run_virtual(scenario())


def test_after_the_repair_all_is_normal_within_5_s_and_what_was_used_is_in_the_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        store, clock = Flaky(), VirtualClock()
        ledger = Ledger(store, clock)
        await admit(ledger, 10)
        await asyncio.sleep(1)
        store.mode = "fails"
        await admit(ledger, 7)
        assert ledger.trouble == "flaky: it is broken"
        await asyncio.sleep(600)
        store.mode, repaired_at = "ok", clock.now()
        while ledger.trouble is not None:
            await ledger.snapshot((ONE,))
            await asyncio.sleep(0.2)
        assert clock.now() - repaired_at <= 5
        assert used(store) == 17
        assert await admit(ledger, 100) == 83

    with caplog.at_level(logging.WARNING):
        run_virtual(scenario())
    assert [r.message.split(";")[0] for r in caplog.records] == [
        "flaky: it is broken",
        "the flaky store can be used again",
    ]


def test_a_failed_store_is_asked_again_about_once_a_second_and_not_by_every_request() -> None:
    async def scenario() -> None:
        store, clock = Flaky(), VirtualClock()
        ledger = Ledger(store, clock)
        await admit(ledger, 1)
        store.mode = "fails"
        await admit(ledger, 1)
        before = store.calls
        for _ in range(1000):
            await ledger.snapshot((ONE,))
            await asyncio.sleep(0.01)
        assert store.calls - before <= 10 / PROBE_S + 1

    run_virtual(scenario())


def test_what_may_cost_money_waits_for_the_store() -> None:
    async def scenario() -> None:
        store = Flaky()
        paid = provider(model(cost={"input": 1, "output": 1}, quality={"chat": 5}), environments={"production": 1})
        budget = {"usd_per_request": 1, "usd_per_day": 1}
        scene = Scene({"a": paid, "b": provider(environments={"production": 0.1})}, store=store, budget=budget)
        only = RequestContext(providers=["a", "b"])
        await scene.router.complete(HELLO, only)
        store.mode = "fails"
        await asyncio.sleep(1)
        results = [await scene.router.complete(HELLO, only) for _ in range(5)]
        assert {result.provider for result in results} == {"b"}

    run_virtual(scenario())


def test_a_block_learned_meanwhile_is_written_back() -> None:
    async def scenario() -> None:
        from llm7router.types import Failure, Outcome

        store, clock = Flaky(), VirtualClock()
        ledger = Ledger(store, clock)
        await admit(ledger, 1)
        store.mode = "fails"
        reservation = await ledger.reserve(request(), ONE, lease_s=60)
        assert isinstance(reservation, Reservation)
        await ledger.settle(reservation, Outcome(Failure.RATE_LIMITED, retry_after_s=3000))
        assert isinstance(await ledger.reserve(request(), ONE, lease_s=60), Refusal)
        store.mode = "ok"
        for _ in range(20):
            await ledger.snapshot((ONE,))
            await asyncio.sleep(0.2)
        block = store.read_now()[ONE.cell].block
        assert block is not None
        assert block.reason == "rate limited"

    run_virtual(scenario())


def test_a_reservation_from_before_the_failure_is_settled_without_harm() -> None:
    async def scenario() -> None:
        from llm7router.types import Outcome

        store, clock = Flaky(), VirtualClock()
        ledger = Ledger(store, clock)
        before = await ledger.reserve(request(), ONE, lease_s=60)
        store.mode = "fails"
        during = await ledger.reserve(request(), ONE, lease_s=60)
        assert isinstance(before, Reservation)
        assert isinstance(during, Reservation)
        await ledger.settle(before, Outcome())
        store.mode = "ok"
        for _ in range(20):
            await ledger.snapshot((ONE,))
            await asyncio.sleep(0.2)
        await ledger.settle(during, Outcome())
        assert used(store) == 2
        assert not ledger._in_flight.get(ONE.id)

    run_virtual(scenario())


def test_a_store_that_is_emptied_while_in_use_gets_back_what_was_known(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store, clock = Flaky(), VirtualClock()
        ledger = Ledger(store, clock)
        assert await admit(ledger, 60) == 60
        store._cells.clear()
        await asyncio.sleep(1)
        await ledger.snapshot((ONE,))
        assert await admit(ledger, 60) == 40

    with caplog.at_level(logging.WARNING):
        run_virtual(scenario())
    assert "was emptied while in use" in caplog.text
