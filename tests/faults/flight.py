"""A request under way in the scheduler-level simulator, and whom it was kept from."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from llm7router.decision import plan
from llm7router.decision.failures import POLICIES, Scope
from llm7router.decision.plan import Ending
from llm7router.state.quota import BREAKER_OPEN
from llm7router.types import Attempt, Decision, Deployment, Failure, Outcome, Request


@dataclass(slots=True)
class Flight:
    """A request under way."""

    request: Request
    began: float
    decision: Decision
    steps: Generator[Attempt, tuple[Outcome, float], Ending]
    prompt: int  # true tokens, at most what was estimated
    attempt: Attempt | None = None
    leaves_at: float = float("inf")  # when the caller loses patience
    called: list[str] = field(default_factory=list)
    counted: int = 0
    behind: list[Deployment] = field(default_factory=list)  # an open breaker alone stood in the way of these
    refused: dict[str, str] = field(default_factory=dict)  # by which reason our own ledger refused
    removed: set[str] = field(default_factory=set)  # providers and pools that a failure took out of the plan

    def failed(self, d: Deployment, failure: Failure) -> None:
        """A call failed."""
        policy = POLICIES[failure]
        self.counted += policy.counted
        if policy.scope is Scope.PROVIDER:
            self.removed.add(d.provider_cell)
        elif policy.scope is Scope.QUOTA:
            self.removed.add(d.pool_cell or d.cell)

    def forgone(self, out_of_time: bool) -> Iterator[Deployment]:
        """After nobody answered: who was not tried without a good reason.

        Good reasons are a limit, a failure that spoke for the whole provider or pool, money, four counted failures
        before it, and time. An open breaker is none.
        """
        if out_of_time or self.counted >= plan.MAX_COUNTED:
            return
        for d in [*(scored.deployment for scored in self.decision.ranking), *self.behind]:
            gone = self.removed & {d.provider_cell, d.pool_cell, d.cell}
            full = self.refused.get(d.id, BREAKER_OPEN) != BREAKER_OPEN or (not d.free and self.called)
            if not gone and not full and d.id not in self.called:
                yield d
