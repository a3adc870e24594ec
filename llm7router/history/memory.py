"""Usage in this process only, for as long as it runs."""

from __future__ import annotations

from threading import Lock

from llm7router.history.base import Rows, first_to_keep
from llm7router.history.usage import Key, Usage

MOST = 20_000  # rows; then the oldest are forgotten


class MemoryHistory:
    """A dictionary, bounded."""

    where = "memory"

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: dict[Key, Usage] = {}
        self._lock = Lock()

    def add(self, rows: Rows, keep_from: int) -> None:
        """Add to what is there."""
        with self._lock:
            for key, usage in rows.items():
                self._rows.setdefault(key, Usage()).add(usage)
            first = first_to_keep(rows, keep_from, sorted({key.hour for key in self._rows}, reverse=True)[:2])
            for key in [key for key in self._rows if key.hour < first]:
                del self._rows[key]
            for key in sorted(self._rows)[: max(0, len(self._rows) - self._most)]:
                del self._rows[key]

    def read(self, since: float) -> dict[Key, Usage]:
        """Copies: the rows go on growing."""
        copies: dict[Key, Usage] = {}
        with self._lock:
            for key, usage in self._rows.items():
                if key.hour >= since:
                    copies.setdefault(key, Usage()).add(usage)
        return copies
