"""The only reader of time. Everything else is given `now`, in epoch seconds."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; replaced by `llm7router.testing.VirtualClock` in scenarios."""

    def now(self) -> float:
        """The wall clock, in epoch seconds. It may jump: limits and blocks survive that, durations do not use it."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back; for durations."""
        ...


class SystemClock:
    """The clocks of the operating system."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
