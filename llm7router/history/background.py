"""Work that is done now and then in a thread, which is there only while there is something to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

log = logging.getLogger("llm7router")


class Background:
    """Calls `work` some seconds after `wake`, however often that is called meanwhile."""

    def __init__(self, work: Callable[[], None], pause_s: float, name: str) -> None:
        self._work, self._pause_s, self._name = work, pause_s, name
        self._lock = Lock()
        self._due = False
        self._stop = Event()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """There is something to do. Costs next to nothing when that is known."""
        if self._due:
            return
        with self._lock:
            if self._thread is None:
                self._stop = Event()
                thread = Thread(target=self._run, args=(self._stop,), name=self._name, daemon=True)
                thread.start()  # or RuntimeError: there may be too many threads now, and fewer the next time
                self._thread = thread
            self._due = True

    def close(self, within_s: float) -> bool:
        """Let it finish its work and end; whether it did so in time. `wake` begins anew."""
        with self._lock:
            thread, self._thread, self._due = self._thread, None, False
            self._stop.set()
        if thread is not None:
            thread.join(within_s)
        return thread is None or not thread.is_alive()

    def _run(self, stop: Event) -> None:
        while True:
            stop.wait(self._pause_s)
            self._due = False
            try:
                self._work()
            except Exception as error:  # the next time may be better
                log.error("%s failed: %s", self._name, type(error).__name__)
            with self._lock:
                if stop.is_set():
                    return
                if not self._due:
                    self._thread = None
                    return
