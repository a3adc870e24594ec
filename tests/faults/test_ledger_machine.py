"""Hypothesis drives two ledgers over one store against an exact model, many calls at the same instant."""

from __future__ import annotations

import asyncio

import async_solipsism
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from llm7router.decision import demand
from llm7router.state.cells import dumps, loads
from llm7router.state.ledger import MIRROR_S, Ledger
from llm7router.state.quota import Refusal, Reservation
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import VirtualClock
from llm7router.types import Failure, Outcome
from tests.faults import runs
from tests.faults.exact import Entry, Log, units
from tests.make import deployment, limit, request

LIMITS = (limit(max=7), limit("tokens", "hour", max=900), limit("concurrent", None, max=4))
ONE = deployment("alpha/one", limits=LIMITS)


class SharedStore(MemoryStore):
    """As other processes would see it: the mirror of each ledger goes stale."""

    shared = True


class TwoLedgers(RuleBasedStateMachine):
    """What both admit together is what one exact log would admit."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = async_solipsism.EventLoop()
        self.store, self.clock = SharedStore(), VirtualClock()
        self.ledgers = [Ledger(self.store, self.clock) for _ in range(2)]
        self.logs = [Log(bound) for bound in LIMITS]
        self.held: list[tuple[int, Reservation, list[Entry]]] = []

    def teardown(self) -> None:
        self.loop.close()

    def now(self) -> float:
        async def tell() -> float:
            return self.clock.now()

        return self.loop.run_until_complete(tell())

    @rule(pause=st.sampled_from((0.1, 1.0, 20.0, 61.0, 63.0, 700.0, 3700.0)))
    def time_passes(self, pause: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(pause))

    @rule(tries=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 150)), min_size=1, max_size=8))
    def reserve_at_once(self, tries: list[tuple[int, int]]) -> None:
        requests = [request(prompt_tokens=tokens, max_tokens=tokens, deadline_s=1e6) for _, tokens in tries]

        async def all_at_once() -> list[Reservation | Refusal]:
            jobs = (
                self.ledgers[who].reserve(wanted, ONE, lease_s=1e6)
                for (who, _), wanted in zip(tries, requests, strict=True)
            )
            return await asyncio.gather(*jobs)

        results = self.loop.run_until_complete(all_at_once())
        for (who, _), wanted, got in zip(tries, requests, results, strict=True):
            tokens = wanted.prompt_tokens + demand.output_tokens(wanted, ONE)
            now, asked = self.now(), [(log, units(log.limit, tokens)) for log in self.logs]
            if isinstance(got, Reservation):
                assert not any(log.must_refuse(now, amount) for log, amount in asked), "limit: admitted too much"
                self.held.append((who, got, [log.charge(now, amount) for log, amount in asked]))
            else:
                assert any(log.may_refuse(now, amount) for log, amount in asked), f"refused without need: {got}"

    @precondition(lambda self: self.held)
    @rule(data=st.data(), ending=st.sampled_from((None, Failure.CANCELLED, Failure.REFUSED)))
    def settle(self, data: st.DataObject, ending: Failure | None) -> None:
        who, got, entries = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        prompt, output = data.draw(st.integers(0, 100)), data.draw(st.integers(0, 100))
        outcome = Outcome(ending, prompt_tokens=prompt, output_tokens=output, duration_s=1.0)
        self.loop.run_until_complete(self.ledgers[who].settle(got, outcome))
        minute, tokens, concurrent = entries
        concurrent.amount = 0
        if ending is Failure.REFUSED:
            minute.amount = tokens.amount = 0
        elif ending is None:
            tokens.amount = prompt + output

    @invariant()
    def nothing_is_lost_between_ledgers_and_store(self) -> None:
        cells = self.store.read_now()
        assert len(cells[ONE.cell].leases if ONE.cell in cells else {}) == len(self.held)
        busy = sum(ledger._in_flight.get(ONE.id, 0) for ledger in self.ledgers)
        assert busy == len(self.held), "conserve: in flight"
        for cell in cells.values():
            assert loads(dumps(cell)) == cell

    @rule(who=st.integers(0, 1))
    def read(self, who: int) -> None:
        """After half a second, a mirror shows what the store holds."""

        async def look() -> object:
            await asyncio.sleep(MIRROR_S + 0.01)
            return (await self.ledgers[who].snapshot((ONE,))).cells

        assert self.loop.run_until_complete(look()) == self.store.read_now()


def test_limit_and_conserve_hold_over_two_ledgers_on_one_store() -> None:
    checked = settings(
        max_examples=400 if runs.LONG else 30,
        stateful_step_count=40,
        deadline=None,
        derandomize=not runs.LONG,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(TwoLedgers, settings=checked)
