"""Cells in this process only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock

from llm7router.state.cells import Cell
from llm7router.state.store.base import Change, T


class MemoryStore:
    """A dictionary. The lock is for routers used from several threads; no call waits for I/O under it."""

    name = "memory"
    shared = False

    def __init__(self, cells: Mapping[str, Cell] | None = None) -> None:
        self._cells: dict[str, Cell] = dict(cells or {})
        self._lock = Lock()

    def now(self) -> None:
        """No clock of its own."""

    def read_now(self) -> dict[str, Cell]:
        """A copy of the dictionary; cells are immutable."""
        return dict(self._cells)

    async def read(self) -> dict[str, Cell]:
        """The same."""
        return dict(self._cells)

    async def mutate(self, keys: Iterable[str], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        """One step under the lock, without giving up the event loop."""
        with self._lock:
            result, written = change(self._cells)
            self._cells.update(written)
        return result, written

    def close(self) -> None:
        """Nothing to release; the cells stay."""
