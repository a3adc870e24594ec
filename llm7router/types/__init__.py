"""The values that flow between the parts. All are immutable; none does I/O.

Units are in the names: `_s` seconds, `_at` epoch seconds, `_usd` US dollars, `_mtok` per million tokens.
"""

from __future__ import annotations

from llm7router.types.decision import Attempt, Candidate, Decision, Reading, Rejected, Rejection, Scored, Snapshot
from llm7router.types.deployment import DISABLED, NO_MAX, SHAPES, Deployment, Limit, Off, Price, Secret, Shape
from llm7router.types.names import Capability, Counts, Failure, Kind, Operation, Period, TaskType, Unit
from llm7router.types.outcome import (
    AccountLimit,
    AttemptRecord,
    Axis,
    CompletionResult,
    EmbeddingResult,
    Opening,
    Outcome,
    StreamChunk,
)
from llm7router.types.request import Message, Request, RequestContext

__all__ = [
    "DISABLED",
    "NO_MAX",
    "SHAPES",
    "AccountLimit",
    "Attempt",
    "AttemptRecord",
    "Axis",
    "Candidate",
    "Capability",
    "CompletionResult",
    "Counts",
    "Decision",
    "Deployment",
    "EmbeddingResult",
    "Failure",
    "Kind",
    "Limit",
    "Message",
    "Off",
    "Opening",
    "Operation",
    "Outcome",
    "Period",
    "Price",
    "Reading",
    "Rejected",
    "Rejection",
    "Request",
    "RequestContext",
    "Scored",
    "Secret",
    "Shape",
    "Snapshot",
    "StreamChunk",
    "TaskType",
    "Unit",
]
