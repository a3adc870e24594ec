"""One request: read the state, decide, walk down the plan, settle. `complete`, `stream` and `embed` drive this."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm7router import ending, result
from llm7router.budgets import Budgets
from llm7router.calls import params
from llm7router.calls.base import Backend, Call
from llm7router.clock import Clock
from llm7router.config.models import TimeoutsConfig
from llm7router.decision import demand, plan
from llm7router.decision.decide import decide
from llm7router.decision.registry import Factor
from llm7router.events import Watch
from llm7router.proxies import DIRECT, Proxy
from llm7router.state.ledger import Ledger
from llm7router.state.quota import Reservation
from llm7router.state.refusals import Refusal
from llm7router.types import (
    Attempt,
    Capability,
    Decision,
    Deployment,
    Failure,
    Operation,
    Outcome,
    Request,
    Snapshot,
)

log = logging.getLogger("llm7router")

MARGIN_S = 0.02  # a limit is asked again this long after it frees up


@dataclass(frozen=True, slots=True)
class Served:
    """How a plan ended. `reservation` is what the answering call holds: a stream settles it when it ends."""

    decision: Decision
    ending: plan.Ending
    reservation: Reservation | None
    after: Decision | None = None  # what would be decided now; only if nobody answered


class Engine:
    """Holds what every request needs; keeps nothing of a request."""

    def __init__(
        self,
        ledger: Ledger,
        backend: Backend,
        factors: Sequence[tuple[str, float, Factor]],
        timeouts: TimeoutsConfig,
        clock: Clock,
        budgets: Budgets,
        proxy: Proxy = DIRECT,
    ) -> None:
        self._ledger, self._backend, self._factors = ledger, backend, factors
        self._timeouts, self._clock, self._budgets, self._proxy = timeouts, clock, budgets, proxy

    def decide(self, request: Request, snapshot: Snapshot) -> Decision:
        """Rank; nothing is called and nothing is written."""
        return decide(request, self._budgets.seen_by(request.caller, snapshot), self._factors)

    async def serve(
        self,
        deployments: tuple[Deployment, ...],
        parameters: Mapping[str, Any],
        watch: Watch,
    ) -> Served:
        """Drive the plan: reserve, call, settle, until an answer or the end. `watch` is told of each step.

        When nothing was called because limits are used up, it waits for the first to free up, if that is soon.
        """
        request = watch.request
        wait_s = self._timeouts.wait_s if request.wait_s is None else request.wait_s
        patience = min(wait_s, request.deadline_s / 2)
        while True:
            decision = self.decide(request, await self._ledger.snapshot(deployments))
            watch.decision = decision
            watch.records.clear()
            served = await self._walk(decision, parameters, watch)
            wait = ending.wait_s(decision, served.ending, watch.records)
            if wait is None or wait > patience:
                if served.ending.answer is not None or not watch.records:
                    return served
                return replace(served, after=self.decide(request, await self._ledger.snapshot(deployments)))
            patience -= wait + MARGIN_S
            await asyncio.sleep(wait + MARGIN_S)

    async def _walk(self, decision: Decision, parameters: Mapping[str, Any], watch: Watch) -> Served:
        deadline = watch.began + watch.request.deadline_s
        steps = plan.attempts(decision, self._timeouts.attempt_s, deadline - self._clock.monotonic())
        reservation: Reservation | None = None
        try:
            attempt = next(steps)
            while True:
                began_s = self._clock.monotonic() - watch.began
                reservation, outcome = await self._attempt(attempt, parameters, watch)
                watch.records.append(result.record(attempt, outcome, watch.request, began_s))
                attempt = steps.send((outcome, deadline - self._clock.monotonic()))
        except StopIteration as stop:
            return Served(decision, stop.value, reservation)

    async def _attempt(
        self, attempt: Attempt, parameters: Mapping[str, Any], watch: Watch
    ) -> tuple[Reservation | None, Outcome]:
        """One call. What it reserved is settled, but for a stream that goes on."""
        d, request = attempt.deployment, watch.request
        deadline = watch.began + request.deadline_s
        reserved = await self._ledger.reserve(
            request, d, lease_s=max(0.0, deadline - self._clock.monotonic()), ignore_breaker=attempt.ignore_breaker
        )
        if isinstance(reserved, Refusal):
            wait = max(0.0, reserved.free_at - self._ledger.now())
            return None, Outcome(Failure.REFUSED, reserved.reason, retry_after_s=wait)
        outcome = Outcome(Failure.CANCELLED)
        try:
            prepared = params.prepare(parameters, d, demand.output_tokens(request, d))
            call = self._call(attempt, watch, prepared, deadline)
            outcome = await self._made(call, watch)
        except Exception as error:  # a fault of ours must not lose a request that another deployment can serve
            # No message and no traceback: both may hold the key, and a command prints what is logged.
            log.error("calling %s failed in this program: %s", d.id, type(error).__name__)
            outcome = Outcome(Failure.SERVER_ERROR, f"a fault in this program: {type(error).__name__}")
        finally:  # also when the caller left
            if outcome.stream is None:
                await self._ledger.settle(reserved, outcome)
        return reserved, outcome

    async def _made(self, call: Call, watch: Watch) -> Outcome:
        """The call as asked for; a deployment that cannot stream gives its answer in one piece."""
        d, request, stream = call.deployment, watch.request, watch.stream
        if request.operation is Operation.EMBEDDINGS:
            return result.believed(await self._backend.embed(call), d, request)
        if stream and Capability.STREAMING in d.capabilities:
            return await self._backend.stream(call)
        outcome = await self._backend.complete(call)
        if not outcome.ok:
            return outcome
        answers = map(result.Answer.of_choice, outcome.response.choices)
        outcome = result.believed(outcome, d, request, answers)
        return result.in_one_piece(outcome, d) if stream else outcome

    def _call(self, attempt: Attempt, watch: Watch, parameters: Mapping[str, Any], deadline: float) -> Call:
        timeouts = self._timeouts
        return Call(
            deployment=attempt.deployment,
            messages=watch.messages,
            inputs=watch.inputs,
            parameters=parameters,
            timeout_s=attempt.timeout_s,
            # The last candidate is never cut on its first token: nobody else could do better.
            first_token_s=attempt.timeout_s if attempt.last else min(timeouts.first_token_s, attempt.timeout_s),
            between_tokens_s=timeouts.between_tokens_s,
            deadline_s=max(0.0, deadline - self._clock.monotonic()),
            proxy=self._proxy,
        )
