"""The hook that keeps usage: it counts in memory, and a thread writes that down."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from collections.abc import Iterable
from threading import Lock

from llm7router.clock import Clock
from llm7router.config.history_models import HistoryConfig
from llm7router.errors import StoreError
from llm7router.events import RequestEvent
from llm7router.history.background import Background
from llm7router.history.base import HistoryStore
from llm7router.history.report import Report, since
from llm7router.history.tally import Tally
from llm7router.history.usage import HOUR_S, Key

log = logging.getLogger("llm7router")

FLUSH_S = 5.0  # at most this much is lost when the process is killed
CLOSE_S = 1.0  # most that closing waits for the thread
DAY_S = 86_400


class History:
    """A hook. What it meets on the disk is told once in the program's log, and never reaches a request.

    Args:
        store: where usage is kept.
        config: how long, and what it is compared with; may be exchanged at any time.
        clock: says what the last hours are.
        flush_s: longest that it is in memory only, in seconds.
    """

    def __init__(self, store: HistoryStore, config: HistoryConfig, clock: Clock, *, flush_s: float = FLUSH_S) -> None:
        self._store, self.config, self._clock, self._flush_s = store, config, clock, flush_s
        self._trouble: str | None = None
        self._begin()
        _OPEN.add(self)

    def __call__(self, event: RequestEvent) -> None:
        """Count a request that has ended."""
        self._begin_in_child()
        with self._lock:
            self._tally.add(event)
        self._background.wake()

    @property
    def where(self) -> str:
        """Where usage is kept, for people."""
        return self._store.where

    def flush(self) -> None:
        """Write what is only in memory. What cannot be written is kept for the next time, within bounds."""
        self._begin_in_child()
        with self._lock:
            rows = self._tally.take()
        if not rows:
            return
        try:
            self._store.add(rows, _keep_from(rows, self.config.days))
        except StoreError as error:
            with self._lock:
                self._tally.put_back(rows)
            if self._trouble is None:
                log.warning("%s; requests are answered all the same", error)
            self._trouble = str(error)
            return
        if self._trouble is not None:
            log.warning("%s: usage is written again; %d counts were lost", self.where, self._tally.lost)
        self._trouble, self._tally.lost = None, 0

    def report(self, hours: int, by: str = "provider") -> Report:
        """Usage of the last so many hours, the one under way included, of every process. It may block.

        Args:
            by: what its lines are for, one of `report.BY`.

        Raises:
            StoreError: it cannot be read.
        """
        self.flush()
        now = self._clock.now()
        begun = since(now, hours)
        return Report(self._store.read(begun), begun, now, by, self.config.reference)

    def close(self) -> None:
        """Write what is only in memory: milliseconds, or two seconds on a disk that is held by others. A later request
        begins anew.
        """
        if self._pid != os.getpid():
            return
        if self._background.close(CLOSE_S):
            self.flush()
        else:
            log.warning("%s: it takes over %g s to write; the usage of the last seconds may be lost",
                        self.where, CLOSE_S)  # fmt: skip

    def _begin_in_child(self) -> None:
        """In a forked child there is no thread, the lock may be held, and what is here is the parent's to write."""
        if self._pid != os.getpid():
            self._begin()

    def _begin(self) -> None:
        self._pid, self._lock, self._tally = os.getpid(), Lock(), Tally()
        self._background = Background(self.flush, self._flush_s, "llm7router-history")


def _keep_from(rows: Iterable[Key], days: int) -> int:
    """The first hour to keep: counted from the newest row, so that nothing here has to know the time."""
    return max(key.hour for key in rows) - days * DAY_S + HOUR_S


_OPEN: weakref.WeakSet[History] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Of routers that nobody closed."""
    for history in list(_OPEN):
        history.close()
