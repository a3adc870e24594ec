"""A stream in which the same piece repeats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import groupby
from typing import Any

import pytest

from llm7router.calls.local.answers import delta, usage
from llm7router.calls.local.repeats import joined


async def stream(*pieces: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("count", [1, 3, 4, 5, 6, 50, 201])
async def test_no_text_is_lost_and_no_run_is_longer_than_allowed(count: int) -> None:
    pieces = [delta({"content": "Ha ha "})] * count + [delta({}, "stop"), usage(1, count)]
    chunks = [chunk async for chunk in joined(stream(*pieces), 4)]
    texts = [chunk["choices"][0]["delta"].get("content") for chunk in chunks if chunk["choices"]]
    assert "".join(text for text in texts if text) == "Ha ha " * count
    assert max(len([*run]) for text, run in groupby(texts) if text) <= 4
    assert chunks[-1]["usage"]["completion_tokens"] == count
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


async def test_text_that_does_not_repeat_passes_unchanged() -> None:
    pieces = [delta({"content": text}) for text in ("a", "b", "a", "b", "a", "b")]
    assert [chunk async for chunk in joined(stream(*pieces), 2)] == pieces
    tools = [delta({"tool_calls": [{"index": 0}]})] * 9
    assert [chunk async for chunk in joined(stream(*tools), 2)] == tools


async def test_a_stream_that_breaks_off_loses_nothing() -> None:
    chunks = [chunk async for chunk in joined(stream(*[delta({"content": "Ha "})] * 2), 2)]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "Ha Ha "
