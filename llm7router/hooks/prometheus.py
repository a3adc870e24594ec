"""Figures for Prometheus. Names have base units; labels come from router.yaml or from closed vocabularies.

Counters and histograms are fed by requests as they end. What a deployment is like now is read when it is asked for
(`llm7router.hooks.deployments`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from llm7router.errors import ConfigError
from llm7router.events import OUTCOMES, RequestEvent
from llm7router.hooks import facts
from llm7router.hooks.deployments import DeploymentsCollector
from llm7router.router import LLMRouter

M = TypeVar("M", Counter, Histogram)
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

        def metric(kind: type[M], name: str, about: str, *labels: str, **more: Any) -> Callable[..., M]:
            """Its children by their labels, which prometheus_client would look up anew each time, under a lock."""
            return cache(kind(f"llm7router_{name}", about, labels, registry=kept, **more).labels)

        deployment = ("provider", "model")
        self._requests = metric(
            Counter, "requests_total", f"Requests by how they ended: {', '.join(OUTCOMES)}",
            "outcome", "operation", "task", "stream",
        )  # fmt: skip
        self._attempts = metric(
            Counter, "attempts_total", "Calls to deployments by how they ended; over_a_limit: none was made",
            *deployment, "outcome",
        )  # fmt: skip
        self._duration = metric(
            Histogram, "request_duration_seconds", "From a request to its end, failover included",
            "outcome", buckets=DURATIONS_S,
        )  # fmt: skip
        self._first_token = metric(
            Histogram, "time_to_first_token_seconds", "From a call to its first content; streams only",
            *deployment, buckets=FIRST_TOKENS_S,
        )  # fmt: skip
        self._tokens = metric(
            Counter, "tokens_total", "Tokens of answers as the provider counts them, or estimated", *deployment, "type"
        )
        self._cost = metric(
            Counter, "cost_usd_total",
            "US dollars by the prices of router.yaml; a failed call counts with the most that it may have cost",
            *deployment,
        )  # fmt: skip
        self._cached = metric(Counter, "cached_total", "Requests that got a stored answer, by whose it is", *deployment)
        self._fallbacks = metric(
            Counter,
            "fallbacks_total",
            "Times that another deployment was tried, by why the one before failed",
            "reason",
        )
        self._points = metric(
            Histogram, "decision_score", "Points of the first choice of each request", *deployment, buckets=POINTS
        )

    def __call__(self, event: RequestEvent) -> None:
        """Count a request that has ended."""
        request = event.request
        self._requests(event.outcome, request.operation.value, request.task.value, str(event.stream).lower()).inc()
        self._duration(event.outcome).observe(event.duration_s)
        if event.decision and (best := event.decision.best):
            self._points(best.deployment.provider, best.deployment.model).observe(best.points)
        for attempt in event.attempts:
            provider, model = facts.provider_and_model(attempt.deployment)
            self._attempts(provider, model, facts.word(attempt.failure)).inc()
            cost = self._cost(provider, model)  # made even if nothing is paid, so that it is shown
            if (usd := facts.usd_of(event, attempt)) > 0:
                cost.inc(usd)
            if attempt.first_token_s is not None:
                self._first_token(provider, model).observe(attempt.first_token_s)
        for attempt in event.attempts[:-1]:
            self._fallbacks(facts.word(attempt.failure)).inc()
        if (result := event.result) is not None and result.cached:
            self._cached(result.provider, result.model).inc()
        elif result is not None:
            self._tokens(result.provider, result.model, "input").inc(result.tokens_input)
            self._tokens(result.provider, result.model, "output").inc(result.tokens_output)

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
