"""What answers teach about limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.calls.axis import axis_of
from llm7router.state import learn, quota, windows
from llm7router.state.cells import EMPTY, Cell
from llm7router.state.learn import number
from llm7router.state.quota import Charge, Reservation
from llm7router.types import Axis, Counts, Failure, Limit, Outcome, Period, Unit
from tests.make import NOW, deployment, limit

DAY = limit("requests", "day", max=1000, header="x-ratelimit-remaining-requests")
ONE = deployment(limits=(DAY,))


class Account:
    """Cells, and calls charged to them."""

    def __init__(self, bound: Limit = DAY) -> None:
        self.cells: dict[str, Cell] = {}
        self.limit, self.deployment = bound, deployment(limits=(bound,))

    def send(self, now: float = NOW, amount: int = 1) -> Reservation:
        charges = (Charge(self.limit, amount),)
        result, changed = quota.reserve(self.cells, self.deployment, charges, id="r", now=now, expires_at=now + 9)
        self.cells.update(changed)
        assert isinstance(result, Reservation)
        return result

    def hear(self, reservation: Reservation, now: float = NOW, **outcome: Any) -> None:
        self.cells.update(quota.settle(self.cells, reservation, Outcome(**outcome), None, now, 0.5))

    @property
    def window(self) -> windows.Window:
        return self.cells.get(self.limit.cell, EMPTY).windows[self.limit.name]

    def used(self, now: float = NOW) -> int:
        return windows.used(self.window, self.limit, now)


def test_what_the_provider_counts_raises_own_use() -> None:
    account = Account()
    account.hear(account.send(), headers={"x-ratelimit-remaining-requests": "400"})
    assert account.used() == 600


def test_it_never_lowers_own_use() -> None:
    account = Account()
    for _ in range(5):
        last = account.send()
    account.hear(last, headers={"x-ratelimit-remaining-requests": "999"})
    assert account.used() == 5


def test_calls_sent_after_that_request_are_added_to_what_the_provider_counted() -> None:
    account = Account()
    first = account.send()
    for _ in range(3):
        account.send(NOW + 1000)
    account.hear(first, NOW + 1001, headers={"x-ratelimit-remaining-requests": "900"})
    assert account.used(NOW + 1001) == 103


def test_a_lower_limit_in_the_headers_is_taken_over_and_a_higher_one_is_not() -> None:
    for said, expected in (("500", 500), ("5000", 1000)):
        account = Account()
        headers = {"x-ratelimit-remaining-requests": "450", "x-ratelimit-limit-requests": said}
        account.hear(account.send(), headers=headers)
        assert windows.most(account.window, DAY, NOW) == expected


def test_headers_of_a_refusal_teach_too() -> None:
    account = Account()
    account.hear(account.send(), failure=Failure.RATE_LIMITED, headers={"x-ratelimit-remaining-requests": "0"})
    assert account.used() == 1000


@pytest.mark.parametrize(
    "value", ["-1", "NaN", "inf", "", "a lot", "1e9", "9" * 40, "٣", "1 000", "0x10", None], ids=repr
)
def test_nonsense_in_a_header_is_ignored(value: str | None) -> None:
    account = Account()
    headers = {} if value is None else {"x-ratelimit-remaining-requests": value}
    account.hear(account.send(), headers=headers)
    assert account.used() == 1


@given(st.text(max_size=80))
def test_a_number_is_a_whole_number_of_0_or_more_or_nothing(text: str) -> None:
    value = number(text)
    assert value is None or 0 <= value <= learn.MOST


@given(
    left=st.text(max_size=20) | st.integers(-10, 2000).map(str),
    most=st.text(max_size=20) | st.integers(-10, 2000).map(str),
)
def test_whatever_the_headers_say_use_stays_between_what_is_ours_and_the_limit(left: str, most: str) -> None:
    account = Account()
    headers = {"x-ratelimit-remaining-requests": left, "x-ratelimit-limit-requests": most}
    account.hear(account.send(), headers=headers)
    assert 1 <= account.used() <= 2001
    assert 1 <= windows.most(account.window, DAY, NOW) <= 1000


def refusal(unit: Unit = Unit.REQUESTS, period: Period = Period.DAY) -> dict[str, Any]:
    return {"failure": Failure.RATE_LIMITED, "axis": Axis(unit, period)}


def test_a_refusal_long_before_the_limit_lowers_it_and_it_grows_back() -> None:
    account = Account()
    for _ in range(101):
        last = account.send()
    account.hear(last, **refusal())
    assert windows.most(account.window, DAY, NOW) == 90
    assert 90 < windows.most(account.window, DAY, NOW + 5 * 86400) < 130


def test_a_refusal_near_the_limit_lowers_nothing() -> None:
    account = Account()
    for _ in range(950):
        last = account.send()
    account.hear(last, **refusal())
    assert windows.most(account.window, DAY, NOW) == 1000


@pytest.mark.parametrize(
    "outcome",
    [
        {"failure": Failure.RATE_LIMITED},
        refusal(Unit.TOKENS),
        refusal(period=Period.MINUTE),
        {**refusal(), "upstream_only": True},
        {"failure": Failure.OVERLOADED},
    ],
    ids=["names no limit", "names tokens", "names the minute", "of the host behind", "no refusal"],
)
def test_a_refusal_that_does_not_concern_the_limit_lowers_nothing(outcome: dict[str, Any]) -> None:
    account = Account()
    account.hear(account.send(), **outcome)
    assert windows.most(account.window, DAY, NOW) == 1000


@pytest.mark.parametrize(
    ("text", "unit", "period"),
    [
        ("Rate limit reached for model `X` on tokens per day (TPD): Limit 200000, Used 199000", "tokens", "day"),
        ("Rate limit reached on requests per minute (RPM): Limit 30", "requests", "minute"),
        ("Rate limit exceeded: free-models-per-day. Add 10 credits", "requests", "day"),
        ("Rate limit exceeded: free-models-per-min", "requests", "minute"),
        ("quotaId: GenerateRequestsPerDayPerProjectPerModel-FreeTier", "requests", "day"),
        ("quotaId: GenerateContentInputTokensPerModelPerMinute-FreeTier", "input_tokens", "minute"),
        ("Requests rate limit exceeded", None, None),
        ("", None, None),
    ],
)
def test_a_refusal_names_its_limit(text: str, unit: str | None, period: str | None) -> None:
    assert axis_of(text) == (Axis(Unit(unit), Period(period)) if unit and period else None)


@given(st.text(max_size=300))
def test_any_text_names_a_limit_or_none(text: str) -> None:
    assert axis_of(text) is None or isinstance(axis_of(text), Axis)


@pytest.mark.parametrize(
    ("counts", "reserved", "kept"),
    [(Counts.ACTUAL, 1100, 15), (Counts.RESERVED, 1100, 1010), (Counts.INPUT_ONLY, 100, 10)],
    ids=str,
)
def test_token_limits_count_as_the_provider_counts(counts: Counts, reserved: int, kept: int) -> None:
    from functools import partial

    from llm7router.decision import demand
    from tests.make import request

    bound = limit("tokens", max=10_000, counts=counts)
    d = deployment(limits=(bound,))
    (charge,) = demand.charges(request(prompt_tokens=100, max_tokens=1000), d, 1000)
    assert charge.amount == reserved
    reservation, cells = quota.reserve({}, d, (charge,), id="r", now=NOW, expires_at=NOW + 9)
    assert isinstance(reservation, Reservation)
    actual = partial(demand.actual, deployment=d, prompt_tokens=10, output_tokens=5, reserved_output=1000)
    cells.update(quota.settle(cells, reservation, Outcome(prompt_tokens=10, output_tokens=5), actual, NOW, 0.5))
    assert windows.used(cells[bound.cell].windows[bound.name], bound, NOW) == kept
