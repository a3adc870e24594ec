"""Quantiles from counts in fixed buckets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm7router.history import sketch

DURATIONS = st.lists(st.floats(sketch.LEAST_S, sketch.MOST_S), min_size=1, max_size=60)
SHARES = st.floats(0, 1)


def counted(durations: Sequence[float]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for each in durations:
        counts = sketch.merged(counts, {sketch.bucket(each): 1})
    return counts


def exact(durations: Sequence[float], share: float) -> float:
    return sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]


@settings(deadline=None)
@given(DURATIONS, SHARES)
def test_a_quantile_is_off_by_at_most_the_stated_error(durations: list[float], share: float) -> None:
    found, right = sketch.quantile(counted(durations), share), exact(durations, share)
    assert found is not None
    assert abs(found - right) <= right * sketch.ERROR * (1 + 1e-9)


def test_the_stated_error_is_below_five_percent() -> None:
    assert 0.04 < sketch.ERROR < 0.05


@settings(deadline=None)
@given(DURATIONS, DURATIONS, SHARES)
def test_counts_of_two_hours_merge_into_those_of_both(one: list[float], other: list[float], share: float) -> None:
    both = sketch.merged(counted(one), counted(other))
    assert both == counted([*one, *other])
    assert sketch.quantile(both, share) == sketch.quantile(counted([*one, *other]), share)


@settings(deadline=None)
@given(DURATIONS)
def test_what_is_written_is_read_again(durations: list[float]) -> None:
    assert sketch.loads(sketch.dumps(counted(durations))) == counted(durations)


@pytest.mark.parametrize("seconds", [-1, 0, 1e-9, 1e-3], ids=str)
def test_what_is_shorter_than_the_first_bucket_counts_there(seconds: float) -> None:
    assert sketch.bucket(seconds) == 0


@pytest.mark.parametrize("seconds", [1e3, 1e9, math.inf], ids=str)
def test_what_is_longer_than_the_last_bucket_counts_there(seconds: float) -> None:
    assert sketch.bucket(seconds) == sketch.LAST


def test_without_durations_there_is_no_quantile() -> None:
    assert sketch.quantile({}, 0.5) is None


def test_damaged_text_is_read_as_far_as_it_goes() -> None:
    assert sketch.loads("37:4 x 41:y 5: 900:1 41:1") == {37: 4, 900: 1, 41: 1}
    assert sketch.quantile({900: 1}, 0.5) == pytest.approx(sketch.MOST_S, rel=sketch.ERROR)
