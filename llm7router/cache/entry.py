"""A stored answer, and its text in a store. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from llm7router.types import CompletionResult, Decision, Request

VERSION = 1
WHOLE = ("stop", "tool_calls")  # finish reasons of answers that ended by themselves
BEYOND = ("function_call", "audio", "images", "refusal")  # parts of a message that a result does not hold


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of an answer, and since when (`at`, epoch seconds)."""

    at: float
    provider: str
    model: str
    content: str
    reasoning: str | None
    tool_calls: tuple[Mapping[str, Any], ...]
    finish_reason: str
    tokens_input: int
    tokens_output: int
    estimated_usage: bool

    @property
    def deployment(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"

    def result(self, request: Request, now: float, latency_s: float) -> CompletionResult:
        """The answer to another request: free, and decided without looking at any deployment."""
        return CompletionResult(
            content=self.content,
            provider=self.provider,
            model=self.model,
            cost=0.0,
            latency=latency_s,
            tokens_input=self.tokens_input,
            tokens_output=self.tokens_output,
            finish_reason=self.finish_reason,
            tool_calls=self.tool_calls,
            reasoning=self.reasoning,
            decision=Decision(request, (), (), now),
            attempts=(),
            request_id=request.id,
            estimated_usage=self.estimated_usage,
            cached=True,
        )


def entry_of(result: CompletionResult, now: float) -> Entry | None:
    """What to keep of an answer, or None: it did not end by itself, holds more than would be kept, or is a refusal."""
    choices = getattr(result.response, "choices", None) or ()
    beyond = result.refusal or any(
        getattr(getattr(choice, "message", None), name, None) for choice in choices for name in BEYOND
    )
    if result.finish_reason not in WHOLE or beyond or not (result.content or result.tool_calls):
        return None
    own = {f.name: getattr(result, f.name) for f in fields(Entry) if f.name != "at"}
    return Entry(at=now, **own)


def dumps(entry: Entry) -> str:
    """ASCII. Raises TypeError or ValueError for what is no JSON."""
    return json.dumps({"v": VERSION, **asdict(entry)}, separators=(",", ":"), allow_nan=False)


def loads(text: str) -> Entry:
    """Raises ValueError for a text that `dumps` of this version did not write."""
    try:
        data = json.loads(text)
        if data.pop("v") != VERSION:
            raise ValueError("of another version")
        entry = Entry(**{**data, "tool_calls": tuple(data["tool_calls"])})
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no stored answer: {type(error).__name__}") from None
    if not all(isinstance(getattr(entry, name), kind) for name, kind in KINDS.items()):
        raise ValueError("no stored answer")
    if not all(isinstance(call, dict) for call in entry.tool_calls):
        raise ValueError("no stored answer")
    return entry


KINDS: Mapping[str, Any] = {
    "at": int | float,
    **dict.fromkeys(("provider", "model", "content", "finish_reason"), str),
    "reasoning": str | None,
    **dict.fromkeys(("tokens_input", "tokens_output"), int),
    "estimated_usage": bool,
}
