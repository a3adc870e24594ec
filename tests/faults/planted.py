"""Faults planted into the real functions, one at a time, and the named tests that must notice."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import Phase, settings

from llm7router.budgets import Budgets
from llm7router.decision.failures import POLICIES, Policy
from llm7router.state import health, quota, windows
from llm7router.state.cells import Cell
from llm7router.state.quota import Refusal
from llm7router.types import Failure, Limit, Period
from tests.faults import runs, test_invariants, test_machines
from tests.faults.fast import Fast
from tests.faults.tally import Tally
from tests.state import test_health, test_quota, test_windows

Check = Callable[[], None]


@contextlib.contextmanager
def patched(owner: Any, name: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """The attribute replaced by what `change` makes of it."""
    before = getattr(owner, name)
    setattr(owner, name, change(before))
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def health_hurt_by_a_429() -> Iterator[None]:
    """A 429 counts as a hard failure."""
    table: dict[Failure, Policy] = POLICIES  # type: ignore[assignment]
    before = table[Failure.RATE_LIMITED]
    table[Failure.RATE_LIMITED] = before._replace(health=1.0)
    try:
        yield
    finally:
        table[Failure.RATE_LIMITED] = before


def _expires_early(right: Any) -> Any:
    return lambda limit, now: right(limit, now) + (limit.tz is None)


def _consumes(right: Any) -> Any:
    def reserve(cells: Mapping[str, Cell], deployment: Any, charges: Any, **keys: Any) -> Any:
        result, changed = right(cells, deployment, charges, **keys)
        first = next((c for c in charges if not c.limit.concurrent), None)
        if isinstance(result, Refusal) and first is not None:
            cell = cells.get(first.limit.cell, Cell())
            window = cell.windows.get(first.limit.name, windows.EMPTY)
            window, _ = windows.charge(window, first.limit, first.amount, keys["now"])
            changed = {first.limit.cell: cell._replace(windows={**cell.windows, first.limit.name: window})}
        return result, changed

    return reserve


def _settles_twice(right: Any) -> Any:
    def settle(cells: Mapping[str, Cell], *rest: Any) -> Any:
        once = right(cells, *rest)
        return {**once, **right({**cells, **once}, *rest)}

    return settle


def _advises_short(right: Any) -> Any:
    def wait(window: Any, limit: Limit, *rest: Any) -> float:
        seconds: float = right(window, limit, *rest)
        return seconds - limit.shape.slice_s if limit.shape.slice_s < seconds < math.inf else seconds

    return wait


def _corrects_newest(right: Any) -> Any:
    return lambda window, key, difference: right(window, next(reversed(window.slices), key), difference)


def _forgets_callers(right: Any) -> Any:
    return lambda budgets, caller, snapshot: snapshot


FAULTS: Mapping[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "off-by-one slice expiry": lambda: patched(windows, "oldest_live", _expires_early),
    "partial consume on refusal": lambda: patched(quota, "reserve", _consumes),
    "double settle": lambda: patched(quota, "settle", _settles_twice),
    "short wait": lambda: patched(windows, "wait", _advises_short),
    "admits one more": lambda: patched(windows, "most", lambda right: lambda *given: right(*given) + 1),
    "health hurt by a 429": health_hurt_by_a_429,
    "settles into the current slice": lambda: patched(windows, "correct", _corrects_newest),
    "callers' budgets are forgotten": lambda: patched(Budgets, "seen_by", _forgets_callers),
    "two probes through a half-open breaker": lambda: patched(
        health, "take_probe", lambda right: lambda state, until: state
    ),
}


def _caught_by_machine(test: Check) -> Check:
    """A state machine's test, without shrinking: that it fails is enough."""
    quiet = settings(test_machines.SETTINGS, max_examples=300, phases=[Phase.generate], database=None)

    def check() -> None:
        with patched(test_machines, "SETTINGS", lambda _: quiet), contextlib.redirect_stdout(io.StringIO()):
            test()

    return check


_batch: list[Tally] = []  # the runs with the fault that is planted now


def _over_runs(test: Callable[[Tally], None]) -> Check:
    """A test of seeded runs."""

    def check() -> None:
        if not _batch:
            _batch.append(runs.scheduler(long=False))
        test(_batch[0])

    return check


def _checks() -> Mapping[str, Check]:
    """Every named test that may notice, cheap ones first."""
    machines = (
        test_machines.test_limit_atomic_wait_and_conserve_hold_in_any_order_of_reserving_and_settling,
        test_machines.test_breaker_and_blame_hold_in_any_order_of_calls_and_endings,
    )
    batches = [getattr(test_invariants, name) for name in dir(test_invariants) if name.startswith("test_")]
    of_state: Mapping[str, Check] = {
        "one run: nobody is over a budget": lambda: Fast(1, 300).run().must_hold("cap"),
        "test_quota: a 429 is no ill health": lambda: test_quota.test_what_a_caller_or_a_quota_causes_is_no_ill_health(
            Failure.RATE_LIMITED
        ),
        "test_quota: a refusal takes from none": (
            test_quota.test_a_refusal_takes_from_none_and_names_the_limit_that_frees_up_last
        ),
        "test_quota: reserved equals charged": (
            test_quota.test_what_was_reserved_equals_what_is_charged_after_any_order_of_settling
        ),
        "test_quota: only one probe": test_quota.test_only_one_probe_goes_through_a_half_open_breaker,
        "test_health: one probe goes through": (
            test_health.test_one_probe_goes_through_and_the_next_request_waits_for_it
        ),
        "test_windows: no sliding window": lambda: test_windows.test_no_sliding_window_ever_holds_more_than_the_limit(
            period=Period.MINUTE
        ),
        "test_windows: the advised wait": lambda: (
            test_windows.test_after_the_advised_wait_the_amount_fits_and_the_wait_is_not_longer_than_the_window(
                period=Period.MINUTE
            )
        ),
        "test_windows: a correction": (test_windows.test_a_correction_of_an_expired_slice_does_not_make_room),
    }
    return {
        **{test.__name__: _caught_by_machine(test) for test in machines},
        **of_state,
        **{test.__name__: _over_runs(test) for test in batches if test.__code__.co_argcount},
    }


CHECKS = _checks()


def fails(check: str) -> bool:
    """The check fails, whatever is planted."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            CHECKS[check]()
        except Exception:  # an assertion, or what hypothesis raises around several
            return True
    return False


@contextlib.contextmanager
def planted(fault: str) -> Iterator[None]:
    """The fault is in the real functions."""
    _batch.clear()
    with FAULTS[fault]():
        yield
    _batch.clear()


def report() -> bool:
    """Print which tests notice which fault; True if each is noticed. Tests that fail anyway do not count."""
    sound = [check for check in CHECKS if not fails(check)]
    print(f"without a fault {len(sound)} of {len(CHECKS)} tests pass")
    every = True
    for fault in FAULTS:
        with planted(fault):
            by = [check for check in sound if fails(check)]
        every = every and bool(by)
        print(f"{fault}: {'noticed by' if by else 'NOT NOTICED'}", *by, sep="\n    ", flush=True)
    return every
