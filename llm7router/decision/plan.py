"""The order of attempts: a generator without I/O. It yields attempts and is sent outcomes.

`complete`, `stream`, the gateway and the simulator drive the same one.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from llm7router.decision.demand import output_tokens, worst_usd
from llm7router.decision.failures import POLICIES, Scope, Then, may_be_billed
from llm7router.state.quota import BREAKER_OPEN
from llm7router.types import Attempt, Decision, Failure, Outcome, Scored

MAX_COUNTED = 4  # remote attempts that reached a provider; refused and unsent ones do not count
LEAST_S = 0.05  # an attempt with less time than this is not started


@dataclass(frozen=True, slots=True)
class Ending:
    """How a plan ended: the outcome that answers, or why there is none."""

    answer: Outcome | None = None
    attempt: Attempt | None = None
    rejected_by: Outcome | None = None  # the request itself is at fault
    out_of_time: bool = False


def attempts(
    decision: Decision, attempt_s: float, remaining_s: float | None = None
) -> Generator[Attempt, tuple[Outcome, float], Ending]:
    """Walk down the ranking. Each `send` gives the outcome and the seconds that remain of the deadline.

    A failure of provider scope removes the provider's other deployments, one of quota scope those that share the
    pool. After four counted attempts only local models are left; after that, what is behind open breakers.
    What failed attempts may have cost comes off what the request may cost.
    """
    request = decision.request
    queue, behind_breakers = list(decision.ranking), list(decision.last_resort)
    remaining, spent = request.deadline_s if remaining_s is None else remaining_s, 0.0
    counted = number = 0
    first_rejection: Outcome | None = None
    while queue or behind_breakers:
        ignore_breaker = not queue
        scored = queue.pop(0) if queue else behind_breakers.pop(0)
        d = scored.deployment
        if counted >= MAX_COUNTED and not d.local:
            queue = [s for s in queue if s.deployment.local]  # one of them may lack its file or its engine
            continue
        worst = 0.0 if d.free else worst_usd(request, d, output_tokens(request, d)) or 0.0
        if worst > max(0.0, request.max_usd - spent):
            continue
        if remaining < LEAST_S:
            return Ending(out_of_time=True)
        number += 1
        may_follow = counted + (not d.local) < MAX_COUNTED
        last = not any(may_follow or s.deployment.local for s in (*queue, *behind_breakers))
        # Half of what remains at most, so that a next attempt and the local model still have time.
        timeout = remaining if last else min(attempt_s, remaining / 2)
        attempt = Attempt(scored, timeout, number, last, ignore_breaker)
        outcome, remaining = yield attempt
        if outcome.ok:
            return Ending(answer=outcome, attempt=attempt)
        assert outcome.failure is not None
        policy = POLICIES[outcome.failure]
        if policy.then is Then.STOP:
            return Ending(rejected_by=outcome)
        if policy.then is Then.ONE_OTHER:
            if first_rejection is not None:
                return Ending(rejected_by=first_rejection)
            first_rejection = outcome
        if outcome.failure is Failure.REFUSED and outcome.detail == BREAKER_OPEN and not ignore_breaker:
            behind_breakers.append(scored)  # it opened, or its one probe was taken, since the decision
        counted += policy.counted and not d.local
        spent += worst if may_be_billed(outcome) else 0.0
        queue = _after(queue, scored, outcome, policy.scope)
        behind_breakers = _after(behind_breakers, scored, outcome, policy.scope)
    return Ending(rejected_by=first_rejection)


def _after(queue: list[Scored], failed: Scored, outcome: Outcome, scope: Scope) -> list[Scored]:
    """What is still worth trying after a failure."""
    d = failed.deployment
    assert outcome.failure is not None
    if outcome.failure is Failure.CONTEXT_TOO_LONG:
        return [s for s in queue if s.deployment.context_window > d.context_window]
    if outcome.failure is Failure.REQUEST_REJECTED:
        return [s for s in queue if s.deployment.provider != d.provider]
    if scope is Scope.PROVIDER:
        return [s for s in queue if s.deployment.provider != d.provider]
    if scope is Scope.QUOTA and d.pool_cell and not outcome.upstream_only:
        return [s for s in queue if s.deployment.pool_cell != d.pool_cell]
    return queue


def failover_order(decision: Decision) -> list[str]:
    """Ids in the order in which they would be called if each gave a server error: the plan, played through."""
    plan, order = attempts(decision, decision.request.deadline_s), []
    try:
        attempt = next(plan)
        while True:
            order.append(attempt.deployment.id)
            attempt = plan.send((Outcome(Failure.SERVER_ERROR), decision.request.deadline_s))
    except StopIteration:
        return order
