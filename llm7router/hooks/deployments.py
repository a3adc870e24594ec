"""What deployments are like now, for Prometheus: read from `router.stats()` whenever the page is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from llm7router.decision.demand import MICRO
from llm7router.hooks import facts
from llm7router.router import LLMRouter
from llm7router.state.stats import DeploymentStats, LimitStats, Stats

STATES = ("available", "probing", "open", "blocked", "exhausted")
_WHO = ("provider", "model")
_WINDOW = (*_WHO, "unit", "window")
_FAMILIES = (
    ("llm7router_quota_remaining", "What is left of a limit, in its unit; of equal windows the scarcer", _WINDOW),
    ("llm7router_quota_limit", "A limit, in its unit", _WINDOW),
    ("llm7router_quota_exhaustion_seconds", "Until nothing is left at the present rate; absent: not so soon", _WINDOW),
    ("llm7router_provider_health", "Expected share of successes, 0..1", _WHO),
    ("llm7router_circuit_state", "1 for the present state, 0 for the others", (*_WHO, "state")),
    ("llm7router_in_flight", "Calls under way in the process that answers", _WHO),
    ("llm7router_store_degraded", "1 while the configured state store is not in use", ()),
)


class DeploymentsCollector(Collector):
    """Gauges of every deployment that is not off."""

    def __init__(self, router: LLMRouter) -> None:
        self._router = router

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names alone, so that registering reads nothing."""
        return _families().values()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The state of this instant."""
        stats, families = self._router.stats(), _families()
        for name, labels, value in _samples(stats):
            families[name].add_metric(labels, value)
        return families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    return {name: GaugeMetricFamily(name, text, labels=labels) for name, text, labels in _FAMILIES}


def _samples(stats: Stats) -> Iterator[tuple[str, tuple[str, ...], float]]:
    yield "llm7router_store_degraded", (), float(stats.trouble is not None)
    for deployment in stats.deployments:
        if deployment.state == "off":
            continue
        who = facts.provider_and_model(deployment.id)
        yield "llm7router_provider_health", who, deployment.health
        yield "llm7router_in_flight", who, deployment.in_flight
        for state in STATES:
            yield "llm7router_circuit_state", (*who, state), float(deployment.state == state)
        for limit in _scarcest(deployment):
            yield from _of_limit(limit, who, stats.now)


def _of_limit(limit: LimitStats, who: tuple[str, str], now: float) -> Iterator[tuple[str, tuple[str, ...], float]]:
    unit, _, window = limit.name.replace(" ", "_").partition("/")
    labels = (*who, unit, window)
    scale = MICRO if unit.endswith("usd") else 1
    yield "llm7router_quota_remaining", labels, _left(limit) / scale
    yield "llm7router_quota_limit", labels, limit.max / scale
    if limit.runs_out_at is not None:
        yield "llm7router_quota_exhaustion_seconds", labels, max(0.0, limit.runs_out_at - now)


def _scarcest(deployment: DeploymentStats) -> Iterable[LimitStats]:
    """One limit for each name: a model's own window and one that it shares may have the same."""
    found: dict[str, LimitStats] = {}
    for limit in deployment.limits:
        if limit.name not in found or _left(limit) < _left(found[limit.name]):
            found[limit.name] = limit
    return found.values()


def _left(limit: LimitStats) -> int:
    return max(0, limit.max - limit.used)
