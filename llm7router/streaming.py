"""A streamed answer: silent failover before its first content, and at most one change of hands after it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from llm7router import ending, result
from llm7router.calls.base import BrokenStreamError, ChunkStream
from llm7router.clock import Clock
from llm7router.decision.failures import POLICIES, Then
from llm7router.decision.request import CACHE_WRITE
from llm7router.engine import Engine
from llm7router.events import Watch
from llm7router.state.ledger import Ledger
from llm7router.state.quota import Reservation
from llm7router.types import Attempt, Deployment, Failure, Opening, Outcome, Request, StreamChunk

Open = tuple[Attempt, Reservation, Outcome, ChunkStream]

# With any of these, a text that two models wrote would not be what was asked for.
NOT_RESUMED = ("tools", "response_format", "logprobs", "logit_bias")


class Streaming:
    """Serves streams for a router."""

    def __init__(self, engine: Engine, ledger: Ledger, clock: Clock) -> None:
        self._engine, self._ledger, self._clock = engine, ledger, clock

    async def run(
        self, deployments: tuple[Deployment, ...], parameters: Mapping[str, Any], watch: Watch
    ) -> AsyncGenerator[StreamChunk, None]:
        """The chunks; the first says who answers, the last holds the whole result. Raises as `LLMRouter.stream`."""
        served = await self._engine.serve(deployments, parameters, watch)
        opened = _opened(served.ending.answer, served.ending.attempt, served.reservation)
        if opened is None:
            raise ending.error(served.ending, served.decision, watch.records, served.after) from None
        watch.first_token_s = self._clock.monotonic() - watch.began
        answer, resumed = result.Answer(), False
        others = result.Others()
        while True:
            attempt, reservation, outcome, chunks = opened
            d = attempt.deployment
            opening: Opening | None = Opening(d.provider, d.model, served.decision, tuple(watch.records))
            final = Outcome(Failure.CANCELLED, generated=True)
            try:
                async for chunk in chunks:
                    answer.add(chunk)
                    if watch.request.choices > 1 and not d.free:
                        others.add(chunk)
                    if opening is not None:
                        chunk = replace(chunk, provider=d.provider, model=d.model, opening=opening, resumed=resumed)
                        opening = None
                    yield chunk
                final = ending.finished(outcome, chunks)
                final = result.believed(final, d, watch.request, [answer, *others.answers])
            except BrokenStreamError as broken:
                final = replace(broken.outcome, generated=True)
            finally:
                watch.records[-1] = result.record(attempt, final, watch.request, watch.records[-1].began_s)
                try:
                    await chunks.aclose()
                finally:
                    await self._ledger.settle(reservation, final)
            if final.failure is None:
                break
            stop = resumed or POLICIES[final.failure].then is Then.STOP
            again = None if stop else await self._resumed(deployments, parameters, watch, answer)
            if again is None:
                raise ending.interrupted(attempt, final, served.decision, watch.records) from None
            opened, resumed = again, True
        latency = self._clock.monotonic() - watch.began
        whole = result.build(answer, _without_usage(final) if resumed else final, attempt, served.decision,
                             watch.records, latency)  # fmt: skip
        watch.result = whole
        yield StreamChunk(provider=whole.provider, model=whole.model, result=whole)

    async def _resumed(
        self, deployments: tuple[Deployment, ...], parameters: Mapping[str, Any], watch: Watch, answer: result.Answer
    ) -> Open | None:
        """Another deployment that goes on with a plain text where it broke off, if one was declared to (`resume`)."""
        tried = {record.deployment for record in watch.records}
        able = tuple(d for d in deployments if d.resumes and d.id not in tried)
        plain = answer.content and not (answer.tool_calls or answer.refusal)
        plain = plain and not any(parameters.get(name) for name in NOT_RESUMED)
        if not able or not plain or watch.request.choices > 1:
            return None
        begun = {"role": "assistant", "content": answer.content, "prefix": True}
        later = replace(
            watch, request=_of_the_rest(watch, answer), messages=[*watch.messages, begun], records=[], decision=None
        )
        try:
            served = await self._engine.serve(able, parameters, later)
        finally:  # also when the caller leaves: what was tried may have cost something
            watch.records.extend(later.records)
        return _opened(served.ending.answer, served.ending.attempt, served.reservation)


def _opened(outcome: Outcome | None, attempt: Attempt | None, reservation: Reservation | None) -> Open | None:
    if outcome is None or attempt is None or reservation is None or outcome.stream is None:
        return None
    return attempt, reservation, outcome, outcome.stream


def _of_the_rest(watch: Watch, answer: result.Answer) -> Request:
    """The request with the text so far as a part of its prompt, and with what may have been spent already taken off."""
    request = watch.request
    most = len(answer.content.encode("utf-8", "replace")) * (CACHE_WRITE if request.writes_cache else 1)
    spent = sum(record.usd for record in watch.records)
    return replace(
        request,
        prompt_tokens=request.prompt_tokens + answer.estimated_tokens,
        prompt_tokens_most=request.prompt_tokens_most + most,
        max_tokens=None if request.max_tokens is None else max(1, request.max_tokens - answer.estimated_tokens),
        max_usd=max(0.0, request.max_usd - spent),
    )


def _without_usage(final: Outcome) -> Outcome:
    """Of two halves only the second one's tokens are known, so those of the whole are estimated."""
    return replace(final, prompt_tokens=None, output_tokens=None)
