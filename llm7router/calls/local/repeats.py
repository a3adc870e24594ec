"""Keeps a stream going in which the same piece comes many times over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from llm7router.calls.local.engines import Chunk


async def joined(chunks: AsyncIterator[Chunk], longest: int) -> AsyncGenerator[Chunk, None]:
    """The same text, with no more than `longest` equal pieces (2 or more) in a row: then two are sent as one.

    Small models do repeat themselves, and may even have been asked to; max_tokens bounds that.
    """
    last, run, held = None, 0, ""
    async for chunk in chunks:
        text = _only_text(chunk)
        if held:
            if text is not None:
                yield _with_text(chunk, held + text)
                last, run, held = None, 0, ""
                continue
            yield _with_text(chunk, held)
            held = ""
        run = run + 1 if text is not None and text == last else 1
        last = text
        if text is not None and run >= longest:
            held = text
        else:
            yield chunk
    if held:
        yield {"choices": [{"index": 0, "delta": {"content": held}}]}


def _only_text(chunk: Chunk) -> str | None:
    """The content of a chunk that is nothing but content."""
    choices: list[dict[str, Any]] = chunk.get("choices") or []
    if not choices or choices[0].get("finish_reason"):
        return None
    delta = choices[0].get("delta") or {}
    content = delta.get("content")
    return content if isinstance(content, str) and content and not delta.get("tool_calls") else None


def _with_text(like: Chunk, text: str) -> Chunk:
    """A content chunk; `like` only lends its id."""
    return {**{name: like[name] for name in ("id",) if name in like},
            "choices": [{"index": 0, "delta": {"content": text}}]}  # fmt: skip
