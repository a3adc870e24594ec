"""A suite that misses a fault is worth nothing: each planted one is noticed by the test named here."""

from __future__ import annotations

import pytest

from tests.faults import planted, runs, test_invariants, test_machines
from tests.faults.planted import CHECKS, FAULTS

LIMITER = test_machines.test_limit_atomic_wait_and_conserve_hold_in_any_order_of_reserving_and_settling.__name__
EJECTOR = test_machines.test_breaker_and_blame_hold_in_any_order_of_calls_and_endings.__name__
NOTICED_BY = {
    "off-by-one slice expiry": LIMITER,
    "partial consume on refusal": LIMITER,
    "double settle": LIMITER,
    "short wait": LIMITER,
    "admits one more": LIMITER,
    "health hurt by a 429": "test_quota: a 429 is no ill health",
    "settles into the current slice": LIMITER,
    "callers' budgets are forgotten": "one run: nobody is over a budget",
    "two probes through a half-open breaker": EJECTOR,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault: str) -> None:
    with planted.planted(fault):
        assert planted.fails(NOTICED_BY[fault])


@pytest.mark.skipif(not runs.LONG, reason="takes minutes; set LLM7ROUTER_LONG=1")
def test_the_seeded_runs_notice_a_429_that_hurts_health() -> None:
    with planted.planted("health hurt by a 429"):
        assert planted.fails(test_invariants.test_blame_4xx_and_cancellations_change_no_health.__name__)


def test_every_fault_has_a_test_that_exists() -> None:
    assert set(NOTICED_BY) == set(FAULTS)
    assert set(NOTICED_BY.values()) <= set(CHECKS)
