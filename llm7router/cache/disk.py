"""Answers in a diskcache directory of their own: they survive restarts, and the processes of one machine share them.

SQLite runs in a thread of its own, beside the one that counts: a slow read of answers holds up no reservation.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from diskcache import Timeout

from llm7router.cache.shelves import too_large
from llm7router.errors import StoreError
from llm7router.state.store.disk import PAUSE_S, broken, identity, prepare
from llm7router.state.store.one_thread import OneThread, R
from llm7router.state.store.plain_disk import BUSY_S, DATABASE, PlainCache, UnsafeValueError, busy

NAME = "answers"  # of the directory, inside that of the state
REST_S = 1.0  # nothing is written for so long after others held the file: all requests wait for the one thread
SPARE = 0.9  # of the room is for the database; its log and the removing of several at once take the rest


class DiskShelf(OneThread):
    """Texts in `answers` below the state's directory, for its owner only."""

    def __init__(self, state: Path, max_bytes: int) -> None:
        super().__init__(str(state / NAME))
        self.directory = state / NAME
        self._max_bytes = max_bytes
        self._cache: PlainCache | None = None
        self._file: tuple[int, int] | None = None  # identity of the database that is open
        self._rests_until = float("-inf")  # monotonic seconds

    async def get(self, key: str) -> str | None:
        """The text, or None."""
        return await self._await(self._submit(lambda: self._get(key)))

    async def put(self, key: str, text: str, keep_s: float) -> None:
        """Keep it. It is written even when the caller is cancelled meanwhile."""
        if not too_large(text, self._max_bytes):
            await self._await(self._submit(lambda: self._put(key, text, keep_s)))

    def _get(self, key: str) -> str | None:
        if self._cache is None and not (self.directory / DATABASE).exists():
            return None
        text: str | None = self._open().get(key)
        return text

    def _put(self, key: str, text: str, keep_s: float) -> None:
        if time.monotonic() < self._rests_until:
            raise StoreError(f"{self.where}: another process has just held it for over {BUSY_S:g} s")
        self._open().set(key, text, expire=keep_s, retry=False)  # its clock is the system's, and only clears up

    def _open(self) -> PlainCache:
        if self._cache is None:
            prepare(self.directory.parent)
            prepare(self.directory)
            self.directory.chmod(0o700)  # whoever made it: answers are nobody else's business
            self._cache = PlainCache(
                self.directory, eviction_policy="least-recently-stored", cull_limit=10,
                size_limit=int(self._max_bytes * SPARE),
            )  # fmt: skip
            self._file = identity(self.directory)
            with contextlib.suppress(Timeout):  # another process does it
                self._cache.expire()
        return self._cache

    def _guarded(self, work: Callable[[], R]) -> R:
        """Run work, again while others write. What is broken is removed: answers can be asked for again."""
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                if self._cache is not None and identity(self.directory) != self._file:
                    self._close()  # it was removed or replaced, and SQLite would not notice
                return work()
            except (Timeout, sqlite3.Error, OSError, UnsafeValueError) as error:
                # diskcache turns every error at the beginning of a transaction into its Timeout.
                cause = error.__context__ if isinstance(error, Timeout) else error
                if busy(cause) and time.monotonic() < deadline:
                    time.sleep(random.random() * PAUSE_S)  # noqa: S311 - no secret
                    continue
                if busy(cause):
                    self._rests_until = time.monotonic() + REST_S
                else:
                    self._close()
                if broken(cause):
                    self._remove()
                raise StoreError(f"{self.where}: {cause}") from None

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(self.directory / (DATABASE + suffix))

    def _close(self) -> None:
        cache, self._cache, self._file = self._cache, None, None
        if cache is not None:
            with contextlib.suppress(sqlite3.Error):
                cache.close()

    def _forked(self) -> None:
        self._cache, self._file = None, None
