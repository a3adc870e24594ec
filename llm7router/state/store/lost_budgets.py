"""What becomes of budgets that a shared store lost: nothing more is spent in the same period.

Nobody deletes a budget's cell, so one that this process knew and that is gone, or older than it was, was lost with
its store; so was one that is older than the store itself, which somebody began anew, and one that nobody can read. It
is written back as it was known, with a block that says since when it is not known what was spent. A store that was
emptied while no process knew of it cannot be told from a new one.
"""

from __future__ import annotations

from collections.abc import Mapping

from llm7router.state.cells import BUDGET, EMPTY, LOST, Block, Cell, is_budget
from llm7router.state.store.redis_scripts import Held


class LostBudgets:
    """Keeps in mind what was lost until it is written back."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}  # as last known

    def __bool__(self) -> bool:
        return bool(self._cells)

    def compare(self, before: Mapping[str, Held], after: Mapping[str, Held], born: str) -> None:
        """Take note of budgets that were there before, or cannot be read. `born` is the store's first version."""
        for key in filter(is_budget, {**before, **after}):
            known, found = before.get(key), after.get(key)
            cell = known.cell if known else None
            if found is not None and found.cell is None:
                self._cells.setdefault(key, cell or EMPTY)
            elif cell is not None and known is not None and _gone(known, found, born):
                self._cells[key] = cell

    def written_back(self, seen: Mapping[str, Held], now: float) -> dict[str, Cell]:
        """What is to be written, or to be shown until it is. The block is of the whole user's money, and so of every
        caller's; it ends with the period that holds `now`."""
        if not self._cells:
            return {}
        held = seen.get(BUDGET)
        whole = self._cells.get(BUDGET) or (held.cell if held else None) or EMPTY
        return {**self._cells, BUDGET: whole._replace(block=Block(now, LOST, now))}

    def clear(self) -> None:
        """It is written."""
        self._cells.clear()


def _gone(known: Held, found: Held | None, born: str) -> bool:
    return found is None or _older(found.version, known.version) or _older(known.version, born)


def _older(one: str, other: str) -> bool:
    """Versions are digits, of any length if somebody else wrote them; nothing is older than what is none."""
    first, second = one.lstrip("0"), other.lstrip("0")
    return other.isdigit() and (len(first), first) < (len(second), second)
