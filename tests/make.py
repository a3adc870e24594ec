"""Values for tests, with as little said as possible."""

from __future__ import annotations

from typing import Any

from llm7router.state.cells import Cell
from llm7router.types import Capability, Deployment, Limit, Period, Price, Request, Snapshot, TaskType, Unit

NOW = 1_800_000_000.0
FREE = Price(0, 0)
ABLE = frozenset({Capability.STREAMING, Capability.TOOLS, Capability.JSON_SCHEMA, Capability.JSON_MODE})


def deployment(id: str = "alpha/one", **fields: Any) -> Deployment:
    provider, model = id.split("/", 1)
    account = f"{provider}@0"
    given: dict[str, Any] = {
        "cell": f"{account}/{model}",
        "provider_cell": account,
        "cost": FREE,
        "capabilities": ABLE,
        "context_window": 100_000,
        "trains_on_prompts": False,
    }
    return Deployment(id=id, provider=provider, model=model, **{**given, **fields})


def limit(unit: str = "requests", period: str | None = "minute", max: int = 10, **fields: Any) -> Limit:
    name = f"{unit}/{period}" if period else unit
    given: dict[str, Any] = {"name": name, "cell": "alpha@0/one"}
    return Limit(unit=Unit(unit), period=Period(period) if period else None, max=max, **{**given, **fields})


def request(**fields: Any) -> Request:
    return Request(**{"id": "r", "task": TaskType.CHAT, "prompt_tokens": 100, **fields})


def snapshot(
    *deployments: Deployment, cells: dict[str, Cell] | None = None, now: float = NOW, **fields: Any
) -> Snapshot:
    return Snapshot(now, deployments, cells or {}, **fields)
