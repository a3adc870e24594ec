"""`ResponseCache`: looks answers up before a request is served, and keeps them after."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from llm7router.cache import entry
from llm7router.cache.key import allowed, key_of, only_text
from llm7router.cache.shelves import Shelf
from llm7router.clock import Clock
from llm7router.config.models import CacheConfig
from llm7router.errors import StoreError
from llm7router.events import Watch
from llm7router.types import CompletionResult, Deployment, Opening, StreamChunk

log = logging.getLogger("llm7router")

TOLD_AGAIN_S = 600.0


class ResponseCache:
    """The answers of a router, on a shelf; None: nothing is kept."""

    def __init__(self, config: CacheConfig, shelf: Shelf | None, clock: Clock) -> None:
        self._config, self._shelf, self._clock = config, shelf, clock
        self._told_at = float("-inf")  # monotonic seconds: when trouble was last told

    def slot(self, watch: Watch, parameters: Mapping[str, Any], deployments: Sequence[Deployment]) -> Slot | None:
        """The place of a request's answer, or None for the most, which are not cached. Does no I/O."""
        if self._shelf is None:
            return None
        whose = allowed(watch.request, parameters, deployments)
        if whose is not None and not (whose and only_text(watch.messages)):
            return None
        try:
            key = key_of(watch.messages, parameters, watch.request, across_callers=self._config.across_callers)
        except (RecursionError, TypeError, ValueError):  # JSON that can just be sent, and not be sorted
            return None
        return Slot(self, watch, key, whose)

    def over(
        self,
        live: AsyncGenerator[StreamChunk, None],
        watch: Watch,
        parameters: Mapping[str, Any],
        deployments: Sequence[Deployment],
    ) -> AsyncGenerator[StreamChunk, None]:
        """The stream of a request: `live`, or in its place the stored answer."""
        slot = self.slot(watch, parameters, deployments)
        return live if slot is None else slot.stream(live)

    def close(self) -> None:
        """Release files and threads."""
        if self._shelf is not None:
            self._shelf.close()

    async def get(self, key: str, whose: frozenset[str] | None) -> entry.Entry | None:
        """An answer that is young enough, of one of these deployments. Trouble is a miss."""
        assert self._shelf is not None
        try:
            text = await self._shelf.get(key)
            found = None if text is None else entry.loads(text)
        except StoreError as error:
            self._tell(error)
            return None
        except ValueError:
            return None  # another program's; the answer to come is written over it
        # An answer from the future is of a clock that was ahead.
        if found is None or not 0 <= self._clock.now() - found.at < self._config.ttl_s:
            return None
        return found if whose is None or found.deployment in whose else None

    async def put(self, key: str, whose: frozenset[str] | None, result: CompletionResult) -> None:
        """Keep an answer, if it is one to keep. Trouble is no failure."""
        assert self._shelf is not None
        kept = entry.entry_of(result, self._clock.now()) if whose is None or result.deployment in whose else None
        if kept is None:
            return
        try:
            await self._shelf.put(key, entry.dumps(kept), self._config.ttl_s)
        except (StoreError, ValueError, TypeError, RecursionError) as error:
            self._tell(error)

    def answer(self, found: entry.Entry, watch: Watch) -> CompletionResult:
        """What is found, as the answer to this request."""
        return found.result(watch.request, self._clock.now(), self._clock.monotonic() - watch.began)

    def _tell(self, error: Exception) -> None:
        now = self._clock.monotonic()
        if now - self._told_at >= TOLD_AGAIN_S:
            self._told_at = now
            log.warning("answers cannot be stored or found (%s); requests are served without that", error)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the answer to one request belongs. `whose` answers count: None is anybody's."""

    cache: ResponseCache
    watch: Watch
    key: str
    whose: frozenset[str] | None

    async def find(self) -> CompletionResult | None:
        """The stored answer, with which the request is served, or None."""
        found = await self.cache.get(self.key, self.whose)
        if found is None:
            return None
        answer = self.watch.result = self.cache.answer(found, self.watch)
        return answer

    async def keep(self, result: CompletionResult) -> None:
        """Store an answer if it is one to keep."""
        await self.cache.put(self.key, self.whose, result)

    async def stream(self, live: AsyncGenerator[StreamChunk, None]) -> AsyncGenerator[StreamChunk, None]:
        """The stored answer as a stream of two chunks, or else `live`, of which a whole answer is kept."""
        async with aclosing(live):
            if (found := await self.find()) is not None:
                self.watch.first_token_s = found.latency
                yield _whole(found)
                yield StreamChunk(provider=found.provider, model=found.model, result=found)
                return
            of_two = False
            async for chunk in live:
                of_two = of_two or chunk.resumed
                if chunk.result is not None and not of_two:
                    await self.keep(chunk.result)
                yield chunk


def _whole(found: CompletionResult) -> StreamChunk:
    """All of the answer, and who gave it."""
    return StreamChunk(
        found.content,
        found.reasoning or "",
        tuple({**call, "index": index} for index, call in enumerate(found.tool_calls)),
        found.finish_reason,
        found.provider,
        found.model,
        opening=Opening(found.provider, found.model, found.decision, found.attempts, cached=True),
    )
