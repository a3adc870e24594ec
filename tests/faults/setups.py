"""Configurations to simulate: what ships, and a small one with everything in it."""

from __future__ import annotations

from functools import cache
from typing import Any

from llm7router import catalog
from llm7router.config.load import from_data, load, packaged
from llm7router.config.models import LoadedConfig
from llm7router.decision import registry
from llm7router.decision.registry import Factor
from llm7router.types import Deployment

FAKE_KEYS = dict.fromkeys(("GROQ_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "LLM7_API_KEY"), "fake")
SHIPPED = ("groq", "openrouter", "gemini", "llm7")


def _provider(*models: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"base_url": "http://127.0.0.1:9/v1", "api_key": "unused", "models": list(models), **keys}


def _model(id: str, stars: float, **keys: Any) -> dict[str, Any]:
    facts = {"context_window": 16000, "capabilities": ["streaming", "tools"], "cost": {"input": 0, "output": 0}}
    return {"id": id, "quality": {"chat": stars}, "latency": {"first_token_s": 0.5, "tokens_per_s": 200}} | facts | keys


def _bound(unit: str, window: str | None, most: float, **keys: Any) -> dict[str, Any]:
    return {"unit": unit, "max": most, **({"window": window} if window else {}), **keys}


SMALL: dict[str, Any] = {
    "version": 1,
    "state": {"store": "memory"},
    "budget": {"usd_per_request": 0.05, "usd_per_day": 0.5},
    "server": {
        "keys": [
            {"name": "poor", "sha256": "0" * 64, "budget": {"usd_per_request": 0.02, "usd_per_day": 0.06}},
            {"name": "broke", "sha256": "1" * 64, "budget": {"usd_per_day": 0}},
            {"name": "monthly", "sha256": "2" * 64, "budget": {"usd_per_month": 0.3}},
        ]
    },
    "providers": {
        "one": _provider(
            _model("x", 5),
            counts="reserved",
            limits_per_model=[
                _bound("requests", "minute", 30),
                _bound("tokens", "minute", 8000),
                _bound("requests", "day", 3000),
            ],
        ),
        "two": _provider(
            _model("y", 4, pool="both", context_window=60000),
            _model("z", 3, pool="both", capabilities=["streaming"]),
            pools={
                "both": [
                    _bound("requests", "second", 2),
                    _bound("requests", "hour", 400),
                    _bound("requests", "day", 2000, kind="calendar", tz="America/Los_Angeles"),
                    _bound("concurrent", None, 3),
                ]
            },
        ),
        "three": _provider(
            _model("paid", 2, cost={"input": 0.5, "output": 1.5}),
            limits=[_bound("requests", "10 seconds", 8), _bound("tokens", "hour", 200000)],
        ),
    },
}


CALLERS = (None, "poor", None, "broke", "monthly", None)


@cache
def small() -> LoadedConfig:
    """Three providers with every kind of limit, one of them paid under a budget."""
    return from_data(SMALL, env={})


@cache
def shipped() -> LoadedConfig:
    """Groq, OpenRouter, Gemini and LLM7 as router.yaml ships them."""
    return load(packaged(), env=FAKE_KEYS)


def deployments(loaded: LoadedConfig, names: tuple[str, ...] | None = None) -> tuple[Deployment, ...]:
    """The usable hosted deployments of the named providers, or of all."""
    found = catalog.deployments(loaded.providers, loaded.env, loaded.config.budget)
    return tuple(d for d in found if not d.off and not d.local and (names is None or d.provider in names))


def factors(loaded: LoadedConfig) -> tuple[tuple[str, float, Factor], ...]:
    """The scoring of the configuration."""
    scoring = loaded.config.scoring
    return registry.bind(scoring.weights, scoring.parameters)
