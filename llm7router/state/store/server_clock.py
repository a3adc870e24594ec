"""The time of another machine, between two replies of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

SLEW = 0.5  # a clock that is ahead runs at half speed until it is right again


class ServerClock:
    """What the server's clock shows now: its last reply plus the time since, never going back.

    A reply was written somewhere between request and answer, so the offset is kept while it lies in that range. A
    server whose clock is set back is followed slowly: time neither jumps back nor stands still for long.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._offset: float | None = None  # server time less monotonic time
        self._heard_at = 0.0
        self._last = 0.0

    def now(self) -> float | None:
        """Epoch seconds; None before the first reply."""
        with self._lock:
            if self._offset is None:
                return None
            self._last = max(self._last, self._offset + self._monotonic())
            return self._last

    def heard(self, server_s: float, asked_at: float, answered_at: float) -> None:
        """The server wrote `server_s` between two instants of the monotonic clock."""
        low, high = server_s - answered_at, server_s - asked_at
        with self._lock:
            if self._offset is None or self._offset < low:
                self._offset = (low + high) / 2
            elif self._offset > high:
                slowest = self._offset - SLEW * max(0.0, answered_at - self._heard_at)
                self._offset = max((low + high) / 2, slowest)
            self._heard_at = answered_at
