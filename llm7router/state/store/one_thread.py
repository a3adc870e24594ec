"""One thread for work that blocks, from any event loop, thread or fork. Stores and the answer cache are built on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from llm7router.errors import StoreError

R = TypeVar("R")
STEPS = 6  # of waiting; each gives the store's thread a turn, however long it takes


class OneThread:
    """Work given to `_submit`, and `_close`, block; they only run in the thread, one at a time.

    Nobody waits for work that hangs where no timeout reaches (a name lookup, a dying disk): after `patience_s` it is
    a `StoreError`, at once for those who come later, until the work ends. Waiting for work that came earlier is no
    hanging, and neither is a process that stands still (suspended, or busy importing): hence the steps.
    """

    patience_s = 0.3

    def __init__(self, where: str) -> None:
        self.where = where  # for messages: holds no secret
        self._thread: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._pid = os.getpid()
        self._work: object = None  # under way
        self._hangs = False

    def close(self) -> None:
        """Finish what has begun, release files and connections, end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None or self._pid != os.getpid():
            return
        with contextlib.suppress(TimeoutError):
            thread.submit(self._close).result(self.patience_s)
        thread.shutdown(wait=not self._hangs)

    def _close(self) -> None:
        raise NotImplementedError

    def _forked(self) -> None:
        """Forget, without closing, what belongs to the parent process."""
        raise NotImplementedError

    def _guarded(self, work: Callable[[], R]) -> R:
        """Run work; what the client library raises becomes `StoreError`."""
        raise NotImplementedError

    def _submit(self, work: Callable[[], R]) -> Future[R]:
        if self._pid != os.getpid():  # a forked child has no thread, and the lock may have been held
            self._lock, self._thread, self._hangs, self._pid = Lock(), None, False, os.getpid()
            self._forked()
        if self._hangs:
            raise self._hanging() from None
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="llm7router-store")
            try:
                return self._thread.submit(self._run, work)
            except RuntimeError as error:  # no more threads are to be had, or the interpreter is about to end
                raise StoreError(f"{self.where}: {error}") from None

    def _run(self, work: Callable[[], R]) -> R:
        self._work = work
        try:
            return self._guarded(work)
        finally:
            self._work, self._hangs = None, False

    def _wait(self, future: Future[R]) -> R:
        while True:
            under_way = self._work
            for _ in range(STEPS):
                with contextlib.suppress(TimeoutError):
                    return future.result(self.patience_s / STEPS)
            self._keep_waiting(future, under_way)

    async def _await(self, future: Future[R]) -> R:
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(_looked_at)  # asyncio logs the failure of what nobody waits for any more
        while True:
            under_way = self._work
            for _ in range(STEPS):
                # Neither a time-out nor a cancelled caller cancels what is waited for.
                done, _ = await asyncio.wait((waiting,), timeout=self.patience_s / STEPS)
                if done:
                    return waiting.result()
            self._keep_waiting(future, under_way)

    def _keep_waiting(self, future: Future[Any], under_way: object) -> None:
        """Nothing, while the thread gets on.

        Raises:
            StoreError: it is still at the work that was under way when the waiting began, or at what it began then.
        """
        if future.done() or self._work is None or (under_way is not None and self._work is not under_way):
            return
        self._hangs = True
        future.cancel()
        raise self._hanging() from None

    def _hanging(self) -> StoreError:
        return StoreError(f"{self.where}: no answer for over {self.patience_s} s")


def _looked_at(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()
