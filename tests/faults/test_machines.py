"""Hypothesis drives limiter and breaker against exact models: any order of calls, endings and pauses."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from llm7router.decision.failures import POLICIES, Refund
from llm7router.state import health, quota
from llm7router.state.cells import EMPTY, Cell
from llm7router.state.quota import Charge, Refusal, Reservation
from llm7router.types import Failure, Outcome, Unit
from tests.faults import runs
from tests.faults.exact import Breaker, Entry, Log, units
from tests.make import NOW, deployment, limit

EXAMPLES, STEPS = (1500, 80) if runs.LONG else (100, 50)
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=not runs.LONG,
    suppress_health_check=list(HealthCheck),
)
POOL = {"cell": "alpha@0#pool", "shared": True}
SHARED = (
    limit("requests", "hour", max=9, **POOL),
    limit("requests", "day", max=25, tz="America/Los_Angeles", **POOL),
    limit("concurrent", None, max=3, **POOL),
)
OWN = {
    "alpha/one": (limit("requests", "minute", max=4), limit("tokens", "10 seconds", max=50)),
    "alpha/two": (
        limit("tokens", "minute", max=90, cell="alpha@0/two"),
        limit("requests", "second", max=1, cell="alpha@0/two"),
    ),
}
DEPLOYMENTS = {id: deployment(id, limits=(*own, *SHARED), pool_cell="alpha@0#pool") for id, own in OWN.items()}
# No failure here blocks or counts as ill health: those have machines of their own.
ENDINGS = (None, Failure.REFUSED, Failure.CANCELLED, Failure.TOO_LARGE)
PAUSES = st.sampled_from((0.0, 0.05, 0.4, 1.0, 2.0, 7.0, 31.0, 60.0, 61.0, 600.0, 3600.0, 30000.0))


class Limiter(RuleBasedStateMachine):
    """Two deployments with windows of their own and a pool: requests, tokens, leases, a Pacific day."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.number = NOW + 0.123, 0
        self.cells: dict[str, Cell] = {}
        self.logs = {(b.cell, b.name): Log(b) for d in DEPLOYMENTS.values() for b in d.limits}
        self.held: list[tuple[Reservation, list[Entry]]] = []

    @rule(pause=PAUSES, part=st.floats(0, 1))
    def time_passes(self, pause: float, part: float) -> None:
        self.now += pause * (0.9 + 0.2 * part)

    @rule(id=st.sampled_from(sorted(DEPLOYMENTS)), tokens=st.integers(1, 60))
    def reserve(self, id: str, tokens: int) -> None:
        d, self.number = DEPLOYMENTS[id], self.number + 1
        asked = [(self.logs[(b.cell, b.name)], units(b, tokens)) for b in d.limits]
        charges = tuple(Charge(log.limit, amount) for log, amount in asked)
        before = dict(self.cells)
        got, changed = quota.reserve(
            self.cells, d, charges, id=str(self.number), now=self.now, expires_at=self.now + 1e9
        )
        must = [log.limit.name for log, amount in asked if log.must_refuse(self.now, amount)]
        if isinstance(got, Refusal):
            assert not changed, "atomic: a refusal changes nothing"
            assert self.cells == before
            assert any(log.may_refuse(self.now, amount) for log, amount in asked), f"refused without need: {got}"
            self.check_wait(d.id, charges, got)
            return
        assert not must, f"limit: admitted over {must}"
        self.cells.update(changed)
        self.held.append((got, [log.charge(self.now, amount) for log, amount in asked]))

    def check_wait(self, id: str, charges: tuple[Charge, ...], refusal: Refusal) -> None:
        if refusal.free_at >= self.now + 1e8:  # never, or not before a lease is given back
            return
        later = refusal.free_at + 1e-3
        again, _ = quota.reserve(self.cells, DEPLOYMENTS[id], charges, id="again", now=later, expires_at=later)
        assert isinstance(again, Reservation), f"wait: {refusal} and then {again}"

    @precondition(lambda self: self.held)
    @rule(data=st.data(), ending=st.sampled_from(ENDINGS), share=st.floats(0, 1.3))
    def settle(self, data: st.DataObject, ending: Failure | None, share: float) -> None:
        got, entries = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        spent = {c.limit: int(c.amount * share) if c.limit.unit is Unit.TOKENS else c.amount for c in got.charged}
        outcome = Outcome(ending)
        self.cells.update(quota.settle(self.cells, got, outcome, lambda c: spent[c.limit], self.now, 0.5))
        refund = POLICIES[ending].refund if ending else None
        for entry, bound in zip(entries, got.deployment.limits, strict=True):
            if (
                bound.concurrent
                or refund is Refund.ALL
                or (refund is Refund.AMOUNTS and bound.unit is not Unit.REQUESTS)
            ):
                entry.amount = 0
            elif refund is None:
                entry.amount = spent[bound]

    @invariant()
    def what_is_charged_is_what_the_log_says(self) -> None:
        for (key, name), log in self.logs.items():
            cell = self.cells.get(key, EMPTY)
            if log.limit.concurrent:
                assert len(cell.leases) == log.used(self.now)
                continue
            window = cell.windows.get(name)
            held = quota.windows.used(window, log.limit, self.now) if window else 0
            assert log.used(self.now) <= held <= log.used_at_most(self.now), f"conserve: {name}"


class Ejector(RuleBasedStateMachine):
    """One deployment's breaker, through the same two functions that every call uses."""

    ONE = deployment("alpha/one")

    def __init__(self) -> None:
        super().__init__()
        self.now, self.number = NOW, 0
        self.cells: dict[str, Cell] = {}
        self.model = Breaker()
        self.held: list[tuple[Reservation, bool]] = []

    @rule(pause=st.sampled_from((0.0, 0.5, 3.0, 8.0, 16.0, 40.0, 200.0, 1000.0)))
    def time_passes(self, pause: float) -> None:
        self.now += pause

    @rule(lease_s=st.sampled_from((5.0, 50.0, 500.0)))
    def request(self, lease_s: float) -> None:
        self.number += 1
        admits = self.model.admits(self.now)
        got, changed = quota.reserve(
            self.cells, self.ONE, (), id=str(self.number), now=self.now, expires_at=self.now + lease_s
        )
        assert isinstance(got, Reservation) == admits, f"breaker: {got}, but the model admits: {admits}"
        self.cells.update(changed)
        if isinstance(got, Reservation):
            self.held.append((got, self.model.admit(got.id, self.now, got.expires_at)))

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        ending=st.sampled_from((None, None, Failure.TIMEOUT, Failure.SERVER_ERROR, Failure.TOO_LARGE)),
        jitter=st.sampled_from((0.0, 0.5, 1.0)),
    )
    def end(self, data: st.DataObject, ending: Failure | None, jitter: float) -> None:
        got, probe = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.cells.update(quota.settle(self.cells, got, Outcome(ending), None, self.now, jitter))
        if ending is None:
            self.model.succeed(probe, self.now)
        else:
            self.model.fail(probe, POLICIES[ending].health, self.now, jitter)

    @invariant()
    def health_is_what_the_model_says(self) -> None:
        state = self.cells.get(self.ONE.cell, EMPTY).health
        assert health.posterior(state, self.now) == pytest.approx(self.model.posterior(self.now), abs=1e-9)
        assert (state.open_until or None) == pytest.approx(self.model.open_until)


def test_limit_atomic_wait_and_conserve_hold_in_any_order_of_reserving_and_settling() -> None:
    run_state_machine_as_test(Limiter, settings=SETTINGS)


def test_breaker_and_blame_hold_in_any_order_of_calls_and_endings() -> None:
    run_state_machine_as_test(Ejector, settings=SETTINGS)
