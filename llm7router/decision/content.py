"""What a message holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm7router.types import Message

_PLAIN = frozenset([str, int, float, bool, type(None)])


def parts(message: Message) -> Sequence[Mapping[str, Any]]:
    """The parts of a message's content, text as one part."""
    content = message.get("content")
    if isinstance(content, str):
        return ({"type": "text", "text": content},)
    return [part for part in content or () if isinstance(part, Mapping)]


def holds(value: Any, key: str) -> bool:
    """Whether there is such a key anywhere inside, however deep."""
    todo = [value]
    while todo:
        inner = todo.pop()
        if (kind := type(inner)) in _PLAIN:  # most are, and what follows takes longer
            continue
        if kind is dict or isinstance(inner, Mapping):
            if key in inner:
                return True
            todo += inner.values()
        elif isinstance(inner, list | tuple):
            todo += inner
    return False


def text_of(message: Message) -> str:
    """The text of a message."""
    return "\n".join(str(part.get("text", "")) for part in parts(message) if part.get("type") == "text")
