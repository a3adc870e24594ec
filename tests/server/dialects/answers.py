"""Answers to write, pieces to write them in, and what a client reads of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from llm7router.server.dialects.base import Asked, Dialect
from llm7router.types import CompletionResult, StreamChunk

DECISION: Any = SimpleNamespace()
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)  # no half characters
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def result(
    content: str = "",
    reasoning: str | None = None,
    calls: Sequence[tuple[str | None, str, str]] = (),
    finish_reason: str | None = "stop",
) -> CompletionResult:
    """An answer of `groq/llama`, 11 tokens in and 7 out. Calls are id, name and arguments."""
    return CompletionResult(
        content=content,
        provider="groq",
        model="llama",
        cost=0.0,
        latency=0.1,
        tokens_input=11,
        tokens_output=7,
        finish_reason=finish_reason,
        tool_calls=tuple(
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in calls
        ),
        reasoning=reasoning,
        decision=DECISION,
        attempts=(),
        request_id="req",
    )


ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3).map(lambda value: json.dumps(_finite(value))) | st.sampled_from(
    ["", "{}", '{"cut": "of', '{"a": 1, "b']
)
CALLS = st.lists(
    st.tuples(st.none() | st.just(""), st.text("abc_", min_size=1, max_size=80), ARGUMENTS), max_size=3
).map(lambda calls: [(id if n % 2 else f"id{n}", name, arguments) for n, (id, name, arguments) in enumerate(calls)])
RESULTS = st.builds(
    result, TEXT, st.none() | TEXT, CALLS, st.sampled_from(["stop", "length", "tool_calls", "content_filter", None])
)


def _finite(value: Any) -> Any:
    """Without what JSON cannot say, and without half characters."""
    if isinstance(value, Mapping):
        return {_finite(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return 0.5 if isinstance(value, float) else value


def _cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@st.composite
def chunked(draw: st.DrawFn, *, mixed: bool = False) -> tuple[CompletionResult, list[StreamChunk]]:
    """An answer and its chunks: reasoning, text, then calls whose fragments may take turns. `mixed`: in any order."""
    whole = draw(RESULTS)
    words = [StreamChunk(reasoning=piece) for piece in _cut(draw, whole.reasoning or "")]
    words += [StreamChunk(content=piece) for piece in _cut(draw, whole.content)]
    rows = [_fragments(draw, index, call) for index, call in enumerate(whole.tool_calls)]
    calls = [row.pop(0) for row in rows if row]  # calls begin in their order
    while left := [row for row in rows if row]:
        calls.append(draw(st.sampled_from(left)).pop(0))
    if mixed:
        words, calls = _shuffled(draw, words, calls), []
    return whole, [*words, *calls, StreamChunk(finish_reason=whole.finish_reason)]


def _fragments(draw: st.DrawFn, index: int, call: Mapping[str, Any]) -> list[StreamChunk]:
    names, texts = _cut(draw, call["function"]["name"]), _cut(draw, call["function"]["arguments"])
    pieces: list[dict[str, Any]] = [{"name": name} for name in names] + [{"arguments": text} for text in texts]
    ids = [call["id"]] + [None] * (len(pieces) - 1)
    return [
        StreamChunk(tool_calls=({"index": index, "id": id, "type": "function", "function": piece},))
        for id, piece in zip(ids, pieces, strict=True)
    ]


def _shuffled(draw: st.DrawFn, one: list[StreamChunk], other: list[StreamChunk]) -> list[StreamChunk]:
    """Both rows in one, each in its own order."""
    one, other, found = list(one), list(other), []
    while one or other:
        row = one if one and (not other or draw(st.booleans())) else other
        found.append(row.pop(0))
    return found


def streamed(dialect: Dialect, asked: Asked, whole: CompletionResult, chunks: Sequence[StreamChunk]) -> bytes:
    """What goes over the wire for an answer in these chunks."""
    writer = dialect.writer(asked)
    return b"".join([*map(writer.chunk, chunks), writer.end(whole)])


def events(wire: bytes) -> list[dict[str, Any]]:
    """The events, JSON read. Each one's name, where it has one, is its type."""
    found = []
    for block in wire.decode().split("\n\n"):
        lines = [line.split(": ", 1) for line in block.split("\n") if line]
        parts = dict(lines)
        if not parts or parts["data"] == "[DONE]":
            continue
        data = json.loads(parts["data"])
        assert parts.get("event", data.get("type")) == data.get("type")
        found.append(data)
    return found
