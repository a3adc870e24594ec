"""What processes that share a history do."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from llm7router.clock import SystemClock
from llm7router.config.history_models import HistoryConfig
from llm7router.events import OK, RequestEvent
from llm7router.history import History
from llm7router.history.database import SqliteHistory
from llm7router.testing import START_AT
from llm7router.types import AttemptRecord, Request, TaskType

FLUSHES, REQUESTS = 20, 25  # requests a flush


def event_of(caller: str) -> RequestEvent:
    """A request whose one call failed."""
    attempt = AttemptRecord("a/m", False, None, "", 500, 1.0)
    request = Request("id", TaskType.CHAT, 10, caller=caller)
    return RequestEvent(START_AT, request, OK, 1.0, False, None, (attempt,))


async def write(directory: Path, name: str, pipe: Connection) -> None:
    """Count and flush many times at once with the others; sends how often writing failed."""
    history = History(SqliteHistory(directory), HistoryConfig(), SystemClock(), flush_s=3600)
    pipe.send("ready")
    pipe.recv()
    failed = 0
    for _ in range(FLUSHES):
        for _ in range(REQUESTS):
            history(event_of("all"))
            history(event_of(name))
        history.flush()
        failed += history._trouble is not None
    history.close()
    pipe.send(failed)
