"""Notices that a file was edited."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from llm7router.errors import ConfigError

log = logging.getLogger("llm7router")

SETTLED_S = 0.2  # a file that has not changed for so long is whole: editors write in several steps
TRIES = 25  # times that it is waited for; then what is there is read, whole or not
STEP_MS, TOGETHER_MS = 50, 100  # of watchfiles: how often it looks, and changes within which are one

Signature = tuple[tuple[int, int, int] | None, ...]


class Watcher:
    """Calls `changed` in a thread of its own, within a second after one of `files` was edited, made or removed.

    Directories are watched, since most editors replace a file, and orchestrators a link to its directory; of a link,
    also the directory of the file that it led to at the start. Start it once.
    """

    def __init__(self, files: Iterable[Path], changed: Callable[[], None]) -> None:
        self._files = tuple(file.absolute() for file in files)
        self._changed = changed
        self._stop = threading.Event()
        self._seen = self._signature()
        self._thread = threading.Thread(target=self._run, name="llm7router watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for it."""
        self._stop.set()

    def _run(self) -> None:
        from watchfiles import watch

        places = {*self._files, *map(_end_of, self._files)}
        directories = {place.parent for place in places if place.parent.is_dir()}
        names = {place.name for place in places}
        try:
            for _ in watch(
                *directories,
                # Kubernetes exchanges the link `..data`.
                watch_filter=lambda _, path: (name := os.path.basename(path)) in names or name.startswith(".."),
                stop_event=self._stop,
                step=STEP_MS,
                debounce=TOGETHER_MS,
                recursive=False,
                raise_interrupt=False,
            ):
                self._look()
        except (OSError, RuntimeError) as error:  # no more watches are to be had, or a directory is gone
            log.warning("edits of %s are not noticed any more: %s; restart to use them", self._files[0], error)

    def _look(self) -> None:
        """Wait until nothing changes any more, and tell, unless all is as it was."""
        signature = self._signature()
        for _ in range(TRIES):
            if self._stop.wait(SETTLED_S):
                return
            before, signature = signature, self._signature()
            if before == signature:
                break
        if signature != self._seen:
            self._seen = signature
            self._changed()

    def _signature(self) -> Signature:
        return tuple(_signature(file) for file in self._files)


def _end_of(file: Path) -> Path:
    """Where links lead; the file itself if they lead in a circle."""
    try:
        return file.resolve()
    except (OSError, RuntimeError):
        return file


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def reloading(reload: Callable[[], None], file: Path) -> Callable[[], None]:
    """What a watcher of `file` calls: the reading, with its faults in the log. What was in use stays in use then."""

    def read_again() -> None:
        try:
            reload()
        except ConfigError as error:
            log.error("%s was edited and has faults; what was read before stays in use:\n%s", file, error)
        except Exception as fault:  # ours; no message, which may quote a key
            log.error("%s was edited and could not be read again: %s", file, type(fault).__name__)

    return read_again
