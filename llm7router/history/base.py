"""Where usage is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from llm7router.history.usage import Key, Usage

Rows = Mapping[Key, Usage]


class HistoryStore(Protocol):
    """Rows of usage. Methods may block, and raise `StoreError` and nothing else when they cannot do their work."""

    where: str  # for people

    def add(self, rows: Rows, keep_from: int) -> None:
        """Add to what is there, all or nothing, and forget what is before the hour `keep_from`.

        `keep_from` goes by the newest of the rows; so that a clock far ahead forgets nothing, `first_to_keep` is what
        counts.
        """
        ...

    def read(self, since: float) -> dict[Key, Usage]:
        """Rows of the hours that begin at `since` (epoch seconds) or later; creates nothing."""
        ...


def first_to_keep(rows: Rows, keep_from: int, hours: Sequence[int]) -> int:
    """The first hour to keep when `hours` are the newest two of all, the newest first: as many days as `keep_from`
    leaves, but before the second of them. One hour that a wrong clock has written moves nothing."""
    days = max(key.hour for key in rows) - keep_from
    return min(keep_from, hours[1] - days) if len(hours) > 1 else 0
