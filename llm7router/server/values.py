"""How many values a JSON body holds, told before it is read: hundreds of thousands of tiny ones hold up everybody."""

from __future__ import annotations

import re

from llm7router.config.server_models import ServerConfig

PER_MESSAGE = 25  # a message of an agent has about ten: itself, role, content, and a call of a tool
LEAST = 50_000  # are always allowed, since tools and schemas are no messages; they take about 0.1 s
# A text without an end goes to the end of the body: looked for behind each of its quotes, that would take hours.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def most_values(config: ServerConfig) -> int:
    """How many a body may hold."""
    return max(LEAST, PER_MESSAGE * config.max_messages)


def has_more_values(raw: bytes, most: int) -> bool:
    """Whether a JSON text holds more than so many values: numbers, texts, objects, lists. Takes 20 ms for 4 MB."""
    if _marks(raw) < most:
        return False
    # The marks of texts do not count. Each value has one text at most, and one more as its name.
    rest, texts = _STRING.subn(b"", raw, 2 * most + 1)
    return texts > 2 * most or _marks(rest) >= most


def _marks(raw: bytes) -> int:
    """Each value but the last in a list or an object is followed by a comma, the last one by a bracket."""
    return raw.count(b",") + raw.count(b"]") + raw.count(b"}")
