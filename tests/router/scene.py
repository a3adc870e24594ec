"""A router over scripted providers, for scenarios."""

from __future__ import annotations

from typing import Any

from llm7router import LLMRouter
from llm7router.state.store.base import Store
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import Script, ScriptedBackend, VirtualClock

HELLO = [{"role": "user", "content": "Hello!"}]


def model(id: str = "m", **keys: Any) -> dict[str, Any]:
    facts = {"context_window": 32000, "capabilities": ["streaming", "tools"], "cost": {"input": 0, "output": 0}}
    return {"id": id, **facts, **keys}


def provider(*models: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"base_url": "http://127.0.0.1:9/v1", "api_key": "unused", "models": list(models) or [model()], **keys}


def config(providers: dict[str, Any], **keys: Any) -> dict[str, Any]:
    # Scripts answer at once, which would outweigh everything else if latency had points.
    weights = {"cost": 30, "health": 30, "task_match": 15, "environment": 20, "capabilities": 10}
    scoring = {"weights": weights}
    return {"version": 1, "state": {"store": "memory"}, "scoring": scoring, "providers": providers, **keys}


class Scene:
    """A router, its clock and its scripted backend."""

    def __init__(
        self,
        providers: dict[str, Any],
        scripts: dict[str, Script] | None = None,
        store: Store | None = None,
        **keys: Any,
    ) -> None:
        self.clock = VirtualClock()
        self.backend = ScriptedBackend(scripts or {})
        self.router = LLMRouter(
            config(providers, **keys), env={}, backend=self.backend, clock=self.clock, store=store or MemoryStore()
        )

    @property
    def called(self) -> list[str]:
        """Ids of the deployments that were called, in order."""
        return [call.deployment.id for call in self.backend.calls]


def ranked(*names: str) -> dict[str, Any]:
    """Providers of one model each; earlier ones rank higher by their stars."""
    return {name: provider(model(quality={"chat": 5 - index})) for index, name in enumerate(names)}
