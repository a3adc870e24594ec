"""Invariants over seeded runs at scheduler level: outages, storms of 429s, bursts, callers that leave.

One batch of runs is shared by the tests; each of them names one invariant and prints its figures. With
LLM7ROUTER_LONG=1 the batch has more than 10^6 requests over 220 seeds.
"""

from __future__ import annotations

import pytest

from tests.faults import runs
from tests.faults.fast import Fast
from tests.faults.tally import Tally

OPEN_FAULTS = "known faults of the router"


@pytest.fixture(scope="module")
def tally() -> Tally:
    total = runs.scheduler()
    assert total.counts["calls"] > total.counts["requests"] / 4, "the runs must be busy to mean anything"
    return total


def test_limit_no_window_is_ever_passed_by_what_is_sent(tally: Tally) -> None:
    print(f"limit: {tally.violations['limit']} breaches; {tally.line('requests', 'calls', 'seeds')}")
    tally.must_hold("limit")


def test_atomic_a_refused_reservation_changes_nothing(tally: Tally) -> None:
    print(f"atomic: {tally.violations['atomic']} differences; {tally.line('refusals')}")
    assert tally.counts["refusals"] > 20
    tally.must_hold("atomic")


def test_wait_after_the_advised_wait_a_reservation_succeeds(tally: Tally) -> None:
    print(f"wait: {tally.violations['wait']} too short; {tally.line('waits')}")
    tally.must_hold("wait")


def test_conserve_what_is_charged_is_what_was_reserved_less_what_was_given_back(tally: Tally) -> None:
    print(f"conserve: {tally.violations['conserve']} differences; {tally.line('calls')}")
    tally.must_hold("conserve")


def test_noloss_a_request_is_served_while_an_eligible_provider_is_up(tally: Tally) -> None:
    print(f"noloss: {tally.violations['noloss']} lost; {tally.line('requests', 'answered', 'not served')}")
    tally.must_hold("noloss")


def test_cap_spent_and_promised_money_stays_within_the_budget(tally: Tally) -> None:
    callers = "paid calls of callers with a budget"
    print(f"cap: {tally.violations['cap']} over; {tally.line('paid calls', callers)}")
    assert tally.counts["paid calls"] > 100
    assert tally.counts[callers] > 30
    tally.must_hold("cap")


def test_eligible_nothing_is_called_that_cannot_serve_or_is_blocked(tally: Tally) -> None:
    print(f"eligible: {tally.violations['eligible']} wrong calls; {tally.line('calls')}")
    tally.must_hold("eligible")


def test_bounded_a_request_makes_four_counted_attempts_at_most_and_none_twice(tally: Tally) -> None:
    print(f"bounded: {tally.violations['bounded']} over; {tally.line('requests', 'calls')}")
    tally.must_hold("bounded")


def test_blame_4xx_and_cancellations_change_no_health(tally: Tally) -> None:
    print(f"blame: {tally.violations['blame']} changes; {tally.line('4xx and cancellations')}")
    assert tally.counts["4xx and cancellations"] > 100
    tally.must_hold("blame")


def test_breaker_nothing_is_called_while_it_is_open(tally: Tally) -> None:
    print(f"breaker: {tally.violations['breaker']} calls while open; {tally.line('panic calls', 'probes')}")
    assert tally.counts["panic calls"]
    tally.must_hold("breaker")


def test_breaker_one_probe_at_a_time_goes_through_a_half_open_one(tally: Tally) -> None:
    print(f"breaker: {tally.violations['one probe']} second probes; {tally.line('probes')}")
    assert tally.counts["probes"] > 5
    tally.must_hold("one probe")


def test_panic_nobody_is_refused_while_only_breakers_stand_in_the_way(tally: Tally) -> None:
    print(f"panic: {tally.violations['panic']} refused; {tally.line('not served', 'nobody had room')}")
    tally.must_hold("panic")


def test_latency_honest_no_failure_changes_a_latency_estimate(tally: Tally) -> None:
    print(f"latency-honest: {tally.violations['latency-honest']} changes; {tally.line('calls', 'answered')}")
    tally.must_hold("latency-honest")


def test_same_the_same_seed_gives_the_same_trace_at_scheduler_level() -> None:
    first, again, other = (Fast(seed, 300).run().hash for seed in (1, 1, 2))
    assert first == again
    assert first != other
