"""Latency averages."""

from __future__ import annotations

import pytest

from llm7router.state.latency import UNMEASURED, measured, predicted
from tests.make import NOW


def test_a_stream_shows_first_token_and_time_per_token() -> None:
    state = measured(UNMEASURED, None, None, 3.0, 1.0, 101, NOW)
    assert state.first_token_s == 1.0
    assert state.per_token_s == pytest.approx(0.02)


def test_a_slower_reading_counts_at_once_and_a_faster_one_slowly() -> None:
    state = measured(UNMEASURED, None, None, 3.0, 1.0, 101, NOW)
    slower = measured(state, None, None, 6.0, 4.0, 101, NOW + 1)
    assert slower.first_token_s == 4.0
    faster = measured(slower, None, None, 3.0, 1.0, 101, NOW + 2)
    assert 3.5 < (faster.first_token_s or 0) < 4.0


def test_a_one_word_answer_says_little_of_the_time_per_token() -> None:
    state = measured(UNMEASURED, 0.3, 0.002, 0.6, None, 1, NOW)
    assert predicted(state, None, None, 300) == pytest.approx(0.6 + 600 * 0.002, rel=0.1)


def test_an_answer_without_usage_leaves_the_averages() -> None:
    state = measured(UNMEASURED, 0.3, 0.002, 0.6, None, None, NOW)
    assert (state.first_token_s, state.per_token_s) == (None, None)


def test_the_prior_stands_in_until_something_is_measured() -> None:
    assert predicted(UNMEASURED, 0.5, 100, 300) == pytest.approx(3.5)
    assert predicted(UNMEASURED, None, None, 300) is None
