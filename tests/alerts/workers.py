"""What the worker processes of `test_processes` do."""

from __future__ import annotations

from multiprocessing.connection import Connection

from llm7router import LLMRouter
from llm7router.errors import RoutingError
from llm7router.testing import ScriptedBackend
from tests.router.scene import HELLO, config, model, provider

MOST = 80


async def ask(place: str, times: int, pipe: Connection) -> None:
    """Ask so often; sends the shares that this process told, and whether the store was in use all the time."""
    limits = [{"unit": "requests", "window": "day", "max": MOST}]
    state = {"store": "disk", "path": place}
    data = {**config({"a": provider(model(), limits=limits)}), "state": state, "alerts": {"shares": [0.25, 0.5, 1]}}
    router = LLMRouter(data, env={}, backend=ScriptedBackend())
    told: list[float | None] = []
    router.alerts.add(lambda alert: told.append(alert.share) if alert.share else None)
    await router.refresh()
    pipe.send("ready")
    pipe.recv()
    for _ in range(times):
        try:
            await router.complete(HELLO)
        except RoutingError:
            break
    trouble = router.stats().trouble
    await router.aclose()
    pipe.send((told, trouble))
