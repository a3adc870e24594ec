"""Cells in a diskcache directory: they survive restarts and are shared by the processes of one machine.

diskcache unpickles what it finds, and a writable directory is enough to plant a pickle (CVE-2025-69872, no fixed
release; its own JSONDisk does not help). `PlainDisk` reads and writes text and numbers only. SQLite runs in one
dedicated thread, since it blocks, and its connections belong to a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from diskcache import Cache, Disk, Timeout
from diskcache.core import MODE_RAW

from llm7router.errors import StoreError
from llm7router.state.cells import Cell, dumps, loads
from llm7router.state.store.base import Change, T

log = logging.getLogger("llm7router")
R = TypeVar("R")

PREFIX = "cell:"
BUSY_S = 0.25  # most that SQLite waits for another process's write
DATABASE = "cache.db"  # diskcache's own file name


class UnsafeValueError(ValueError):
    """A stored key or value is of a kind that this store never writes."""


class PlainDisk(Disk):  # type: ignore[misc]
    """Text only, inline: no pickle in either direction, and no value file, whose name could point anywhere."""

    def put(self, key: Any) -> tuple[Any, bool]:
        """A key as SQLite keeps it."""
        if not isinstance(key, str):
            raise UnsafeValueError("keys are strings")
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        """A key as it was given."""
        if not raw or not isinstance(key, str):
            raise UnsafeValueError("a key that this program did not write")
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, str]:
        """A value as SQLite keeps it."""
        if not isinstance(value, str):
            raise UnsafeValueError("values are strings")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> str:
        """A value as it was given."""
        if mode != MODE_RAW or filename is not None or not isinstance(value, str):
            raise UnsafeValueError("a value that this program did not write")
        return value


class DiskStore:
    """Cells in `directory`, which is created when something is first written, for its owner only."""

    name = "disk"
    shared = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._cache: Cache | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    def read_now(self) -> dict[str, Cell]:
        """Every cell, waiting for the thread."""
        return self._submit(self._read).result()

    async def read(self) -> dict[str, Cell]:
        """Every cell."""
        return await asyncio.wrap_future(self._submit(self._read))

    async def mutate(self, keys: Iterable[str], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        """One SQLite transaction. It is finished even when the caller is cancelled meanwhile: hence the shield."""
        return await asyncio.shield(asyncio.wrap_future(self._submit(lambda: self._mutate(tuple(keys), change))))

    def now(self) -> float | None:
        """The process's own clock will do."""
        return None

    def close(self) -> None:
        """Finish what has begun, close the files and end the thread."""
        if self._thread is not None and self._pid == os.getpid():
            self._thread.submit(self._close).result()
            self._thread.shutdown()
        self._thread = None

    def _submit(self, work: Callable[[], R]) -> Future[R]:
        if self._thread is None or self._pid != os.getpid():  # a forked child has no thread and no connection
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="llm7router-store")
            self._cache, self._pid = None, os.getpid()
        return self._thread.submit(self._guarded, work)

    def _guarded(self, work: Callable[[], R]) -> R:
        """Run work in the store's thread; a broken database is set aside once and the work done on a new one."""
        try:
            try:
                return work()
            except UnsafeValueError as error:
                self._set_aside(str(error))
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                self._set_aside(str(error))
            return work()
        except Timeout:
            raise StoreError(f"{self.directory}: another process holds the state for over {BUSY_S} s") from None
        except (sqlite3.Error, OSError, UnsafeValueError) as error:
            raise StoreError(f"{self.directory}: the state cannot be used ({error})") from None

    def _open(self) -> Cache:
        if self._cache is None:
            prepare(self.directory)
            self._cache = Cache(
                str(self.directory), timeout=BUSY_S, disk=PlainDisk, eviction_policy="none", cull_limit=0,
                statistics=0, tag_index=0, size_limit=2**40,
            )  # fmt: skip
        return self._cache

    def _read(self) -> dict[str, Cell]:
        if self._cache is None and not (self.directory / DATABASE).exists():
            return {}
        cache = self._open()
        keys = [key for key in cache.iterkeys() if key.startswith(PREFIX)]
        cells = {key.removeprefix(PREFIX): _load(key, cache.get(key)) for key in keys}
        return {key: cell for key, cell in cells.items() if cell is not None}

    def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        cache = self._open()
        with cache.transact(retry=False):
            cells = {}
            for key in keys:
                cell = _load(key, cache.get(PREFIX + key))
                if cell is not None:
                    cells[key] = cell
            result, written = change(cells)
            for key, cell in written.items():
                cache.set(PREFIX + key, dumps(cell))
        return result, written

    def _close(self) -> None:
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    def _set_aside(self, why: str) -> None:
        """Rename a broken state directory, so that its owner can look at it, and say so once."""
        try:
            self._close()
        except sqlite3.Error:
            self._cache = None
        aside = self.directory.with_name(
            f"{self.directory.name}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
        )
        self.directory.rename(aside)
        log.warning(
            "the state in %s was broken (%s); it is now %s and counting starts afresh", self.directory, why, aside
        )


def _load(key: str, text: str | None) -> Cell | None:
    if text is None:
        return None
    try:
        return loads(text)
    except ValueError as error:
        raise UnsafeValueError(f"{key}: {error}") from None


def prepare(directory: Path) -> None:
    """Create the directory for its owner only, or check that it is.

    Raises:
        OSError: it belongs to another user, or others may write into it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    status = directory.stat()
    if status.st_uid != os.getuid():
        raise PermissionError("it belongs to another user; set state.path to a directory of your own")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"others may write into it; run: chmod 700 {directory}")
