"""What stores over a blocking client share: their work is done in one thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llm7router.state.cells import Cell
from llm7router.state.store.base import Change, T
from llm7router.state.store.one_thread import OneThread


class ThreadedStore(OneThread):
    """A store whose `_read` and `_mutate` block."""

    name = ""
    shared = True

    def now(self) -> float | None:
        """No clock of its own."""
        return None

    def read_now(self) -> dict[str, Cell]:
        """Every cell, waiting for the thread."""
        return self._wait(self._submit(self._read))

    async def read(self) -> dict[str, Cell]:
        """Every cell."""
        return await self._await(self._submit(self._read))

    async def mutate(self, keys: Iterable[str], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        """One step. It is finished even when the caller is cancelled meanwhile."""
        asked = tuple(keys)
        return await self._await(self._submit(lambda: self._mutate(asked, change)))

    def _read(self) -> dict[str, Cell]:
        raise NotImplementedError

    def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        raise NotImplementedError
