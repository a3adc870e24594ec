"""The arithmetic of one limit, against an exact log."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm7router.state.forecast import runs_out_at, scarcity
from llm7router.state.periods import bounds
from llm7router.state.windows import EMPTY, charge, correct, most, used, wait
from llm7router.types import SHAPES, Period
from tests.make import NOW, limit

ROLLING = [Period.SECOND, Period.TEN_SECONDS, Period.MINUTE, Period.HOUR, Period.DAY, Period.MONTH]


@pytest.mark.parametrize("period", ROLLING, ids=str)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_sliding_window_ever_holds_more_than_the_limit(period: Period, data: st.DataObject) -> None:
    length = SHAPES[period].slice_s * SHAPES[period].slices
    bound = limit(period=period.value, max=data.draw(st.integers(1, 12)))
    window, now, log = EMPTY, NOW, []
    for gap in data.draw(st.lists(st.floats(0, 1.2), max_size=60)):
        now += gap * length / 4
        amount = data.draw(st.integers(1, 3))
        if wait(window, bound, amount, now) == 0:
            window, _ = charge(window, bound, amount, now)
            log.append((now, amount))
    for start, _ in log:
        assert sum(n for at, n in log if start <= at < start + length) <= bound.max


@pytest.mark.parametrize("period", ROLLING, ids=str)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_after_the_advised_wait_the_amount_fits_and_the_wait_is_not_longer_than_the_window(
    period: Period, data: st.DataObject
) -> None:
    bound = limit(period=period.value, max=data.draw(st.integers(1, 10)))
    window, now = EMPTY, NOW + data.draw(st.floats(0, 1e6))
    for _ in range(data.draw(st.integers(1, 30))):
        now += data.draw(st.floats(0, 0.3)) * SHAPES[period].span_s
        amount = data.draw(st.integers(1, bound.max))
        advised = wait(window, bound, amount, now)
        assert advised <= SHAPES[period].span_s + SHAPES[period].slice_s + 1e-3
        if advised > 0:
            assert wait(window, bound, amount, now + advised * 0.5 if advised < 1e-6 else now + advised + 1e-3) == 0
        else:
            window, _ = charge(window, bound, amount, now)


def test_a_saturated_minute_uses_at_least_95_percent_of_its_limit() -> None:
    bound, window, admitted = limit(max=30), EMPTY, 0
    for tick in range(6 * 3600 * 5):
        now = NOW + tick / 5
        if wait(window, bound, 1, now) == 0:
            window, _ = charge(window, bound, 1, now)
            admitted += 1
    # The sliced window gives up a slice, the guard a second: 60 / (60 + 2 + 1) = 95 % of 30 a minute.
    assert admitted >= 0.95 * 30 * 6 * 60


def test_an_amount_above_the_limit_never_fits() -> None:
    assert wait(EMPTY, limit(max=5), 6, NOW) == math.inf


@pytest.mark.parametrize("first_at", [0.0, NOW], ids=["a clock at its epoch", "now"])
def test_slices_are_kept_oldest_first_and_a_charge_within_one_copies_none(first_at: float) -> None:
    bound = limit(max=100)
    assert EMPTY.slices == {}
    window, first = charge(EMPTY, bound, 1, first_at)
    window, _ = charge(window, bound, 2, first_at + 6)
    later, newest = charge(window, bound, 3, first_at + 7.9)
    assert later.slices == {first: 1, first + 3: 5}
    assert list(later.slices)[-1] == newest
    assert later.closed is window.closed
    assert correct(later, first, -1).slices == {first: 0, first + 3: 5}
    assert correct(later, newest, -1).slices == {first: 1, first + 3: 4}
    assert [used(later, bound, first_at + s) for s in (8, 62.9, 63, 68.9, 69)] == [6, 6, 5, 5, 0]


def test_a_correction_lowers_the_slice_that_was_charged_and_only_while_it_is_there() -> None:
    bound = limit("tokens", max=100)
    window, key = charge(EMPTY, bound, 80, NOW)
    assert used(correct(window, key, -50), bound, NOW) == 30
    assert correct(window, key - 1, -50) is window
    assert used(correct(window, key, -500), bound, NOW) == 0


def test_a_correction_of_an_expired_slice_does_not_make_room() -> None:
    bound = limit("tokens", max=100)
    window, key = charge(EMPTY, bound, 60, NOW)
    later = NOW + 70
    window, _ = charge(window, bound, 60, later)
    assert used(correct(window, key, -60), bound, later) == 60


def test_a_clock_that_goes_back_makes_no_room() -> None:
    bound = limit(max=2)
    window, _ = charge(EMPTY, bound, 1, NOW)
    window, _ = charge(window, bound, 1, NOW - 3600)
    assert wait(window, bound, 1, NOW - 3600) > 0
    assert wait(window, bound, 1, NOW) > 0


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)],
    ids=["clocks go forward", "clocks go back", "an ordinary day"],
)
def test_a_pacific_day_is_as_long_as_the_clocks_make_it(day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("America/Los_Angeles")).timestamp()
    start, end = bounds(Period.DAY, "America/Los_Angeles", noon)
    assert end - start == hours * 3600
    assert start <= noon < end


def test_a_calendar_day_is_full_until_midnight_and_empty_after() -> None:
    bound = limit(period="day", max=2, tz="UTC")
    noon = datetime.fromisoformat("2026-11-23T12:00+00:00").timestamp()
    window, _ = charge(EMPTY, bound, 2, noon)
    midnight = 12 * 3600
    assert wait(window, bound, 1, noon) == midnight + 1, "a second later: what is on its way still counts"
    assert wait(window, bound, 1, noon + midnight) == 1
    assert wait(window, bound, 1, noon + midnight + 1) == 0


def test_a_calendar_month_ends_with_the_month() -> None:
    at = datetime.fromisoformat("2026-02-10T12:00+00:00").timestamp()
    start, end = bounds(Period.MONTH, "UTC", at)
    assert (end - start) / 86400 == 28


def test_scarcity_of_a_calendar_day_compares_what_is_left_with_the_time_left() -> None:
    bound = limit(period="day", max=100, tz="UTC")
    midnight = datetime.fromisoformat("2026-11-23T00:00+00:00").timestamp()
    window, _ = charge(EMPTY, bound, 50, midnight)
    assert scarcity(window, bound, midnight) == pytest.approx(0.5)
    assert scarcity(window, bound, midnight + 12 * 3600) == pytest.approx(1.0)


def test_every_period_has_a_shape() -> None:
    assert set(SHAPES) == set(Period)


def test_a_learned_cap_holds_and_grows_back_by_five_percent_a_day() -> None:
    bound = limit(period="day", max=100)
    capped = EMPTY._replace(cap=40, cap_at=NOW)
    assert [most(capped, bound, NOW + days * 86400) for days in (0, 1, 7, 365)] == [40, 42, 56, 100]
    assert wait(capped, bound, 41, NOW) == math.inf


def test_what_the_provider_says_replaces_what_is_configured() -> None:
    bound = limit(period="day", max=50, tz="UTC")
    granted = EMPTY._replace(said=1000)
    assert wait(granted, bound, 1000, NOW) == 0
    assert wait(granted, bound, 1001, NOW) == math.inf


def test_the_forecast_says_when_a_day_runs_out_at_the_present_rate() -> None:
    bound = limit(period="day", max=1000, tz="UTC")
    midnight = datetime.fromisoformat("2026-11-23T00:00+00:00").timestamp()
    window, now = EMPTY, midnight
    for _ in range(6 * 60):  # six hours at one a minute: 360 used, 640 left
        window, _ = charge(window, bound, 1, now)
        now += 60
    at = runs_out_at(window, bound, now)
    assert at is not None
    assert (at - now) / 3600 == pytest.approx(640 / 60, rel=0.05)
    assert runs_out_at(window, bound, now + 20 * 3600) is None, "midnight comes first at the slower rate"


def test_an_unused_limit_has_no_forecast() -> None:
    assert runs_out_at(EMPTY, limit(period="day"), NOW) is None
    assert runs_out_at(charge(EMPTY, limit(), 9, NOW)[0], limit(), NOW) is None
