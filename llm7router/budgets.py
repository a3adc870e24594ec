"""Budgets of callers: what is not free gets their limits for their requests, so that the decision and the ledger treat
them as every other limit, and what is free stays usable when they are spent."""

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
