"""Messages as local models take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm7router.calls.local.errors import LocalRequestError


def plain(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Copies with the content of each message as one string: chat templates of GGUF files want that.

    Raises LocalRequestError for an empty conversation and for content that is not text.
    """
    if not messages:
        raise LocalRequestError("the conversation is empty", "send at least one message")
    return [{**message, "content": _text(message.get("content"))} for message in messages]


def as_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The conversation as one string: the user's words if they are all there is, else `role: content` lines."""
    flat = plain(messages)
    if len(flat) == 1 and flat[0].get("role") == "user":
        return str(flat[0]["content"])
    return "\n".join(f"{message.get('role', 'user')}: {message['content']}" for message in flat)


def _text(content: Any) -> str:
    if content is None:
        return ""  # an assistant message that only calls tools
    if isinstance(content, str):
        return content
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    if other := sorted({str(part.get("type")) for part in parts} - {"text"}):
        raise LocalRequestError(f"the model takes text only (given {', '.join(other)})", "leave it out")
    return "\n".join(str(part.get("text", "")) for part in parts)
