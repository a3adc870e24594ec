"""Where usage is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from llm7router.history.usage import Key, Usage

Rows = Mapping[Key, Usage]


class HistoryStore(Protocol):
    """Rows of usage. Methods may block, and raise `StoreError` and nothing else when they cannot do their work."""

    where: str  # for people

    def add(self, rows: Rows, keep_from: int) -> None:
        """Add to what is there, all or nothing, and forget what is before the hour `keep_from`."""
        ...

    def read(self, since: float) -> dict[Key, Usage]:
        """Rows of the hours that begin at `since` (epoch seconds) or later; creates nothing."""
        ...
