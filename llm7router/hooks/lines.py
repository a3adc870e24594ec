"""A file of lines that only its owner can read, rotated by size, shared by processes, never in anybody's way."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from llm7router.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("llm7router")

# A pipe that nobody reads must not hold up a request.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_PRIVATE = 0o600


class RotatedLines:
    """Appends whole lines.

    Raises:
        ConfigError: the file cannot be opened for writing, or a number is out of range.
    """

    def __init__(self, path: str | Path, max_bytes: int, backups: int) -> None:
        given = Path(path).expanduser()
        if max_bytes < 1 or backups < 0:
            raise ConfigError(f"{given}: max_bytes must be 1 or more and backups 0 or more ({max_bytes}, {backups})")
        # Behind a link lies the file to rotate; a device or a pipe stays what it is called.
        self._path = given if given.exists() and not given.is_file() else Path(os.path.realpath(given))
        self._max_bytes, self._backups = max_bytes, backups
        self._lock = Lock()
        self._lost = 0  # lines since the trouble was told
        self._torn = False  # the last line is not whole
        self._unrotated = False  # that was told
        try:
            self._fd: int | None = self._open()
        except OSError as error:
            advice = "name a file that you may write, in a directory that exists"
            raise ConfigError(f"{given}: {_why(error)}; {advice}") from None

    def write(self, line: str) -> None:
        """Append a line. What prevents it is told once in the log."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            try:
                self._append(data)
            except OSError as error:
                self._lost += 1
                if self._lost == 1:
                    log.error("%s: %s; lines are lost until it can be written", self._path, _why(error))
                return
            if self._lost:
                log.warning("%s: written again; %d lines were lost", self._path, self._lost)
                self._lost = 0

    def close(self) -> None:
        """Close the file; writing opens it again."""
        with self._lock:
            self._close()

    def _append(self, data: bytes) -> None:
        fd = self._ready(len(data))
        whole = b"\n" + data if self._torn else data
        written = os.write(fd, whole)
        self._torn = written < len(whole)
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _ready(self, size: int) -> int:
        """The file to append so many bytes to."""
        if self._fd is None or self._replaced(self._fd):
            self._close()
            self._fd = self._open()
        found = os.fstat(self._fd)
        if stat.S_ISREG(found.st_mode) and found.st_size and found.st_size + size > self._max_bytes:
            return self._rotated(self._fd)
        return self._fd

    def _rotated(self, fd: int) -> int:
        with self._turn() as mine:
            if not mine:
                return fd
            if not self._replaced(fd):
                self._close()  # some systems rename no open file
                try:
                    self._shift()
                except OSError as error:
                    if not self._unrotated:
                        log.error("%s: not rotated, so it grows: %s", self._path, _why(error))
                    self._unrotated = True
            self._close()
            self._fd = self._open()
            return self._fd

    def _shift(self) -> None:
        if not self._backups:
            self._path.unlink(missing_ok=True)
        for number in range(self._backups, 0, -1):
            newer = self._numbered(number - 1) if number > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, self._numbered(number))

    @contextlib.contextmanager
    def _turn(self) -> Iterator[bool]:
        """Whether this process may rotate: one at a time, and nobody waits.

        The lock is on a descriptor of its own: a forked process shares the others, and their locks.
        """
        if fcntl is None:
            yield True
            return
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:  # another process is between renaming it and making it again
            yield False
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        except OSError:
            mine = False
        try:
            yield mine
        finally:
            os.close(fd)

    def _replaced(self, fd: int) -> bool:
        """Another process has rotated the file, or someone has moved or removed it."""
        try:
            return not os.path.samestat(os.fstat(fd), os.stat(self._path))
        except FileNotFoundError:
            return True

    def _open(self) -> int:
        return os.open(self._path, _FLAGS, _PRIVATE)

    def _close(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _why(error: OSError) -> str:
    return f"cannot be written ({error.strerror or error})"
