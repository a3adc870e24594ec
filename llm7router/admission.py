"""Limits of callers: whoever a request is for, the ledger counts it as it counts a provider's."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

from llm7router.decision import demand, explain
from llm7router.errors import CallerLimitError, StreamInterruptedError
from llm7router.events import Watch
from llm7router.state import forecast, windows
from llm7router.state.cells import EMPTY
from llm7router.state.ledger import Ledger
from llm7router.state.refusals import Refusal
from llm7router.types import (
    CompletionResult,
    Deployment,
    EmbeddingResult,
    Failure,
    Operation,
    Outcome,
    Request,
    Unit,
)

# Counted as a request, its tokens given back: nobody generated any for this caller.
UNSERVED = Outcome(Failure.REQUEST_REJECTED)


class Allowance(NamedTuple):
    """What is left of one limit of a caller's, and the seconds until all of it is there again if nothing is used."""

    unit: Unit
    most: int
    left: int
    resets_s: float


class Admission:
    """Lets requests in while their caller's limits allow. Callers without limits pass."""

    def __init__(self, ledger: Ledger, callers: Mapping[str, Deployment]) -> None:
        self._ledger, self._callers = ledger, callers

    @property
    def callers(self) -> Mapping[str, Deployment]:
        """Whoever has limits, by name."""
        return self._callers

    def allowances(self, name: str | None) -> list[Allowance]:
        """What a caller has left, by what is known without reading the store; nothing for one without limits."""
        caller = self._callers.get(name or "")
        if caller is None:
            return []
        known = self._ledger.known(())
        found = []
        for limit in caller.limits:
            if limit.period is not None:
                window = known.cells.get(limit.cell, EMPTY).windows.get(limit.name, windows.EMPTY)
                most = windows.most(window, limit, known.now)
                left = max(0, most - windows.used(window, limit, known.now))
                resets_s = max(0.0, forecast.resets_at(window, limit, known.now) - known.now)
                found.append(Allowance(limit.unit, most, left, resets_s))
        return found

    @asynccontextmanager
    async def of(self, watch: Watch) -> AsyncIterator[None]:
        """Holds the caller's part of its limits while the request is served, and corrects it at the end.

        Raises:
            CallerLimitError: a limit of the caller's is used up.
        """
        caller = self._callers.get(watch.request.caller or "")
        if caller is None:
            yield
            return
        request = watch.request = _bounded(watch.request, caller)
        reserved = await self._ledger.reserve(request, caller, lease_s=request.deadline_s, ignore_breaker=True)
        if isinstance(reserved, Refusal):
            raise _refused(request, reserved, self._ledger.now())
        outcome = Outcome(Failure.CANCELLED)
        try:
            yield
        except StreamInterruptedError:
            raise  # what had come was passed on, so everything stays counted
        except Exception:
            outcome = UNSERVED
            raise
        finally:
            if watch.result is not None and watch.result.cached:
                outcome = UNSERVED
            elif watch.result is not None:
                outcome = _used(watch.result, request, reserved.output_tokens)
            await self._ledger.settle(reserved, outcome)


def _bounded(request: Request, caller: Deployment) -> Request:
    """The request with no longer an answer than its caller's token limits can ever hold."""
    limits = [limit.max for limit in caller.limits if limit.unit is Unit.TOKENS]
    if not limits or request.operation is Operation.EMBEDDINGS:
        return request
    room = (min(limits) - request.prompt_tokens) // request.choices
    if room < 1:
        raise CallerLimitError(f"{request.caller}: the prompt alone is over its tokens; send less")
    return replace(request, max_tokens=min(demand.wanted_output(request), room))


def _used(result: CompletionResult | EmbeddingResult, request: Request, output_tokens: int) -> Outcome:
    """What was used, and no more than can be true: a provider's counts must not keep a caller from all the others."""
    prompt = max(request.prompt_tokens, request.prompt_tokens_most)
    return Outcome(
        prompt_tokens=min(result.tokens_input, prompt),
        output_tokens=min(getattr(result, "tokens_output", 0), output_tokens),
    )


def _refused(request: Request, refusal: Refusal, now: float) -> CallerLimitError:
    if math.isinf(refusal.free_at):
        return CallerLimitError(f"{request.caller}: {refusal.reason}: more than the limit ever allows; send less")
    wait = max(0.0, refusal.free_at - now)
    return CallerLimitError(
        f"{request.caller}: {refusal.reason} (free in {explain.duration(wait)})", retry_after_s=wait
    )
