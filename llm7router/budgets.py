"""Money, and budgets of callers.

What holds at every instant, over all processes: of each budget, what was spent and what is reserved is at most its
maximum; and with a maximum of 0 nothing is called that could cost anything. Who sees to which part of it:

    what a call may cost at worst         `decision.request.estimate` (tokens), `decision.demand.worst_usd`
    what is unknown is not free           `decision.filters.fits_budget`
    reserved before the call, or no call  `state.quota.reserve`: the budget is a limit like others, all or none of them
    corrected by counts that can be true  `result.believed`, `state.quota.settle`
    kept where a provider may bill it     `decision.failures.may_be_billed`, and its table of refunds
    a store that is down                  `state.standby`: what may cost money waits for it
    a store that lost what was spent      `state.cells.LOST`: nothing more in that period (`store.disk`, `lost_budgets`)

`tests.faults.money` has eight processes try to break it. A caller's budget is put on everything that is not free, for
its requests, so that the decision and the ledger treat it as every other limit, and what is free stays usable when it
is spent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from llm7router import catalog
from llm7router.config.server_models import KeyConfig
from llm7router.types import Deployment, Limit, Snapshot


class Budgets:
    """What each caller may spend, within what everybody together may. Callers without a budget have that alone."""

    def __init__(self, keys: Iterable[KeyConfig], usd_per_request: float) -> None:
        keys = tuple(keys)
        self._usd_per_request = usd_per_request
        self._requests = {k.name: k.budget.usd_per_request for k in keys if k.budget.usd_per_request is not None}
        self._limits = {key.name: limits for key in keys if (limits := catalog.callers_budget(key))}
        self._made: dict[str, tuple[tuple[Deployment, ...], tuple[Deployment, ...]]] = {}

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Of all callers."""
        return tuple(limit for limits in self._limits.values() for limit in limits)

    def usd_per_request(self, caller: str | None) -> float:
        """Most that one request of the caller may cost, in USD."""
        return min(self._usd_per_request, self._requests.get(caller or "", self._usd_per_request))

    def seen_by(self, caller: str | None, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the caller's budget on everything that is not free."""
        limits = self._limits.get(caller or "")
        if not limits:
            return snapshot
        assert caller is not None
        of, made = self._made.get(caller, ((), ()))
        if of is not snapshot.deployments:
            made = tuple(d if d.free else replace(d, limits=(*d.limits, *limits)) for d in snapshot.deployments)
            self._made[caller] = snapshot.deployments, made
        return replace(snapshot, deployments=made)
