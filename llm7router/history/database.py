"""Usage in an SQLite file that all processes of one machine write: the sums of each hour are added to.

A connection is opened for each write, some seconds apart at least: a file that was removed, replaced or set aside is
noticed by itself, and there is nothing to share between threads or with a forked child.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from llm7router.errors import StoreError
from llm7router.history import sketch
from llm7router.history.base import Rows, first_to_keep
from llm7router.history.tally import MOST_OF_AN_HOUR, OTHERS
from llm7router.history.usage import SUMS, Key, Usage
from llm7router.state.store.plain_disk import busy

log = logging.getLogger("llm7router")

FILE = "history.db"
VERSION = 1  # of the schema, as `PRAGMA user_version`
BUSY_S = 1.0  # most that is waited for another process's write, in a thread that nobody waits for
SCHEMA = f"""
CREATE TABLE usage (
  hour INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, task TEXT NOT NULL, caller TEXT NOT NULL,
  {", ".join(f"{name} {'REAL' if name == 'cost_usd' else 'INTEGER'} NOT NULL" for name in SUMS)}, latency TEXT NOT NULL,
  PRIMARY KEY (hour, provider, model, task, caller)
) WITHOUT ROWID"""
COLUMNS = (*Key._fields, *SUMS, "latency")
ADD = f"""
INSERT INTO usage ({", ".join(COLUMNS)}) VALUES ({", ".join("?" * len(COLUMNS))})
ON CONFLICT ({", ".join(Key._fields)}) DO UPDATE SET
  {", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)}, latency = merged(latency, excluded.latency)"""  # noqa: S608 - names of ours
KEYS = f"SELECT {', '.join(Key._fields)} FROM usage WHERE hour = ?"  # noqa: S608 - names of ours
NEWEST = "SELECT DISTINCT hour FROM usage ORDER BY hour DESC LIMIT 2"
READ = f"SELECT {', '.join(COLUMNS)} FROM usage WHERE hour >= ?"  # noqa: S608 - names of ours


class SqliteHistory:
    """Usage in `directory`, which is created, as the file is, for its owner only when something is first written."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self.where = str(self._path)

    def add(self, rows: Rows, keep_from: int) -> None:
        """One transaction. A broken file is set aside once, and the rows are written to a new one."""
        try:
            self._add(rows, keep_from)
        except _BrokenError as broken:
            self._set_aside(broken)
            with self._told():
                self._add(rows, keep_from)

    def read(self, since: float) -> dict[Key, Usage]:
        """Nothing without a file; a broken one is a `StoreError`."""
        if not self._path.exists():
            return {}
        with self._told(), self._told_broken(), closing(self._connect()) as connection:
            if not self._version(connection):
                return {}
            return {Key(*row[:5]): _usage(row[5:]) for row in connection.execute(READ, (since,))}

    def _add(self, rows: Rows, keep_from: int) -> None:
        from llm7router.state.store.disk import prepare

        with self._told():
            prepare(self._path.parent)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
            with self._noticed(), closing(self._connect()) as connection:
                with contextlib.suppress(sqlite3.OperationalError):  # others write: it is as right without, and slower
                    connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute("BEGIN IMMEDIATE")
                if not self._version(connection):
                    connection.execute(SCHEMA)
                    connection.execute(f"PRAGMA user_version={VERSION}")
                connection.executemany(
                    ADD, ((*key, *_values(usage)) for key, usage in _bounded(connection, rows).items())
                )
                newest = [hour for (hour,) in connection.execute(NEWEST)]
                connection.execute("DELETE FROM usage WHERE hour < ?", (first_to_keep(rows, keep_from, newest),))
                connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=rw"  # creates nothing
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)
        connection.create_function("merged", 2, _merged, deterministic=True)
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise StoreError(
                f"{self._path}: the usage history was written by a newer llm7router (version {found}, not {VERSION}); "
                "upgrade this one, or move the file away"
            )
        return found

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        """Tells a file that is broken from one that cannot be used now."""
        status = os.stat(self._path)
        try:
            yield
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise _BrokenError(str(error), (status.st_dev, status.st_ino)) from None

    @contextmanager
    def _told_broken(self) -> Iterator[None]:
        try:
            with self._noticed():
                yield
        except _BrokenError as broken:
            raise StoreError(f"{self._path}: the usage history is broken ({broken}); the next request sets it aside"
                             ) from None  # fmt: skip

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What cannot be done becomes a `StoreError` that says what to do."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = getattr(error, "strerror", None) or str(error)
            advice = "see that its directory can be written, or set history.enabled: false in router.yaml"
            if busy(error):
                why, advice = f"another process has held it for over {BUSY_S:g} s", "end that, or wait for it"
            raise StoreError(f"{self._path}: the usage history cannot be used ({why}); {advice}") from None

    def _set_aside(self, broken: _BrokenError) -> None:
        """Rename a broken file, so that its owner can look at it, unless another process was faster."""
        with self._told():
            status = os.stat(self._path)
            if (status.st_dev, status.st_ino) != broken.file:
                return
            aside = f"{self._path}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
            os.rename(self._path, aside)
            for more in ("-wal", "-shm"):  # they belong to it, and would spoil a new one
                with contextlib.suppress(FileNotFoundError):
                    os.rename(f"{self._path}{more}", f"{aside}{more}")
        log.warning("the usage history %s was broken (%s); it is now %s and begins afresh", self._path, broken, aside)


class _BrokenError(Exception):
    """The file is no database. `file` is its identity."""

    def __init__(self, why: str, file: tuple[int, int]) -> None:
        super().__init__(why)
        self.file = file


def _bounded(connection: sqlite3.Connection, rows: Rows) -> Rows:
    """The rows; callers are told apart only while their hour has few rows in the file, whichever process wrote them."""
    known = {Key(*found) for hour in {key.hour for key in rows} for found in connection.execute(KEYS, (hour,))}
    held, bounded = Counter(key.hour for key in known), dict[Key, Usage]()
    for key, usage in rows.items():
        kept = key._replace(caller=OTHERS) if key not in known and held[key.hour] >= MOST_OF_AN_HOUR else key
        if kept not in known:
            known.add(kept)
            held[kept.hour] += 1
        bounded.setdefault(kept, Usage()).add(usage)
    return bounded


def _merged(one: str, other: str) -> str:
    return sketch.dumps(sketch.merged(sketch.loads(str(one)), sketch.loads(str(other))))


def _values(usage: Usage) -> tuple[int | float | str, ...]:
    return (*(getattr(usage, name) for name in SUMS), sketch.dumps(usage.latency))


def _usage(values: tuple[Any, ...]) -> Usage:
    *sums, latency = values
    return Usage(**dict(zip(SUMS, sums, strict=True)), latency=sketch.loads(str(latency)))
