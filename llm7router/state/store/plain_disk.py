"""diskcache without pickle and without endless retries.

diskcache unpickles what it finds, and a writable directory is enough to plant a pickle (CVE-2025-69872, no fixed
release; its own JSONDisk does not help). `PlainDisk` reads and writes text only. While it opens, it retries every
statement on a locked database for 60 s; `PlainCache` gives up after `BUSY_S`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diskcache import Cache, Disk
from diskcache.core import MODE_RAW

BUSY_S = 0.25  # most that is waited for another process's write
POLL_S = 0.005  # SQLite's own wait, within that: its later pauses are too long to win against busy neighbours
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


# What would be thrown away are rate-limit counters.
EVICTS_NOTHING = {"eviction_policy": "none", "cull_limit": 0, "size_limit": 2**40}


class PlainCache(Cache):  # type: ignore[misc]
    """A cache that waits for nobody for long, and evicts nothing unless it is told to."""

    def __init__(self, directory: Path, **eviction: Any) -> None:
        settings = {**EVICTS_NOTHING, **eviction}
        try:
            super().__init__(str(directory), timeout=POLL_S, disk=PlainDisk, statistics=0, tag_index=0, **settings)
        except BaseException:  # diskcache leaves its connection open when opening fails half-way
            with contextlib.suppress(AttributeError, sqlite3.Error):
                self.close()
            raise

    @property
    def _sql_retry(self) -> Callable[..., Any]:
        execute = self._sql

        def retried(*arguments: Any) -> Any:
            deadline = time.monotonic() + BUSY_S
            while True:
                try:
                    return execute(*arguments)
                except sqlite3.OperationalError as error:
                    if not busy(error) or time.monotonic() > deadline:
                        raise
                    time.sleep(0.001)

        return retried


def busy(error: BaseException | None) -> bool:
    """Whether SQLite says that another process is writing."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)  # extended codes hold the plain one
