"""Hooks that ship with the router: metrics, traces and a log of requests.

Their libraries come with extras and are imported with their modules, so nothing here imports a module until it is
asked for.

    router.hooks.add(metrics_of(router))
    router.hooks.add(RequestLog("requests.jsonl"))           # llm7router.hooks.request_log
    if traces := traces_from_environment():
        router.hooks.add(traces)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llm7router.errors import ConfigError

if TYPE_CHECKING:
    from llm7router.hooks.otel import Traces
    from llm7router.hooks.prometheus import Metrics
    from llm7router.router import LLMRouter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def metrics_of(router: LLMRouter) -> Metrics:
    """Figures of a router for Prometheus.

    Raises:
        ConfigError: the extra `server` is not installed, or PROMETHEUS_MULTIPROC_DIR is no directory.
    """
    try:
        from llm7router.hooks.prometheus import Metrics
    except ImportError as error:
        raise ConfigError(f"metrics: {error.name} is not installed; pip install 'llm7router[server]'") from None
    return Metrics(router)


def traces_from_environment() -> Traces | None:
    """Traces for the collector that the standard OTEL_ variables name; None without an endpoint, or if switched off.

    Raises:
        ConfigError: the extra `otel` is not installed, or the variables ask for what is not spoken here.
    """
    given = os.environ
    off = given.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or given.get("OTEL_TRACES_EXPORTER", "").strip() == "none" or not any(map(given.get, ENDPOINTS)):
        return None
    try:
        from llm7router.hooks import otlp
    except ImportError as error:
        name = next(name for name in ENDPOINTS if given.get(name))
        raise ConfigError(f"{name}: {error.name} is not installed; pip install 'llm7router[otel]'") from None
    return otlp.traces(given)
