"""What tests of hooks share: a hook that remembers, and requests that end in every way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from llm7router import RequestContext, RoutingError
from llm7router.events import RequestEvent
from llm7router.testing import Reply, Script
from llm7router.types import Failure, Outcome
from tests.router.scene import HELLO, Scene, model, provider, ranked

LONG = Reply("one two three four five", delay_s=1)


class Heard(list[RequestEvent]):
    """A hook that keeps what it hears."""

    def __call__(self, event: RequestEvent) -> None:
        self.append(event)

    @property
    def only(self) -> RequestEvent:
        """The one event there must be."""
        assert len(self) == 1
        return self[0]


async def asked(scene: Scene, stream: bool = False, **parameters: Any) -> None:
    """One request to its end, whatever that is."""
    with contextlib.suppress(RoutingError):
        if stream:
            async for _ in scene.router.stream(HELLO, **parameters):
                pass
        else:
            await scene.router.complete(HELLO, **parameters)


async def ok(*hooks: Any) -> None:
    scene = listening(Scene(ranked("a", "b"), {"a/m": Reply("Hi", delay_s=2)}), *hooks)
    await asked(scene)


async def streamed(*hooks: Any) -> None:
    await asked(listening(Scene(ranked("a"), {"a/m": LONG}), *hooks), stream=True)


async def limited(*hooks: Any) -> None:
    key = {"name": "ann", "sha256": "0" * 64, "limits": [{"unit": "requests", "window": "day", "max": 1}]}
    scene = Scene(ranked("a"), server={"keys": [key]})
    context = RequestContext(caller="ann")
    await scene.router.complete(HELLO, context)
    listening(scene, *hooks)
    with contextlib.suppress(RoutingError):
        await scene.router.complete(HELLO, context)


async def unavailable(*hooks: Any) -> None:
    await asked(listening(Scene({"a": provider(model(context_window=1))}), *hooks))


async def exhausted(*hooks: Any) -> None:
    failures: dict[str, Script] = {"a/m": Failure.SERVER_ERROR, "b/m": Failure.TIMEOUT}
    await asked(listening(Scene(ranked("a", "b"), failures), *hooks))


async def rejected(*hooks: Any) -> None:
    bad = Reply(outcome=Outcome(Failure.REQUEST_REJECTED, "no such field", status=400))
    await asked(listening(Scene(ranked("a", "b"), {"a/m": bad, "b/m": bad}), *hooks))


async def interrupted(*hooks: Any) -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Reply("one two three", delay_s=1, break_after=2)})
    await asked(listening(scene, *hooks), stream=True)


async def cancelled(*hooks: Any) -> None:
    scene = listening(Scene(ranked("a"), {"a/m": Reply(delay_s=30)}), *hooks)
    task = asyncio.create_task(scene.router.complete(HELLO))
    await asyncio.sleep(3)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def left_half_way(*hooks: Any) -> None:
    scene = listening(Scene(ranked("a"), {"a/m": LONG}), *hooks)
    async with aclosing(scene.router.stream(HELLO)) as chunks:
        async for _ in chunks:
            await asyncio.sleep(2)
            break


async def left_after_the_result(*hooks: Any) -> None:
    scene = listening(Scene(ranked("a"), {"a/m": LONG}), *hooks)
    async with aclosing(scene.router.stream(HELLO)) as chunks:
        async for chunk in chunks:
            if chunk.result:
                break


async def fault(*hooks: Any) -> None:
    scene = listening(Scene(ranked("a")), *hooks)

    async def broken(*_: Any) -> None:
        raise KeyError("of ours")

    scene.router._routing.engine.serve = broken  # type: ignore[method-assign, assignment]
    with contextlib.suppress(KeyError):
        await scene.router.complete(HELLO)


def listening(scene: Scene, *hooks: Any) -> Scene:
    """The scene with hooks; one that needs the router is given as a function of it."""
    for hook in hooks:
        scene.router.hooks.add(hook(scene.router) if isinstance(hook, type) else hook)
    return scene


ENDINGS: dict[str, Callable[..., Awaitable[None]]] = {
    "ok": ok,
    "limited": limited,
    "unavailable": unavailable,
    "exhausted": exhausted,
    "rejected": rejected,
    "interrupted": interrupted,
    "cancelled": cancelled,
    "fault": fault,
}
