"""Checks every step of a run against the invariants, with bookkeeping of its own: exact, slow and simple.

What it must not take from the router it keeps itself: blocks, the money spent, who is half open, what was charged.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from llm7router.config.models import BudgetConfig, Config
from llm7router.config.server_models import KeyBudgetConfig
from llm7router.decision import demand
from llm7router.decision.failures import POLICIES, Refund, Scope
from llm7router.state import health, quota
from llm7router.state.cells import EMPTY, Cell
from llm7router.state.quota import Charge, Refusal, Reservation
from llm7router.types import Attempt, Counts, Failure, Outcome, Request, Unit
from tests.faults.tally import Tally

NO_BLAME = frozenset(
    {
        Failure.REQUEST_REJECTED,
        Failure.KEY_REJECTED,
        Failure.NO_CREDIT,
        Failure.MODEL_GONE,
        Failure.TOO_LARGE,
        Failure.UNSUPPORTED,
        Failure.CONTEXT_TOO_LONG,
        Failure.RATE_LIMITED,
        Failure.QUOTA_GONE,
        Failure.NO_QUOTA,
        Failure.CANCELLED,
        Failure.POLICY,
    }
)
Purse = tuple[str, int | str]  # whose ("" is everybody's), and the UTC day or the month
DAY_S, MONTH = 86400, "month"  # a run is shorter than a month


class Watch:
    """Told of every reservation, call and settlement; writes into the tally."""

    def __init__(self, tally: Tally, config: Config) -> None:
        self.tally = tally
        self._budgets: dict[str, KeyBudgetConfig | BudgetConfig] = {"": config.budget}  # of everybody, and by caller
        self._budgets |= {key.name: key.budget for key in config.server.keys}
        self._spent: dict[Purse, float] = {}  # micro-dollars
        self._promised: dict[str, tuple[tuple[Purse, ...], float]] = {}
        self._charged: dict[tuple[str, str], Counter[int]] = {}
        self._half_open: dict[str, set[str]] = {}
        self._blocked: dict[str, float] = {}

    def refused(
        self,
        cells: Mapping[str, Cell],
        attempt: Attempt,
        charges: tuple[Charge, ...],
        refusal: Refusal,
        changed: Mapping[str, Cell],
        now: float,
    ) -> None:
        """After a reserve that was refused."""
        self.tally.count("refusals")
        if changed:
            self.tally.violate("atomic", f"a refusal changed {list(changed)}")
        self.waits(cells, attempt, charges, refusal, now)

    def waits(
        self,
        cells: Mapping[str, Cell],
        attempt: Attempt,
        charges: tuple[Charge, ...],
        refusal: Refusal,
        now: float,
    ) -> None:
        """After the advised wait, with no other traffic, it is admitted."""
        if not refusal.free_at < math.inf:
            return
        self.tally.count("waits")
        again, _ = quota.reserve(
            cells,
            attempt.deployment,
            charges,
            id="again",
            now=refusal.free_at + 1e-3,
            expires_at=math.inf,
            ignore_breaker=attempt.ignore_breaker,
        )
        if isinstance(again, Refusal):
            self.tally.violate("wait", f"{refusal} then {again} at {now}")

    def reserved(self, cells: Mapping[str, Cell], request: Request, attempt: Attempt, got: Reservation) -> None:
        """Before the cells of a reservation are written: `cells` are those it was taken from."""
        d, now = attempt.deployment, got.reserved_at
        self._check_breaker(cells.get(d.cell, EMPTY), attempt, got)
        self._check_eligible(request, attempt, now)
        for limit, amount, key in got.charged:
            self._charged.setdefault((limit.cell, limit.name), Counter())[key] += amount
        output = demand.output_tokens(request, d)
        if not d.free:
            assert d.cost is not None
            worst = d.cost.of(request.prompt_tokens, output * request.choices) * 1e6
            self._check_money(request, d.id, got, worst)
            self.tally.count("paid calls")
            self.tally.count("paid calls of callers with a budget", request.caller is not None)

    def settled(self, before: Cell, after: Cell, got: Reservation, outcome: Outcome, used: tuple[int, int]) -> None:
        """After a settlement. `used` are the true prompt and output tokens; `before`, `after` the deployment's cell."""
        d, failure = got.deployment, outcome.failure
        old, new = before.health, after.health
        if failure in NO_BLAME:
            self.tally.count("4xx and cancellations")
            if (old.successes, old.failures, old.in_a_row) != (new.successes, new.failures, new.in_a_row):
                self.tally.violate("blame", f"{failure} changed {old} to {new}")
        if failure and before.latency != after.latency:
            self.tally.violate("latency-honest", f"{failure} changed {before.latency} to {after.latency}")
        if got.id in self._promised:
            purses, worst = self._promised.pop(got.id)
            assert d.cost is not None
            kept = POLICIES[failure].refund if failure else None
            usd = worst if failure or outcome.prompt_tokens is None else d.cost.of(*used) * 1e6
            usd = 0.0 if kept in (Refund.ALL, Refund.AMOUNTS) else usd
            for purse in purses:
                self._spent[purse] = self._spent.get(purse, 0.0) + usd
        for charged in got.charged:
            kept_amount = self._kept(charged, outcome, got, used)
            self._charged[(charged.limit.cell, charged.limit.name)][charged.slice] += kept_amount - charged.amount
        self._half_open.get(d.cell, set()).discard(got.id)
        if old.open_until != new.open_until:  # closed, or opened afresh: earlier probes are no probes any more
            self._half_open.pop(d.cell, None)
        self._learn_block(got, outcome, after)

    def _check_money(self, request: Request, id: str, got: Reservation, worst: float) -> None:
        """Spent and promised stay within everybody's budget and the caller's, of the day and of the month."""
        day = int(got.reserved_at // DAY_S)
        purses = tuple((who, window) for who in {"", request.caller or ""} for window in (day, MONTH))
        self._promised[got.id] = (purses, worst)
        for purse in purses:
            who, window = purse
            budget = self._budgets[who]
            most = budget.usd_per_month if window == MONTH else budget.usd_per_day
            promised = sum(usd for held, usd in self._promised.values() if purse in held)
            spent = self._spent.get(purse, 0.0)
            if most is not None and spent + promised > most * 1e6 + 1e-6:
                self.tally.violate("cap", f"{id} for {who or 'all'}: {spent} spent, {promised} promised")
        single = self._budgets[request.caller or ""].usd_per_request
        if worst > request.max_usd * 1e6 + 1e-6 or (single is not None and worst > single * 1e6 + 1e-6):
            self.tally.violate("cap", f"{id}: {worst} for one request")

    def _check_breaker(self, own: Cell, attempt: Attempt, got: Reservation) -> None:
        state, now, cell = own.health, got.reserved_at, attempt.deployment.cell
        if attempt.ignore_breaker:
            self.tally.count("panic calls")
            return
        if state.open_until > now:
            self.tally.violate("breaker", f"{attempt.deployment.id} called while open for {state.open_until - now} s")
        if state.open_until:
            probes = self._half_open.setdefault(cell, set())
            self.tally.count("probes")
            if probes:
                self.tally.violate("one probe", f"{attempt.deployment.id}: {len(probes)} probe(s) were under way")
            probes.add(got.id)

    def _check_eligible(self, request: Request, attempt: Attempt, now: float) -> None:
        d = attempt.deployment
        output = demand.output_tokens(request, d)
        wrong = (
            not request.requires <= d.capabilities
            or request.prompt_tokens + output > d.context_window
            or output < 1
            or d.off is not None
            or d.id in request.exclude
        )
        blocked = [key for key in (d.cell, d.pool_cell, d.provider_cell) if key and self._blocked.get(key, 0) > now]
        if wrong or blocked:
            self.tally.violate("eligible", f"{d.id} called, blocked: {blocked}")

    def _learn_block(self, got: Reservation, outcome: Outcome, after: Cell) -> None:
        """The blocks that a hint asks for; those without a hint have a jitter of the router's own."""
        if outcome.failure not in (Failure.RATE_LIMITED, Failure.KEY_REJECTED, Failure.MODEL_GONE):
            return
        d, scope = got.deployment, POLICIES[outcome.failure].scope
        seconds = {Failure.KEY_REJECTED: 900.0, Failure.MODEL_GONE: 3600.0}.get(
            outcome.failure, min(86400.0, max(1.0, outcome.retry_after_s or 1.0))
        )
        key = d.provider_cell if scope is Scope.PROVIDER else d.pool_cell if scope is Scope.QUOTA else None
        self._blocked[key or d.cell] = max(self._blocked.get(key or d.cell, 0.0), self.now + seconds - 1e-6)

    now = 0.0  # set by the run before each settlement

    @staticmethod
    def _kept(charged: quota.Charged, outcome: Outcome, got: Reservation, used: tuple[int, int]) -> int:
        """What of a charge stays, by the table and by what the provider counts."""
        limit = charged.limit
        refund = POLICIES[outcome.failure].refund if outcome.failure else None
        if refund is Refund.ALL or (refund is Refund.AMOUNTS and limit.unit is not Unit.REQUESTS):
            return 0
        if outcome.failure or outcome.prompt_tokens is None or limit.unit is Unit.REQUESTS:
            return charged.amount
        prompt, output = used
        output = got.output_tokens if limit.counts is Counts.RESERVED else output
        if limit.unit is not Unit.USD:
            return prompt if limit.unit is Unit.INPUT_TOKENS else prompt + output
        assert got.deployment.cost is not None
        return math.ceil(got.deployment.cost.of(prompt, output) * 1e6)

    def at_rest(self, cells: Mapping[str, Cell]) -> None:
        """Once nothing is under way: what is charged is what was reserved less what was given back."""
        for key, cell in cells.items():
            if any(until > self.now for until in cell.leases.values()):
                self.tally.violate("conserve", f"{key} still holds {len(cell.leases)} lease(s)")
            for name, window in cell.windows.items():
                exact = self._charged.get((key, name), Counter())
                wrong = {k: (held, exact[k]) for k, held in window.slices.items() if held != exact[k]}
                if wrong or window.total != sum(window.slices.values()):
                    self.tally.violate("conserve", f"{key} {name}: slice: (held, exact) {wrong}")
        if any(health.available_at(c.health, self.now) == math.inf for c in cells.values()):
            self.tally.violate("conserve", "a probe that never ends")
