"""Where answers are kept, as texts under keys, and never more than so many bytes of them."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Protocol

from llm7router.config.models import CacheConfig, StateConfig

MB = 1_000_000
LARGEST = 10  # one text takes at most this part of all the room, so that it cannot push out everything
OWN_BYTES = 300  # of a short text's key and Python objects


class Shelf(Protocol):
    """Every method raises `StoreError`, and nothing else, when the place cannot be used."""

    async def get(self, key: str) -> str | None:
        """The text, or None. Does not block the event loop."""
        ...

    async def put(self, key: str, text: str, keep_s: float) -> None:
        """Keep a text, perhaps for no longer than so many seconds; the oldest ones go if there is no room."""
        ...

    def close(self) -> None:
        """Release files and threads. A later call opens them again."""
        ...


class MemoryShelf:
    """A dictionary of this process's. The lock is for routers used from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._max_bytes, self._bytes = max_bytes, 0
        self._lock = Lock()

    async def get(self, key: str) -> str | None:
        """The text, or None."""
        return self._texts.get(key)

    async def put(self, key: str, text: str, keep_s: float) -> None:
        """Keep it until there is no room."""
        if too_large(text, self._max_bytes):
            return
        with self._lock:
            self._bytes += _size(text) - _size(self._texts.pop(key, None))
            self._texts[key] = text
            while self._bytes > self._max_bytes:
                self._bytes -= _size(self._texts.popitem(last=False)[1])

    def close(self) -> None:
        """Nothing to release; the texts stay."""


def _size(text: str | None) -> int:
    return 0 if text is None else len(text) + OWN_BYTES  # texts are ASCII


def too_large(text: str, max_bytes: int) -> bool:
    """Whether a text is not kept at all."""
    return len(text) > max_bytes / LARGEST


def open_shelf(config: CacheConfig, state: StateConfig, store: str) -> Shelf | None:
    """The place that the configuration names; None if there is to be none. Nothing is created before it is needed.

    Args:
        store: the name of the store in use, which decides if `config.store` does not.
    """
    max_bytes = int(config.max_mb * MB)
    if not max_bytes:
        return None
    if (config.store or store) == "memory":
        return MemoryShelf(max_bytes)
    from llm7router.cache.disk import DiskShelf
    from llm7router.state.store import state_directory

    return DiskShelf(state_directory(state), max_bytes)
