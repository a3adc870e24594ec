"""The blocking API: one daemon thread with one permanent event loop.

A loop per call would leave a client and a socket behind each time, so there is one for the whole process. It is
made anew in a forked child, where threads do not survive.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for threads that have no event loop, or have one that they must not block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, or its exception. An interrupt cancels the coroutine before it is passed on."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def owns(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """The loop is this thread's, so blocking in it would never end."""
        return loop is not None and loop is self._loop

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid() or self._loop.is_closed():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="llm7router-sync", daemon=True).start()
            return self._loop


LOOP = LoopThread()
