"""Notices that a file was edited."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from llm7router.errors import ConfigError

log = logging.getLogger("llm7router")

SETTLED_S = 0.2  # a file that has not changed for so long is whole: editors write in several steps
TRIES = 25  # times that it is waited for; then what is there is read, whole or not
STEP_MS, TOGETHER_MS = 50, 100  # of watchfiles: how often it looks, and changes within which are one
AT_LEAST_MS = 500  # files are looked at so often, also if nothing tells of a change

Signature = tuple[tuple[int, int, int] | None, ...]


class Watcher:
    """Calls `changed` in a thread of its own, within a second after one of `files` was edited, made or removed.

    Directories are watched, since most editors replace a file; of a link, also that of the file to which it leads.
    The system tells nothing of a directory that was itself exchanged, nor of what happens before the watch is set up,
    nor on some network file systems. So the files are looked at twice a second, too. Start it once.

    `seen` is what `signature` told of the files before they were read, so that an edit since then counts, too.
    """

    def __init__(self, files: Iterable[Path], changed: Callable[[], None], seen: Signature | None = None) -> None:
        self._files = tuple(file.absolute() for file in files)
        self._changed = changed
        self._stop = threading.Event()
        self._seen = signature(self._files) if seen is None else seen
        self._thread = threading.Thread(target=self._run, name="llm7router watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for it."""
        self._stop.set()

    def _run(self) -> None:
        from watchfiles import watch

        directories = {place.parent for file in self._files for place in (file, _end_of(file))}
        try:
            for _ in watch(
                *(directory for directory in directories if directory.is_dir()),
                watch_filter=lambda *_: signature(self._files) != self._seen,  # what else is there is not even logged
                stop_event=self._stop,
                step=STEP_MS,
                debounce=TOGETHER_MS,
                rust_timeout=AT_LEAST_MS,
                yield_on_timeout=True,
                recursive=False,
                raise_interrupt=False,
            ):
                self._look()
        except (OSError, RuntimeError):  # no more watches are to be had, or a directory is gone
            while not self._stop.wait(AT_LEAST_MS / 1000):
                self._look()

    def _look(self) -> None:
        """Tell of an edit as soon as nothing changes any more."""
        now = signature(self._files)
        if now == self._seen:
            return
        for _ in range(TRIES):
            if self._stop.wait(SETTLED_S):
                return
            before, now = now, signature(self._files)
            if before == now:
                break
        if now != self._seen:
            self._seen = now
            self._changed()


def _end_of(file: Path) -> Path:
    """Where links lead; the file itself if they lead in a circle."""
    try:
        return file.resolve()
    except (OSError, RuntimeError):
        return file


def files_of(path: Path) -> tuple[Path, ...]:
    """What `config.load` reads for a router.yaml, and what is watched for it."""
    return (path, path.parent / ".env", Path(".env"))


def signature(files: Iterable[Path]) -> Signature:
    """What differs after an edit of one of the files."""
    return tuple(map(_of, files))


def _of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def reloading(reload: Callable[[], None], file: Path) -> Callable[[], None]:
    """What a watcher of `file` calls: the reading, with its faults in the log. What was in use stays in use then."""

    def read_again() -> None:
        try:
            reload()
        except ConfigError as error:
            log.error("%s cannot be used as it is now; what was read before stays in use:\n%s", file, error)
        except Exception as fault:  # ours; no message, which may quote a key
            log.error("%s was edited and could not be read again: %s", file, type(fault).__name__)

    return read_again
