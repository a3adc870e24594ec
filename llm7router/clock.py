"""The only reader of time. Everything else is given `now`, in epoch seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol


class Clock(Protocol):
    """Tells the time; replaced by `llm7router.testing.VirtualClock` in scenarios."""

    def now(self) -> float:
        """The wall clock, in epoch seconds. It may jump: limits and blocks survive that, durations do not use it."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back; for durations."""
        ...


def _monotonic() -> Callable[[], float]:
    """A clock that also counts the time in which the machine slept, where there is one (Linux), so that a laptop that
    wakes up does not look like one whose wall clock was moved."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot_time is None else partial(time.clock_gettime, boot_time)


class SystemClock:
    """The clocks of the operating system."""

    now = staticmethod(time.time)
    monotonic = staticmethod(_monotonic())
