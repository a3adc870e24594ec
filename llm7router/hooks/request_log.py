"""A line of JSON for each request, without content unless that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llm7router.events import RequestEvent
from llm7router.hooks import facts
from llm7router.hooks.lines import RotatedLines
from llm7router.types import AttemptRecord, CompletionResult

LONGEST = 65_536  # characters of one text; what is longer is an image or a book, and would hold up other requests


class RequestLog:
    """A hook that appends to a file which only its owner can read.

    Trouble with the file is told once in the program's log and never reaches a request. Several processes may share
    the file. What providers wrote about failures may quote a prompt, so that is content, too.

    Args:
        path: the file; its directory must exist.
        content: write messages, texts to embed and answers, too.
        max_bytes: at this size the file becomes `path.1`, that becomes `path.2`, and so on.
        backups: how many of those are kept.

    Raises:
        ConfigError: the file cannot be opened for writing, or a number is out of range.
    """

    def __init__(
        self, path: str | Path, content: bool = False, *, max_bytes: int = 20_000_000, backups: int = 5
    ) -> None:
        self._content = content
        self._lines = RotatedLines(path, max_bytes, backups)

    def __call__(self, event: RequestEvent) -> None:
        """Write a request that has ended."""
        record = _record(event)
        if self._content:
            record |= _content(event)
        self._lines.write(json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str))

    def close(self) -> None:
        """Close the file. A later request opens it again."""
        self._lines.close()


def _record(event: RequestEvent) -> dict[str, Any]:
    result, best = event.result, event.decision.best if event.decision else None
    known = facts.scored(event).get(event.deployment or "", best)
    return {
        "time": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "id": event.request.id,
        "caller": event.request.caller,
        "operation": event.request.operation.value,
        "task": event.request.task.value,
        "stream": event.stream,
        "outcome": event.outcome,
        "deployment": event.deployment,
        "cached": result.cached if result else False,
        "points": _rounded(known.points if known else None),
        "attempts": [_attempt(attempt) for attempt in event.attempts],
        "tokens_input": result.tokens_input if result else None,
        "tokens_output": result.tokens_output if result else None,
        "cost_usd": facts.usd(event),
        "latency_s": _rounded(event.duration_s),
        "first_token_s": _rounded(event.first_token_s),
        "error": facts.error_without_content(event) or None,
    }


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    return {
        "deployment": attempt.deployment,
        "failure": attempt.failure.value if attempt.failure else None,
        "status": attempt.status,
        "began_s": _rounded(attempt.began_s),
        "duration_s": _rounded(attempt.duration_s),
    }


def _content(event: RequestEvent) -> dict[str, Any]:
    return {
        "error": event.error or None,
        "details": [attempt.detail for attempt in event.attempts],
        "messages": _shortened(event.messages),
        "inputs": _shortened(event.inputs),
        "answer": _shortened(_answer(event.result)) if isinstance(event.result, CompletionResult) else None,
    }


def _answer(result: CompletionResult) -> dict[str, Any]:
    return {
        "content": result.content,
        "reasoning": result.reasoning,
        "refusal": result.refusal,
        "tool_calls": result.tool_calls,
        "finish_reason": result.finish_reason,
    }


def _shortened(value: Any) -> Any:
    """The value with long texts cut."""
    if isinstance(value, str):
        more = len(value) - LONGEST
        return value if more <= 0 else f"{value[:LONGEST]}… ({more} more characters)"
    if isinstance(value, Mapping):
        return {str(key): _shortened(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_shortened(item) for item in value]
    return value


def _rounded(value: float | None) -> float | None:
    """Milliseconds, or thousandths of a point, are enough."""
    return None if value is None else round(value, 3)
