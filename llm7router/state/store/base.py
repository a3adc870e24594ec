"""A store keeps cells under keys. It knows nothing of limits or health: atomic, dumb, and the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from llm7router.state.cells import Cell

T = TypeVar("T")
Change = Callable[[Mapping[str, Cell]], tuple[T, Mapping[str, Cell]]]
"""Given the cells of the keys asked for (missing ones are absent), a result and the cells to write. Pure: it may
be called again, and what it returned on outdated cells is thrown away."""


class Store(Protocol):
    """Atomic cells.

    Every method raises `StoreError`, and nothing else, when the store cannot be used, and does so within 0.3 s: that
    is the most that a failing store may add to a request.
    """

    name: str  # "memory", "disk", "redis": for people
    shared: bool  # other processes may change it, so a mirror goes stale

    def now(self) -> float | None:
        """The store's own clock in epoch seconds, never going back; None: use yours. Does no I/O."""
        ...

    def read_now(self) -> dict[str, Cell]:
        """Every cell, blocking for milliseconds; creates nothing."""
        ...

    async def read(self) -> dict[str, Cell]:
        """Every cell, without blocking the event loop."""
        ...

    async def mutate(self, keys: Iterable[str], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        """Read, change and write the cells of `keys` as one step; the result and the cells that were written.

        A change that writes nothing was made on the cells as they are, too: its refusal can be relied on.
        """
        ...

    def close(self) -> None:
        """Release files, connections and threads. A later call opens them again."""
        ...
