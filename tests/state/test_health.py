"""The breaker and the posterior, step by step in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.state import health
from llm7router.state.health import FRESH, Health, available_at, failed, posterior, probing, succeeded, take_probe
from tests.make import NOW


def failing(times: int, weight: float = 1.0, state: Health = FRESH, now: float = NOW) -> Health:
    for _ in range(times):
        state = failed(state, weight, now, 0.5)
    return state


@pytest.mark.parametrize(
    ("failures", "points"), [(0, 27), (1, 15.6), (2, 8), (3, 2.6), (5, -4.7)], ids=lambda value: str(value)
)
def test_health_points_follow_the_published_table(failures: int, points: float) -> None:
    assert 60 * posterior(failing(failures), NOW) - 30 == pytest.approx(points, abs=0.1)


def test_an_idle_deployment_drifts_back_to_the_prior() -> None:
    state = failing(5)
    assert posterior(state, NOW + 3600) == pytest.approx(0.95, abs=0.001)


def test_two_hard_failures_leave_the_breaker_closed_and_the_third_opens_it() -> None:
    assert available_at(failing(2), NOW) <= NOW
    assert available_at(failing(3), NOW) > NOW


def test_a_success_between_failures_starts_the_count_afresh() -> None:
    state = failing(2)
    for _ in range(5):
        state = succeeded(state, NOW)
    assert available_at(failing(2, state=state), NOW) <= NOW
    assert available_at(failing(3, state=state), NOW) > NOW


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_the_ejection() -> None:
    assert failing(9).open_until == failing(3).open_until


def test_the_first_opening_lasts_between_half_of_15_s_and_15_s() -> None:
    for jitter in (0.0, 0.5, 1.0):
        state = failed(failing(2), 1.0, NOW, jitter)
        assert 7.5 <= state.open_until - NOW <= 15


def test_openings_double_up_to_five_minutes() -> None:
    state, now, lengths = failing(3), NOW, []
    for _ in range(7):
        lengths.append(state.open_until - now)
        now = state.open_until
        state = failed(take_probe(state, now + 30), 1.0, now, 0.5, probe=True)
    assert lengths == pytest.approx([11.25, 22.5, 45, 90, 180, 225, 225])


def test_one_probe_goes_through_and_the_next_request_waits_for_it() -> None:
    state = failing(3)
    now = state.open_until + 1
    assert probing(state, now)
    assert available_at(state, now) <= now
    taken = take_probe(state, now + 60)
    assert available_at(taken, now) == now + 60
    assert available_at(taken, now + 60) <= now + 60, "a probe that was lost expires"


def test_a_successful_probe_closes_the_breaker() -> None:
    state = succeeded(take_probe(failing(3), NOW + 100), NOW + 20, probe=True)
    assert available_at(state, NOW + 20) == 0


def test_a_failed_probe_opens_it_again_at_once() -> None:
    state = failing(3)
    now = state.open_until + 1
    assert available_at(failed(take_probe(state, now + 60), 0.5, now, 0.5, probe=True), now) > now


def test_a_probe_that_told_nothing_is_given_back() -> None:
    state = failing(3)
    now = state.open_until + 1
    given_back = failed(take_probe(state, now + 60), 0.0, now, 0.5, probe=True, turn=True)
    assert available_at(given_back, now) <= now
    assert posterior(given_back, now) == posterior(state, now)


@given(weight=st.just(0.0), failures=st.integers(0, 6))
def test_what_is_no_ill_health_changes_nothing(weight: float, failures: int) -> None:
    state = failing(failures)
    assert failed(state, weight, NOW + 1, 0.5) == state


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.floats(0, 1)), max_size=50))
def test_the_posterior_stays_a_probability(events: list[tuple[bool, float, float]]) -> None:
    state, now = FRESH, NOW
    for good, gap, weight in events:
        now += gap
        state = succeeded(state, now) if good else failed(state, weight, now, 0.3)
        assert 0 < posterior(state, now) < 1
        assert state.open_until <= now + health.EJECT_MAX_S


def tripped(times: int) -> Health:
    state, now = failing(3), NOW
    for _ in range(times - 1):
        now = state.open_until
        state = failed(take_probe(state, now), 1.0, now, 0.5, probe=True)
    return succeeded(state, now, probe=True)


def test_one_trip_is_forgiven_for_each_quiet_time_and_no_quiet_time_counts_twice() -> None:
    state = tripped(4)
    assert state.trips == 4
    at = state.tripped_at
    for seconds, trips in ((239, 4), (241, 3), (242, 3), (359, 3), (361, 2), (421, 1), (451, 0)):
        state = succeeded(state, at + seconds)
        assert state.trips == trips, f"after {seconds} s"


@pytest.mark.parametrize("ended", ["a success", "a failure", "a cancellation"])
def test_a_call_that_was_under_way_when_it_opened_neither_closes_nor_reopens_nor_frees_the_probe(ended: str) -> None:
    state = failing(3)
    now = state.open_until + 1
    probed = take_probe(state, now + 60)
    weight = {"a failure": 1.0, "a cancellation": 0.0}.get(ended)
    after = succeeded(probed, now) if weight is None else failed(probed, weight, now, 0.5)
    assert available_at(after, now) == now + 60
    assert after.trips == 1


def test_instants_of_a_clock_that_was_ahead_keep_nothing_shut() -> None:
    ahead = failing(3, now=NOW + 365 * 86400)
    assert available_at(ahead, NOW) <= NOW
