"""Usage history: requests, tokens, cost and latency by the hour, kept for days, without prompts.

`open_history` is what a router adds to its hooks, `router.history`; `history_store` is where that is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm7router.clock import Clock
from llm7router.history.base import HistoryStore
from llm7router.history.hook import History
from llm7router.history.memory import MemoryHistory
from llm7router.history.usage import Key, Usage
from llm7router.state.store import Store, state_directory

if TYPE_CHECKING:
    from llm7router.config.models import Config


def open_history(config: Config, store: Store, clock: Clock) -> History | None:
    """The hook for a router with this state store; None if `history.enabled` is false."""
    return History(history_store(config, store), config.history, clock) if config.history.enabled else None


def history_store(config: Config, store: Store) -> HistoryStore:
    """Where usage is kept: beside the state on disk; on this machine if the state is in Redis; else in memory."""
    if store.name not in ("disk", "redis"):
        return MemoryHistory()
    from llm7router.history.database import SqliteHistory

    return SqliteHistory(getattr(store, "directory", None) or state_directory(config.state))


__all__ = ["History", "HistoryStore", "Key", "Usage", "history_store", "open_history"]
