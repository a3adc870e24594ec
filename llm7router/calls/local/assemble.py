"""A whole answer from the chunks of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llm7router.calls.local.engines import Chunk


@dataclass(slots=True)
class Whole:
    """An answer put together. `usage` stays None if nobody counted."""

    content: str = ""
    reasoning: str = ""
    tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)  # by index
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            self.content += delta.get("content") or ""
            self.reasoning += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls") or ():
                self._add_call(call)
            self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def message(self) -> dict[str, Any]:
        """In OpenAI's shape."""
        message: dict[str, Any] = {"role": "assistant", "content": self.content or None}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.tool_calls:
            message["tool_calls"] = [call for _, call in sorted(self.tool_calls.items())]
        return message

    def _add_call(self, part: dict[str, Any]) -> None:
        """The first part of a call has its id and name, the others go on with its arguments."""
        call = self.tool_calls.setdefault(part.get("index") or 0, {"id": None, "type": "function", "function": {}})
        call["id"] = part.get("id") or call["id"]
        function, added = call["function"], part.get("function") or {}
        function["name"] = function.get("name") or added.get("name")
        function["arguments"] = function.get("arguments", "") + (added.get("arguments") or "")
