"""Cells in a diskcache directory: they survive restarts and are shared by the processes of one machine.

SQLite runs in one dedicated thread, since it blocks, and its connections belong to a thread. A reservation is one
SQLite transaction over the cells of its call.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sqlite3
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from diskcache import Timeout

from llm7router.errors import StoreError
from llm7router.state.cells import BUDGET, EMPTY, LOST, Block, Cell, dumps
from llm7router.state.store.base import Change, T
from llm7router.state.store.codec import PREFIX, load
from llm7router.state.store.mounts import network_mount
from llm7router.state.store.one_thread import R
from llm7router.state.store.plain_disk import BUSY_S, DATABASE, PlainCache, UnsafeValueError, busy
from llm7router.state.store.threaded import ThreadedStore

log = logging.getLogger("llm7router")

PAUSE_S = 0.004  # longest pause between two tries while others write; drawn, so that they do not march in step
ADVICE = {  # by what SQLite says
    "readonly": "it is read-only; make it writable, or set state.path to a directory of your own",
    "full": "the disk is full; free some space, or set state.path to another disk",
    "unable to open": "it cannot be opened; check its permissions, or set state.path to a directory of your own",
}


class DiskStore(ThreadedStore):
    """Cells in `directory`, which is created when something is first written, for its owner only."""

    name = "disk"

    def __init__(self, directory: Path) -> None:
        super().__init__(str(directory))
        self.directory = directory
        self._cache: PlainCache | None = None
        self._file: tuple[int, int] | None = None  # identity of the database that is open
        self._known: dict[str, tuple[str, Cell]] = {}  # by key, what was read last: an unchanged text is not parsed

    def read_now(self) -> dict[str, Cell]:
        """Every cell, for a dry run: a broken database is a `StoreError` and left for the next call to set aside."""
        return self._wait(self._submit(self._peek))

    def _peek(self) -> dict[str, Cell]:
        try:
            return self._read()
        except (sqlite3.DatabaseError, UnsafeValueError) as error:
            if not broken(error):
                raise
            raise StoreError(f"{self.where}: the state is broken ({error}); the next call sets it aside") from None

    def _guarded(self, work: Callable[[], R]) -> R:
        """Run work, again while others write; a broken database is set aside once and the work done on a new one."""
        deadline, set_aside = time.monotonic() + BUSY_S, False
        while True:
            try:
                self._notice_replacement()
                if set_aside:
                    self._note_what_is_lost()
                return work()
            except (Timeout, sqlite3.Error, OSError, UnsafeValueError) as error:
                # diskcache turns every error at the beginning of a transaction into its Timeout.
                cause = error.__context__ if isinstance(error, Timeout) else error
                if busy(cause):
                    if time.monotonic() > deadline:
                        raise StoreError(f"{self.where}: another process holds the state for over {BUSY_S} s") from None
                    time.sleep(random.random() * PAUSE_S)  # noqa: S311 - no secret
                    continue
                if set_aside or not broken(cause):
                    self._close()  # whatever state the connection is in
                    raise StoreError(f"{self.where}: {_advice(cause)}") from None
                self._set_aside(str(cause))
                set_aside = True

    def _open(self) -> PlainCache:
        if self._cache is None:
            prepare(self.directory)
            self._file = identity(self.directory)
            self._cache = PlainCache(self.directory)
            self._file = identity(self.directory)
        return self._cache

    def _read(self) -> dict[str, Cell]:
        if self._cache is None and not (self.directory / DATABASE).exists():
            return {}
        cache = self._open()
        keys = [key for key in cache.iterkeys() if key.startswith(PREFIX)]
        cells = {key.removeprefix(PREFIX): self._load(key, cache.get(key)) for key in keys}
        return {key: cell for key, cell in cells.items() if cell is not None}

    def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        cache = self._open()
        with cache.transact(retry=False):
            found = {key: self._load(PREFIX + key, cache.get(PREFIX + key)) for key in keys}
            result, written = change({key: cell for key, cell in found.items() if cell is not None})
            texts = {PREFIX + key: (dumps(cell), cell) for key, cell in written.items()}
            for key, (text, _) in texts.items():
                cache.set(key, text)
        self._known.update(texts)
        return result, written

    def _load(self, key: str, text: str | None) -> Cell | None:
        if text is None:
            return None
        known = self._known.get(key)
        if known is not None and known[0] == text:
            return known[1]
        try:
            cell = load(text, self.where)
        except ValueError as error:
            raise UnsafeValueError(f"{key}: {error}") from None
        self._known[key] = text, cell
        return cell

    def _close(self) -> None:
        cache, self._cache, self._file = self._cache, None, None
        self._known.clear()
        if cache is not None:
            with contextlib.suppress(sqlite3.Error):
                cache.close()

    def _forked(self) -> None:
        self._cache, self._file = None, None

    def _notice_replacement(self) -> None:
        """Open again what was removed or replaced: SQLite would go on writing to the file that nobody sees."""
        if self._cache is not None and identity(self.directory) != self._file:
            log.warning("the state in %s was removed or replaced while in use; opening what is there now", self.where)
            self._close()

    def _set_aside(self, why: str) -> None:
        """Rename a broken state directory, so that its owner can look at it, and say so once."""
        found = self._file
        self._close()
        if identity(self.directory) != found:
            return  # another process was faster, and what is there now is new
        aside = self.directory.with_name(
            f"{self.directory.name}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
        )
        self.directory.rename(aside)
        log.warning(
            "the state in %s was broken (%s); it is now %s and counting starts afresh; what costs money waits for the "
            "next day or month of its budget, unless %s is removed", self.where, why, aside, self.where,
        )  # fmt: skip

    def _note_what_is_lost(self) -> None:
        """What was spent is not known, so nothing more is spent in the same period."""
        now = time.time()  # of the system: this is the one thing that a store says by itself
        block = Block(now, LOST, now)
        self._mutate((BUDGET,), lambda cells: (None, {BUDGET: cells.get(BUDGET, EMPTY)._replace(block=block)}))


def identity(directory: Path) -> tuple[int, int] | None:
    """Which file the database is, or None without one: another one may come to stand under its name."""
    try:
        status = os.stat(directory / DATABASE)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def broken(cause: BaseException | None) -> bool:
    """Whether what is stored cannot be read, whoever tries."""
    if isinstance(cause, sqlite3.OperationalError):
        return False
    return isinstance(cause, UnsafeValueError | sqlite3.DatabaseError)


def _advice(cause: BaseException | None) -> str:
    said = str(cause)
    hint = next((advice for word, advice in ADVICE.items() if word in said), None)
    return hint or f"the state cannot be used ({said})"


def prepare(directory: Path) -> None:
    """Create the directory for its owner only, or check that it is and that it is on this machine.

    Raises:
        StoreError: it is on a network mount.
        OSError: it belongs to another user, or others may write into it.
    """
    if mount := network_mount(directory):
        raise StoreError(
            f"{directory}: on a network mount ({mount}), where SQLite loses data; set state.path to a local directory, "
            "or state.store to redis://HOST:PORT/0"
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    status = directory.stat()
    if status.st_uid != os.getuid():
        raise PermissionError("it belongs to another user; set state.path to a directory of your own")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"others may write into it; run: chmod 700 {directory}")
