"""Demand without end over Groq, OpenRouter, Gemini and LLM7 as they ship; `saturated` says what 100 % is."""

from __future__ import annotations

import pytest

from tests.faults import runs
from tests.faults.saturated import Saturated, Use

DAYS = (1, 3, 10) if runs.LONG else (1,)
LEAST = 0.97


def table(uses: list[Use]) -> str:
    """One line a limit."""
    return "\n".join(f"{u.cell:<42} {u.limit:<16} {u.used:>8} of {u.possible:>8}  {u.share:.1%}" for u in uses)


@pytest.mark.parametrize("exact", [True, False], ids=["prompts as estimated", "prompts shorter than estimated"])
@pytest.mark.parametrize("days", DAYS)
def test_a_saturated_day_uses_97_percent_of_what_the_limits_allow_without_a_429_of_ours(
    days: float, exact: bool
) -> None:
    run = Saturated(1, days, exact=exact)
    uses = run.run()
    print(f"{days} day(s), {run.calls} calls, {len(run.vendor.breaches)} refused\n{table(uses)}")
    assert run.vendor.breaches == []
    assert [u for u in uses if u.share < LEAST] == []
