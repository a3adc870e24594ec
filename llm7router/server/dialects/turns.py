"""A conversation in the making, in OpenAI's chat messages, for dialects whose own shape is another.

Every tool call and every result stands where OpenAI's API wants it: all calls of one turn in one message of the
assistant's, their results right behind. Results hold text only, so their images follow in a message of the user's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from llm7router.server.dialects import fields

Part = Mapping[str, Any]
LONGEST_NAME = 64  # characters of a function's name at OpenAI and most providers


class Turns:
    """Add what was said, in order, then take `end()`."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._images: list[Part] = []  # of results, not shown yet
        self._calls: set[str] = set()
        self._behind: dict[int, list[str]] = {}  # words behind the tool calls of a message; joined once, at the end

    def say(self, role: str, parts: Sequence[Part]) -> None:
        """What the user or the system says."""
        if role == "user":
            parts, self._images = [*self._images, *parts], []
        self._append({"role": role, "content": _content(parts)})

    def answer(self, words: str) -> None:
        """What the assistant said. Behind its tool calls, it belongs to their message."""
        self._show_images()
        last = self._last()
        if last.get("tool_calls"):
            self._behind.setdefault(len(self._messages) - 1, []).append(words)
        else:
            self._append({"role": "assistant", "content": words})

    def call(self, id: str, name: str, arguments: str) -> None:
        """A tool call of the assistant's."""
        self._show_images()
        if self._last().get("role") != "assistant":
            self._append({"role": "assistant", "content": None})
        self._calls.add(id)
        function = {"name": short(name), "arguments": arguments}
        self._last().setdefault("tool_calls", []).append({"id": id, "type": "function", "function": function})

    def result(self, id: str, parts: Sequence[Part], where: str) -> None:
        """What a tool answered. Raises ApiError (400) if no call before has that id."""
        if id not in self._calls:
            raise fields.fault(where, f"no tool call before it has the id {id[: fields.SHOWN]!r}; send the call, too")
        images = [part for part in parts if part["type"] != "text"]
        words = _content([part for part in parts if part["type"] == "text"])
        seen = f"[{len(images)} image(s) of this result follow]" if images else ""
        self._messages.append({"role": "tool", "tool_call_id": id, "content": words or seen})
        if images:
            self._images += [{"type": "text", "text": f"Of the result of {id}:"}, *images]

    def end(self) -> list[dict[str, Any]]:
        """The messages."""
        self._show_images()
        for index, words in self._behind.items():
            message = self._messages[index]
            message["content"] = (message["content"] or "") + "".join(words)
        return self._messages

    def _last(self) -> dict[str, Any]:
        return self._messages[-1] if self._messages else {}

    def _append(self, message: dict[str, Any]) -> None:
        self._show_images()
        self._messages.append(message)

    def _show_images(self) -> None:
        if self._images:
            images, self._images = self._images, []
            self._messages.append({"role": "user", "content": images})


def text(words: str) -> Part:
    """A part that is text."""
    return {"type": "text", "text": words}


def image(url: str, detail: str | None = None) -> Part:
    """A part that is an image, by its address or as a data URL."""
    return {"type": "image_url", "image_url": {"url": url, **({"detail": detail} if detail else {})}}


def short(name: str) -> str:
    """A function's name, or if it is too long for OpenAI's API its beginning and a hash."""
    if len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - len(mark) - 1]}_{mark}"


def shortened(names: Sequence[str]) -> dict[str, str]:
    """The long names, by their short forms, to be put back into answers."""
    return {short(name): name for name in names if short(name) != name}


def _content(parts: Sequence[Part]) -> Any:
    """Text where there is nothing else, since not every provider takes lists."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return list(parts)
