"""What callables return, as chunks of an OpenAI stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.calls.local.engines import Chunk, Emit
from llm7router.calls.local.errors import LocalFailedError

_FORMS = "return text, OpenAI's response, or an iterator over texts or OpenAI's chunks"


def delta(fields: Mapping[str, Any], finish_reason: str | None = None) -> Chunk:
    """A chunk with one choice."""
    return {"choices": [{"index": 0, "delta": dict(fields), "finish_reason": finish_reason}]}


def usage(prompt_tokens: int, completion_tokens: int) -> Chunk:
    """The chunk that ends a stream with token counts."""
    total = prompt_tokens + completion_tokens
    counts = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": total}
    return {"choices": [], "usage": counts}


class Answer:
    """Turns pieces of any form into chunks and sees to it that a finish reason comes, and comes once."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._finish_reason: str | None = None
        self._called_tools = False
        self._usage: Any = None

    def add(self, piece: Any) -> bool:
        """Emit one piece: text, a chunk or a whole response. True when nobody wants more. Raises LocalFailedError."""
        if isinstance(piece, str):
            return self._emit(delta({"content": piece})) if piece else self._emit(None)
        if hasattr(piece, "model_dump"):
            piece = piece.model_dump()
        if not isinstance(piece, Mapping):
            raise LocalFailedError(f"the callable gave a {type(piece).__name__}", _FORMS)
        self._usage = piece.get("usage") or self._usage
        if not (choices := piece.get("choices")):
            if "usage" not in piece:
                raise LocalFailedError("the callable gave a mapping without choices", _FORMS)
            return self._emit(None)
        self._finish_reason = choices[0].get("finish_reason") or self._finish_reason
        fields = _fields(choices[0])
        self._called_tools = self._called_tools or "tool_calls" in fields
        return self._emit(delta(fields)) if fields else self._emit(None)

    def finish(self) -> None:
        """Emit what ends a stream; `usage` only if the callable told."""
        ended = self._finish_reason or ("tool_calls" if self._called_tools else "stop")
        self._emit(delta({}, ended))
        if self._usage:
            self._emit({"choices": [], "usage": dict(self._usage)})


def _fields(choice: Mapping[str, Any]) -> dict[str, Any]:
    """What a choice adds: of a chunk its delta, of a response its message, of a completion its text."""
    source = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
    names = ("content", "reasoning_content", "tool_calls")
    fields = {name: source[name] for name in names if source.get(name)}
    if calls := fields.get("tool_calls"):
        fields["tool_calls"] = [{"index": index, **call} for index, call in enumerate(calls)]
    return fields
