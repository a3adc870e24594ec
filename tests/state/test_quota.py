"""Reserving and settling: all or none, into the slice that was charged, and what is learned on the way."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm7router.decision.failures import POLICIES, Refund, Scope, block_s
from llm7router.state import quota, refusals, windows
from llm7router.state.cells import BUDGET, EMPTY, LOST, VERSION, Block, Cell, dumps, loads
from llm7router.state.quota import Actual, Charge, Refusal, Reservation
from llm7router.types import NO_MAX, Failure, Limit, Outcome, Period, Unit
from tests.make import NOW, deployment, limit

MINUTE = limit(max=3)
TOKENS = limit("tokens", max=100)
POOL = limit("requests", "day", max=5, cell="alpha@0#pool", shared=True)
ONE = deployment(limits=(MINUTE, TOKENS, POOL), pool_cell="alpha@0#pool")


def take(cells: dict[str, Cell], *charges: Charge, now: float = NOW, id: str = "r") -> Reservation | Refusal:
    result, changed = quota.reserve(cells, ONE, charges, id=id, now=now, expires_at=now + 100)
    cells.update(changed)
    return result


def told(actual: dict[Limit, int]) -> Actual:
    return lambda charged: actual.get(charged.limit, charged.amount)


def used(cells: dict[str, Cell], bound: Limit, now: float = NOW) -> int:
    return windows.used(cells.get(bound.cell, EMPTY).windows.get(bound.name, windows.EMPTY), bound, now)


ALL = (Charge(MINUTE, 1), Charge(TOKENS, 40), Charge(POOL, 1))


def end(cells: dict[str, Cell], outcome: Outcome, actual: dict[Limit, int] | None = None, now: float = NOW) -> None:
    reservation = take(cells, *ALL, now=now)
    assert isinstance(reservation, Reservation)
    cells.update(quota.settle(cells, reservation, outcome, told(actual or {}), now, 0.5))


def test_a_reservation_takes_from_every_window() -> None:
    cells: dict[str, Cell] = {}
    assert isinstance(take(cells, *ALL), Reservation)
    assert [used(cells, bound) for bound in (MINUTE, TOKENS, POOL)] == [1, 40, 1]


def test_a_refusal_takes_from_none_and_names_the_limit_that_frees_up_last() -> None:
    cells: dict[str, Cell] = {}
    take(cells, *ALL)
    take(cells, *ALL)
    before = dict(cells)
    refused = take(cells, *ALL)
    assert isinstance(refused, Refusal)
    assert refused.reason == "over tokens/minute"
    assert NOW + 60 <= refused.free_at <= NOW + 64
    assert cells == before


def test_settling_gives_back_what_was_not_used() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(prompt_tokens=5, output_tokens=5), {TOKENS: 10})
    assert [used(cells, bound) for bound in (MINUTE, TOKENS, POOL)] == [1, 10, 1]


def test_an_answer_without_usage_keeps_the_whole_reservation() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome())
    assert used(cells, TOKENS) == 40


@pytest.mark.parametrize("failure", list(Failure), ids=str)
def test_every_failure_refunds_by_the_table(failure: Failure) -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(failure))
    expected = {Refund.ALL: (0, 0), Refund.AMOUNTS: (1, 0), Refund.NOTHING: (1, 40)}[POLICIES[failure].refund]
    assert (used(cells, MINUTE), used(cells, TOKENS)) == expected


def test_a_lost_budget_is_blocked_for_the_periods_that_have_a_maximum() -> None:
    """A month that is only counted must not keep a budget of days shut until it ends."""
    cells = {BUDGET: Cell(block=Block(NOW, LOST, NOW))}
    day, month = (Limit(p.value, BUDGET, Unit.USD, 100, p, "UTC") for p in (Period.DAY, Period.MONTH))
    counted, later = replace(month, max=NO_MAX), NOW + 86400
    assert refusals.find_refusal(cells, [(day, 1), (counted, 1)], NOW) is not None
    assert refusals.find_refusal(cells, [(day, 1), (counted, 1)], later) is None
    assert refusals.find_refusal(cells, [(day, 1), (month, 1)], later) is not None


@pytest.mark.parametrize("failure", [f for f in Failure if POLICIES[f].health == 0], ids=str)
def test_what_a_caller_or_a_quota_causes_is_no_ill_health(failure: Failure) -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(failure))
    health = cells.get(ONE.cell, EMPTY).health
    assert (health.successes, health.failures, health.in_a_row) == (0, 0, 0)


@pytest.mark.parametrize("failure", list(Failure), ids=str)
def test_no_failure_touches_the_latency(failure: Failure) -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(failure, duration_s=0.001, first_token_s=0.001, output_tokens=50))
    assert cells.get(ONE.cell, EMPTY).latency.first_token_s is None


def test_a_429_blocks_the_pool_until_the_provider_said() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(Failure.RATE_LIMITED, retry_after_s=42))
    sibling = deployment("alpha/two", pool_cell="alpha@0#pool")
    blocked = quota.find_block(cells, sibling, NOW)
    assert blocked == Refusal("rate limited", NOW + 42)
    assert quota.find_block(cells, sibling, NOW + 43) is None


def test_a_429_of_the_host_behind_the_provider_blocks_only_the_model() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(Failure.RATE_LIMITED, retry_after_s=42, upstream_only=True))
    assert quota.find_block(cells, deployment("alpha/two", pool_cell="alpha@0#pool"), NOW) is None
    assert quota.find_block(cells, ONE, NOW) is not None


def test_a_rejected_key_blocks_every_deployment_of_the_provider() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(Failure.KEY_REJECTED))
    assert quota.find_block(cells, deployment("alpha/two"), NOW) is not None
    assert quota.find_block(cells, deployment("beta/one"), NOW) is None


def test_a_shorter_block_does_not_shorten_a_longer_one() -> None:
    cells: dict[str, Cell] = {}
    first, second = take(cells, *ALL, id="a"), take(cells, *ALL, id="b")
    for reservation, wait in ((first, 100.0), (second, 5.0)):
        assert isinstance(reservation, Reservation)
        outcome = Outcome(Failure.RATE_LIMITED, retry_after_s=wait)
        cells.update(quota.settle(cells, reservation, outcome, None, NOW, 0.5))
    blocked = quota.find_block(cells, ONE, NOW)
    assert blocked is not None
    assert blocked.free_at == NOW + 100


def test_refusals_without_a_hint_back_off_further_each_time() -> None:
    waits = [block_s(Failure.RATE_LIMITED, None, streak, 0.5) for streak in range(8)]
    assert waits == [5, 10, 20, 40, 80, 120, 120, 120]


def test_a_hint_of_ten_years_is_cut_to_a_day() -> None:
    assert block_s(Failure.RATE_LIMITED, 3.2e8, 0, 0.5) == 86400


def test_a_success_ends_the_row_of_refusals() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(Failure.RATE_LIMITED))
    assert cells["alpha@0#pool"].streak == 1
    end(cells, Outcome(), now=NOW + 20)
    assert cells["alpha@0#pool"].streak == 0


def test_concurrency_leases_are_given_back_and_expire() -> None:
    bound = limit("concurrent", None, max=1)
    one = deployment(limits=(bound,))
    cells: dict[str, Cell] = {}
    reservation, changed = quota.reserve(cells, one, (Charge(bound, 1),), id="a", now=NOW, expires_at=NOW + 30)
    cells.update(changed)
    refused, _ = quota.reserve(cells, one, (Charge(bound, 1),), id="b", now=NOW, expires_at=NOW + 30)
    assert refused == Refusal("over concurrent", NOW + 30)
    assert isinstance(
        quota.reserve(cells, one, (Charge(bound, 1),), id="b", now=NOW + 31, expires_at=NOW + 60)[0], Reservation
    )
    assert isinstance(reservation, Reservation)
    cells.update(quota.settle(cells, reservation, Outcome(), None, NOW + 1, 0.5))
    assert isinstance(
        quota.reserve(cells, one, (Charge(bound, 1),), id="c", now=NOW + 1, expires_at=NOW + 60)[0], Reservation
    )


def test_only_one_probe_goes_through_a_half_open_breaker() -> None:
    cells: dict[str, Cell] = {}
    one = deployment()
    for _ in range(3):
        reservation, changed = quota.reserve(cells, one, (), id="x", now=NOW, expires_at=NOW + 30)
        cells.update(changed)
        assert isinstance(reservation, Reservation)
        cells.update(quota.settle(cells, reservation, Outcome(Failure.TIMEOUT), None, NOW, 0.5))
    assert isinstance(quota.reserve(cells, one, (), id="x", now=NOW, expires_at=NOW + 30)[0], Refusal)
    later = NOW + 20
    probe, changed = quota.reserve(cells, one, (), id="p", now=later, expires_at=later + 30)
    cells.update(changed)
    assert isinstance(probe, Reservation)
    assert probe.probe
    assert isinstance(quota.reserve(cells, one, (), id="q", now=later, expires_at=later + 30)[0], Refusal)
    cells.update(quota.settle(cells, probe, Outcome(Failure.RATE_LIMITED), None, later, 0.5))
    assert not cells[one.cell].health.probe_until


def test_every_failure_has_a_policy() -> None:
    assert set(POLICIES) == set(Failure)


def test_what_blocks_a_provider_is_of_provider_scope() -> None:
    wide = {failure for failure, policy in POLICIES.items() if policy.scope is Scope.PROVIDER}
    assert wide == {Failure.UNREACHABLE, Failure.KEY_REJECTED, Failure.NO_CREDIT}


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_what_was_reserved_equals_what_is_charged_after_any_order_of_settling(data: st.DataObject) -> None:
    big = limit("tokens", "day", max=10**9)
    one = deployment(limits=(big,))
    cells: dict[str, Cell] = {}
    held: list[Reservation] = []
    expected = 0
    for step in range(data.draw(st.integers(0, 40))):
        if held and data.draw(st.booleans()):
            reservation = held.pop(data.draw(st.integers(0, len(held) - 1)))
            actual = data.draw(st.integers(0, 200))
            expected += actual - reservation.charged[0].amount
            cells.update(quota.settle(cells, reservation, Outcome(), told({big: actual}), NOW + step, 0.5))
        else:
            amount = data.draw(st.integers(1, 100))
            result, changed = quota.reserve(
                cells, one, (Charge(big, amount),), id=str(step), now=NOW + step, expires_at=math.inf
            )
            cells.update(changed)
            assert isinstance(result, Reservation)
            held.append(result)
            expected += amount
        assert used(cells, big, NOW + step) == expected


def test_a_cell_survives_its_json_form() -> None:
    cells: dict[str, Cell] = {}
    end(cells, Outcome(Failure.TIMEOUT))
    end(cells, Outcome(Failure.RATE_LIMITED, retry_after_s=9))
    end(cells, Outcome(duration_s=2, output_tokens=10), now=NOW + 61)
    end(cells, Outcome(), {TOKENS: 7}, now=NOW + 64)
    end(cells, Outcome(), now=NOW + 71)
    cells["told"] = Cell({"unused": windows.EMPTY._replace(cap=3, cap_at=NOW, said=5), "empty": windows.EMPTY})
    for cell in cells.values():
        assert loads(dumps(cell)) == cell


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", f'{{"v":{VERSION + 1}}}', f'{{"v":{VERSION},"windows":3}}',
        f'{{"v":{VERSION},"windows":{{"a":[[7]]}}}}', f'{{"v":{VERSION},"windows":{{"a":[[7,-1]]}}}}',
        f'{{"v":{VERSION},"windows":{{"a":[[7,1,-1,1]]}}}}', f'{{"v":{VERSION},"windows":{{"a":[[],0,0,0,0,0,0]}}}}',
        f'{{"v":{VERSION},"health":[1]}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_a_cell_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)
