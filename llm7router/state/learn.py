"""What answers teach about limits: how much is left, what the limit is, and that it is lower than believed. Pure.

Every provider has headers of its own, so a limit of router.yaml names the one that says what is left of it (`header`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from llm7router.state import windows
from llm7router.state.cells import Cell
from llm7router.state.windows import Window
from llm7router.types import AccountLimit, Axis, Failure, Limit, Outcome

if TYPE_CHECKING:
    from llm7router.state.quota import Charged

SURPRISE = 0.9  # a refusal below this share of the limit means that the limit is lower than believed
MOST = 10**15  # a larger number in a header is nonsense
_NUMBER = re.compile(r"\s{0,9}(\d{1,16})(?:\.\d{1,9})?\s{0,9}", re.ASCII)


def number(text: str | None) -> int | None:
    """A whole number of 0 or more out of a header, or None: headers are as hostile as their sender."""
    match = _NUMBER.fullmatch(text) if text is not None and len(text) <= 64 else None
    value = int(match[1]) if match else None
    return value if value is not None and value <= MOST else None


def observe(
    changed: dict[str, Cell],
    get: Callable[[str], Cell],
    limits: Iterable[Limit],
    charged: Sequence[Charged],
    outcome: Outcome,
    now: float,
) -> None:
    """Put into `changed` what the outcome's headers and refusal say about each limit."""
    refused = outcome.failure in (Failure.RATE_LIMITED, Failure.QUOTA_GONE) and not outcome.upstream_only
    account = outcome.account
    if not refused and not outcome.headers and account is None:
        return
    slices = {id(c.limit): c for c in charged}
    for limit in limits:
        mine = slices.get(id(limit))
        if limit.concurrent or mine is None:
            continue
        cell = get(limit.cell)
        window = before = cell.windows.get(limit.name, windows.EMPTY)
        if limit.header is not None:
            window = _told(window, limit, mine.slice, outcome, now)
        if account is not None and _concerns(limit, account.axis):
            window = _granted(window, limit, account, now)
        if refused and _concerns(limit, outcome.axis):
            window = _refused(window, limit, mine, now)
        if window is not before:
            changed[limit.cell] = cell._replace(windows={**cell.windows, limit.name: window})


def _told(window: Window, limit: Limit, since: int, outcome: Outcome, now: float) -> Window:
    """Raise own use to what the provider counts; never lower it, since calls under way are not in its figure.

    A limit that the provider says is lower than configured is taken over; a higher one is not.
    """
    assert limit.header is not None
    left = number(outcome.headers.get(limit.header))
    most = number(outcome.headers.get(limit.header.replace("remaining", "limit")))
    if most is not None and 0 < most < limit.max and most != window.cap:
        window = window._replace(cap=most, cap_at=now)
    if left is None:
        return window
    top = most or windows.most(window, limit, now)
    later = sum(amount for key, amount in window.slices.items() if key > since)  # sent after that request
    missing = top - left + later - windows.used(window, limit, now)
    return windows.charge(window, limit, missing, now)[0] if 0 < missing <= top else window


def _granted(window: Window, limit: Limit, account: AccountLimit, now: float) -> Window:
    """The account's own limit takes the place of the configured one, lower or higher; use is only ever raised."""
    window = window._replace(said=account.max) if account.max != window.said else window
    missing = min(account.used, account.max) - windows.used(window, limit, now)
    return windows.charge(window, limit, missing, now)[0] if missing > 0 else window


def _refused(window: Window, limit: Limit, mine: Charged, now: float) -> Window:
    """A refusal long before the limit: it is lower than believed, or others use it too. The cap grows back."""
    others = windows.used(window, limit, now) - mine.amount
    top = windows.most(window, limit, now)
    if others >= SURPRISE * top:
        return window
    return window._replace(cap=max(1, int(SURPRISE * others)), cap_at=now)


def _concerns(limit: Limit, axis: Axis | None) -> bool:
    """The refusal names this limit. One that names none says nothing of any."""
    return axis is not None and limit.unit is axis.unit and limit.period is axis.period
