"""The blocking API: one daemon thread with one permanent event loop.

A loop per call would leave a client and a socket behind each time, so there is one for the whole process. It is
made anew in a forked child, where threads do not survive.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for threads that have no event loop, or have one that they must not block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, or its exception. An interrupt cancels the coroutine before it is passed on."""
        if threading.current_thread() is self._thread:  # waiting for this thread in this thread would never end
            coroutine.close()
            raise RuntimeError(
                "a blocking call inside the router's own event loop would never end; await complete() or embed() "
                "there, or iterate over stream()"
            )
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """The items, each waited for when it is asked for. Closing the generator closes `items`, too."""

        step: asyncio.Task[Any] | None = None

        async def next_one() -> tuple[T] | None:  # StopAsyncIteration does not travel between threads
            nonlocal step
            step = asyncio.current_task()
            try:
                return (await anext(items),)
            except StopAsyncIteration:
                return None

        async def close() -> None:
            if step is not None:  # one that was interrupted may still be cleaning up
                await asyncio.wait({step})
            await items.aclose()

        try:
            while (found := self.run(next_one())) is not None:
                yield found[0]
        finally:
            self.run(close())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid() or self._loop.is_closed():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                self._thread = threading.Thread(target=self._loop.run_forever, name="llm7router-sync", daemon=True)
                self._thread.start()
            return self._loop


LOOP = LoopThread()
