"""An answer as a row of blocks, whole or while it comes: reasoning, text, a refusal, tool calls.

Of the APIs that know blocks each one is finished before the next begins, while providers may mix fragments of several
tool calls, or text between them. The first call is written as it comes; what comes in between waits for the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from llm7router.calls.answers import place_of
from llm7router.types import CompletionResult, StreamChunk

Kind = Literal["reasoning", "text", "refusal", "call"]


@dataclass(slots=True)
class Block:
    """One block. The text of a call is its arguments."""

    kind: Kind
    id: str = ""
    name: str = ""
    _parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that has come."""
        return "".join(self._parts)

    def add(self, text: str) -> None:
        """More of it."""
        self._parts.append(text)


class Step(NamedTuple):
    """What happens to the block that is number `at`: it is opened, goes on with `text`, or is closed."""

    what: Literal["open", "more", "close"]
    at: int
    block: Block
    text: str = ""


def blocks(result: CompletionResult, id: str, *, reasoning: bool = True) -> list[Block]:
    """The blocks of a whole answer; `id` makes ids for calls without one."""
    pieces = Pieces(id, reasoning=reasoning)
    calls = tuple({**call, "index": index} for index, call in enumerate(result.tool_calls))
    whole = StreamChunk(result.content, result.reasoning or "", calls, refusal=result.refusal or "")
    for _ in (*pieces.add(whole), *pieces.end()):
        pass
    return pieces.blocks


def served_by(chunk: StreamChunk) -> str | None:
    """`provider/model`, if the chunk says who answers."""
    who = chunk.opening or chunk
    return f"{who.provider}/{who.model}" if who.provider else None


class Pieces:
    """Puts the chunks of an answer in order."""

    def __init__(self, id: str, *, reasoning: bool = True) -> None:
        self.blocks: list[Block] = []
        self._id, self._reasoning = id, reasoning
        self._open = False  # the last block
        self._calls: dict[int, Block] = {}  # by the index of fragments, in order of appearance
        self._live: Block | None = None  # the call that is written as it comes
        self._late: dict[Kind, Block] = {}  # what came behind its begin

    def add(self, chunk: StreamChunk) -> Iterator[Step]:
        """What follows from a chunk."""
        if self._reasoning:
            yield from self._words("reasoning", chunk.reasoning)
        yield from self._words("text", chunk.content)
        yield from self._words("refusal", chunk.refusal)
        for fragment in chunk.tool_calls:
            yield from self._fragment(fragment)

    def end(self) -> Iterator[Step]:
        """What is left when no more comes."""
        if self._live is not None and not self._is_last(self._live):
            yield from self._begin(self._live)
        yield from self._close()
        rest = [*self._late.values(), *(call for call in self._calls.values() if call is not self._live)]
        for block in rest:
            yield from self._begin(block)
            yield from self._close()

    def _words(self, kind: Kind, text: str) -> Iterator[Step]:
        if not text:
            return
        if self._live is not None:
            self._late.setdefault(kind, Block(kind)).add(text)
            return
        if not self._open or self.blocks[-1].kind != kind:
            yield from self._begin(Block(kind))
        yield from self._more(text)

    def _fragment(self, fragment: Mapping[str, Any]) -> Iterator[Step]:
        place = place_of(fragment)
        if place is None:
            return  # the call layer refuses such an answer
        if place not in self._calls:
            self._calls[place] = Block("call", id=f"call_{self._id}_{len(self._calls)}")
        call, function = self._calls[place], fragment.get("function") or {}
        arguments = function.get("arguments") or ""
        self._live = self._live or call
        if self._is_last(call):
            yield from self._more(arguments)
            return
        call.id = fragment.get("id") or call.id
        call.name += function.get("name") or ""
        if arguments:
            call.add(arguments)
        if arguments and call is self._live:
            yield from self._begin(call)  # its name is whole once arguments come

    def _is_last(self, block: Block) -> bool:
        return bool(self.blocks) and self.blocks[-1] is block

    def _begin(self, block: Block) -> Iterator[Step]:
        """Open a block, and write what has come of it."""
        yield from self._close()
        self.blocks.append(block)
        self._open = True
        yield Step("open", len(self.blocks) - 1, block)
        if block.text:
            yield Step("more", len(self.blocks) - 1, block, block.text)

    def _more(self, text: str) -> Iterator[Step]:
        if text:
            self.blocks[-1].add(text)
            yield Step("more", len(self.blocks) - 1, self.blocks[-1], text)

    def _close(self) -> Iterator[Step]:
        if self._open:
            self._open = False
            yield Step("close", len(self.blocks) - 1, self.blocks[-1])
