"""A streamed answer behind a gate: nothing leaves before the first content, and deadlines count content, not bytes.

Only waiting for the provider takes time here: a reader may take as long as it likes between two chunks.
Keep-alive comments, role-only chunks and empty deltas are not content, so a provider cannot hold a request with them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from llm7router.calls import answers
from llm7router.calls.base import BrokenStreamError, Call
from llm7router.calls.classify import classify, inside
from llm7router.calls.tail import Tail
from llm7router.clock import Clock
from llm7router.types import Failure, Outcome, StreamChunk

LAST_S = 5.0  # for usage and the end of the connection, once the provider has given its finish reason


class ContentStream:
    """Implements `llm7router.calls.base.ChunkStream` over LiteLLM's stream wrapper."""

    def __init__(self, wrapper: Any, call: Call, tail: Tail, clock: Clock, started: float) -> None:
        self.usage: tuple[int, int] | None = None
        self.cache_tokens = 0
        self.waited_s = 0.0  # for the answer, from the begin of the call; of a whole one, to its last piece
        self.headers = answers.headers_of(wrapper)
        self._wrapper, self._call, self._tail, self._clock = wrapper, call, tail, clock
        self._started = started  # on the clock's monotonic
        self._first: StreamChunk | None = None
        self._guessed: tuple[int, int] | None = None  # LiteLLM's count: the provider's or a guess
        self._answered = False  # there was more than reasoning
        self._alone = (call.parameters.get("n") or 1) == 1  # the first finish reason is that of the whole answer
        self._finished = False  # it was shown
        self._over = False

    async def wait_for_content(self) -> Outcome | None:
        """Read up to the first content and keep it. An outcome if the stream ends without any."""
        try:
            async for raw in self._wrapper:
                chunk, has_content = self._chunk(raw)
                if has_content:
                    self._first = chunk
                    return None
        finally:
            self.waited_s = self._clock.monotonic() - self._started
        return self._empty()

    def explain(self, error: Exception) -> Outcome:
        """What broke the stream: the error event that the provider sent, or else the exception."""
        if isinstance(error, answers.BadAnswerError):
            return Outcome(Failure.BAD_ANSWER, str(error))
        return self._error_event() or classify(error, self._call.deployment, now=self._clock.now())

    def __aiter__(self) -> ContentStream:
        return self

    async def __anext__(self) -> StreamChunk:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._over:
            raise StopAsyncIteration
        try:
            return await self._next()
        except BaseException:
            self._over = True
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the call upstream. May be called again."""
        self._over = True
        await self._wrapper.aclose()

    async def _next(self) -> StreamChunk:
        call, waited_s, asked = self._call, self.waited_s, self._clock.monotonic()
        left = (call.timeout_s if call.deadline_s is None else call.deadline_s) - waited_s
        patience = min(call.between_tokens_s, left, LAST_S if self._finished else left)
        failure: Outcome | None = None
        chunk: StreamChunk | None = None
        held = False  # open, behind the end of the answer
        try:
            async with asyncio.timeout(max(0.0, patience)):
                chunk = await self._until_worth_showing()
        except TimeoutError:
            held = self._alone and self._tail.complete
            what = "between two pieces" if patience < left else "in all"
            failure = None if held else Outcome(Failure.TIMEOUT, f"cut off: more than {max(patience, 0):g} s {what}")
        except Exception as error:
            failure = self.explain(error)
        finally:
            self.waited_s = waited_s + self._clock.monotonic() - asked
        if held:
            # The chunk with the finish reason, unless LiteLLM has let go of it already: it waits for the very end.
            reason = getattr(self._wrapper, "received_finish_reason", None) or "stop"
            chunk = StreamChunk(finish_reason=answers.ending(reason, self._tail.finish_reason))
        if failure is None and (chunk is None or chunk.finish_reason):
            failure = self._bad_end(chunk)
        if failure is not None:
            raise BrokenStreamError(replace(failure, duration_s=self.waited_s)) from None
        if chunk is None or held:
            self.usage = self._counted()
            self.waited_s = waited_s  # what comes behind the last piece is no part of how long the answer took
        if held:
            await self.aclose()
        if chunk is None or (held and self._finished):
            raise StopAsyncIteration
        self._finished = self._alone and chunk.finish_reason is not None
        return chunk

    async def _until_worth_showing(self) -> StreamChunk | None:
        async for raw in self._wrapper:
            chunk, has_content = self._chunk(raw)
            if has_content or chunk.finish_reason:
                return chunk
        return None

    def _chunk(self, raw: Any) -> tuple[StreamChunk, bool]:
        """A chunk, and whether it holds content. Its fields are the first choice's; others are in `raw` only."""
        self._guessed = answers.usage_of(raw) or self._guessed
        choices = getattr(raw, "choices", None) or []
        pieces = {getattr(choice, "index", 0) or 0: answers.piece_of(choice.delta) for choice in choices}
        if any(answers.place_of(call) is None for piece in pieces.values() for call in piece.calls):
            raise answers.BadAnswerError(answers.NO_PLACE)
        self._answered = self._answered or any(p.text or p.calls or p.refusal for p in pieces.values())
        first = pieces.get(0, answers.Piece())
        reason = choices[0].finish_reason if choices else None
        if reason is not None:
            reason = answers.ending_of(choices[0], self._tail.finish_reason)
        chunk = StreamChunk(first.text, first.reasoning, first.calls, reason, raw=raw, refusal=first.refusal)
        return chunk, any(map(any, pieces.values()))

    def _bad_end(self, last: StreamChunk | None) -> Outcome | None:
        """Why this end is none. LiteLLM shows "stop" for a stream that was cut and for one that failed."""
        if self._tail.seen:
            if self._tail.finish_reason == "error":
                return self._error_event() or Outcome(Failure.BAD_ANSWER, "the provider's finish reason is an error")
            cut = not self._tail.complete
        else:
            cut = getattr(self._wrapper, "received_finish_reason", "stop") is None
        if cut:
            return Outcome(Failure.BAD_ANSWER, "the stream ended without a finish reason")
        if last is not None and last.finish_reason == "length" and not self._answered:
            return Outcome(Failure.NO_ANSWER, answers.REASONING_ONLY)
        return None

    def _counted(self) -> tuple[int, int] | None:
        """The provider's count. Without the wire to look at, only a local model's is known not to be a guess."""
        if self._tail.seen:
            self.cache_tokens = self._tail.cache_tokens
            return self._tail.usage
        return self._guessed if self._call.deployment.local else None

    def _error_event(self) -> Outcome | None:
        text = self._tail.error
        return inside(text, self._call.deployment, self._clock.now()) if text else None

    def _empty(self) -> Outcome:
        if self._tail.finish_reason == "content_filter":
            return Outcome(Failure.POLICY, "a content filter emptied the answer")
        if "<html" in self._tail.text.lower():
            return Outcome(Failure.BAD_ANSWER, "a web page in place of an answer")
        return self._error_event() or Outcome(Failure.BAD_ANSWER, "a stream without content")
