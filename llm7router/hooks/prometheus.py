"""Figures for Prometheus. Names have base units; labels come from router.yaml or from closed vocabularies.

Counters and histograms are fed by requests as they end. What a deployment is like now is read when it is asked for
(`llm7router.hooks.deployments`).
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from llm7router.errors import ConfigError
from llm7router.events import OUTCOMES, RequestEvent
from llm7router.hooks import facts
from llm7router.hooks.deployments import DeploymentsCollector
from llm7router.router import LLMRouter

SHARED_DIR = "PROMETHEUS_MULTIPROC_DIR"
# From a small model near by to `timeouts.total_s`, with the shipped time-outs (15 s, 40 s) between two bounds.
DURATIONS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120)
FIRST_TOKENS_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15, 30)
POINTS = (0, 20, 40, 50, 60, 70, 80, 90, 100)  # of -30..115 with the shipped weights


class Metrics:
    """A hook that counts, and the page that Prometheus reads.

    Several processes show the sum of all if the variable PROMETHEUS_MULTIPROC_DIR names a directory, emptied
    beforehand, when they start.

    Args:
        router: whose deployments are shown; `router.hooks.add(metrics)` begins to count.
        registry: where the figures are kept; None: one of its own, which also tells of the process.

    Raises:
        ConfigError: PROMETHEUS_MULTIPROC_DIR is set and no directory.
    """

    def __init__(self, router: LLMRouter, registry: CollectorRegistry | None = None) -> None:
        kept = CollectorRegistry() if registry is None else registry
        if registry is None:
            ProcessCollector(registry=kept)
        deployments = DeploymentsCollector(router)
        kept.register(deployments)
        self._shown = _sum_of_processes(deployments) or kept
        self._requests = Counter(
            "llm7router_requests_total",
            f"Requests by how they ended: {', '.join(OUTCOMES)}",
            ["outcome", "operation", "task", "stream"],
            registry=kept,
        )
        self._attempts = Counter(
            "llm7router_attempts_total",
            "Calls to deployments by how they ended; over_a_limit: none was made",
            ["provider", "model", "outcome"],
            registry=kept,
        )
        self._duration = Histogram(
            "llm7router_request_duration_seconds",
            "From a request to its end, failover included",
            ["outcome"],
            buckets=DURATIONS_S,
            registry=kept,
        )
        self._first_token = Histogram(
            "llm7router_time_to_first_token_seconds",
            "From a call to its first content; streams only",
            ["provider", "model"],
            buckets=FIRST_TOKENS_S,
            registry=kept,
        )
        self._tokens = Counter(
            "llm7router_tokens_total",
            "Tokens of answers as the provider counts them, or estimated",
            ["provider", "model", "type"],
            registry=kept,
        )
        self._cost = Counter(
            "llm7router_cost_usd_total",
            "US dollars by the prices of router.yaml; a failed call counts with the most that it may have cost",
            ["provider", "model"],
            registry=kept,
        )
        self._cached = Counter(
            "llm7router_cached_total",
            "Requests that got a stored answer, by whose it is",
            ["provider", "model"],
            registry=kept,
        )
        self._fallbacks = Counter(
            "llm7router_fallbacks_total",
            "Times that another deployment was tried, by why the one before failed",
            ["reason"],
            registry=kept,
        )
        self._points = Histogram(
            "llm7router_decision_score",
            "Points of the first choice of each request",
            ["provider", "model"],
            buckets=POINTS,
            registry=kept,
        )

    def __call__(self, event: RequestEvent) -> None:
        """Count a request that has ended."""
        request = event.request
        self._requests.labels(
            event.outcome, request.operation.value, request.task.value, str(event.stream).lower()
        ).inc()
        self._duration.labels(event.outcome).observe(event.duration_s)
        if event.decision and (best := event.decision.best):
            self._points.labels(best.deployment.provider, best.deployment.model).observe(best.points)
        for attempt in event.attempts:
            provider, model = facts.provider_and_model(attempt.deployment)
            self._attempts.labels(provider, model, facts.word(attempt.failure)).inc()
            self._cost.labels(provider, model).inc(max(0.0, facts.usd_of(event, attempt)))
            if attempt.first_token_s is not None:
                self._first_token.labels(provider, model).observe(attempt.first_token_s)
        for attempt in event.attempts[:-1]:
            self._fallbacks.labels(facts.word(attempt.failure)).inc()
        if (result := event.result) is not None and result.cached:
            self._cached.labels(result.provider, result.model).inc()
        elif result is not None:
            self._tokens.labels(result.provider, result.model, "input").inc(result.tokens_input)
            self._tokens.labels(result.provider, result.model, "output").inc(result.tokens_output)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type, as an Accept header asks: Prometheus' text format or OpenMetrics.

        Call it where the router runs: it reads the router's state.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self._shown), content_type


def _sum_of_processes(deployments: DeploymentsCollector) -> CollectorRegistry | None:
    """What all processes have counted, if they share a directory. Deployments are read from the shared store."""
    directory = os.environ.get(SHARED_DIR)
    if not directory:
        return None
    if not os.path.isdir(directory):
        raise ConfigError(f"{SHARED_DIR}: no directory ({directory}); make it, empty, before the start")
    summed = CollectorRegistry()
    summed.register(MultiProcessCollector(None, path=directory))  # type: ignore[no-untyped-call]
    summed.register(deployments)
    return summed
