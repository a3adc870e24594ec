"""The three promises where they are hard to keep: money, limits, and no request lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llm7router import (
    AllProvidersExhaustedError,
    NoProviderAvailableError,
    RequestContext,
    RoutingError,
    StreamInterruptedError,
)
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import Reply
from llm7router.types import Failure, Outcome
from tests.router.scene import HELLO, Scene, model, provider, ranked
from tests.virtual import in_virtual_time


@in_virtual_time
async def test_what_cannot_stream_still_serves_a_stream_in_one_piece() -> None:
    whole = provider(model(capabilities=[]))
    scene = Scene({"a": whole}, {"a/m": "all at once"})
    chunks = [chunk async for chunk in scene.router.stream(HELLO)]
    assert [chunk.content for chunk in chunks] == ["all at once", ""]
    assert chunks[-1].result is not None
    assert chunks[-1].result.tokens_output == 5


@in_virtual_time
async def test_what_is_behind_an_open_breaker_is_tried_when_everything_else_has_failed() -> None:
    scene = Scene(
        ranked("a", "b"), {"a/m": [Failure.TIMEOUT] * 3 + ["back"], "b/m": ["ok", "ok", "ok", Failure.SERVER_ERROR]}
    )
    for _ in range(3):
        with pytest.raises(AllProvidersExhaustedError):
            await scene.router.complete(HELLO, RequestContext(exclude=["b"]))
    for _ in range(3):
        assert (await scene.router.complete(HELLO)).provider == "b"
    assert (await scene.router.complete(HELLO)).content == "back"


@in_virtual_time
async def test_requests_that_lose_the_one_probe_of_a_half_open_breaker_are_not_lost() -> None:
    class Slow(MemoryStore):
        shared = True

        async def mutate(self, keys: Any, change: Any) -> Any:
            await asyncio.sleep(0.01)
            return await super().mutate(keys, change)

    scene = Scene({"a": provider()}, {"a/m": [Failure.TIMEOUT] * 3 + ["ok"]}, store=Slow())
    for _ in range(3):
        with pytest.raises(RoutingError):
            await scene.router.complete(HELLO)
    await asyncio.sleep(400)
    results = await asyncio.gather(*(scene.router.complete(HELLO) for _ in range(5)))
    assert [result.content for result in results] == ["ok"] * 5


@in_virtual_time
async def test_a_limit_that_frees_up_soon_is_waited_for_when_nothing_else_can_serve() -> None:
    limits = [{"unit": "requests", "window": "second", "max": 1}]
    scene = Scene({"a": provider(model(), limits=limits)})
    results = [await scene.router.complete(HELLO) for _ in range(4)]
    assert len(results) == 4
    assert 3 <= scene.clock.monotonic() <= 6


@in_virtual_time
async def test_a_limit_that_frees_up_late_is_not_waited_for() -> None:
    limits = [{"unit": "requests", "window": "day", "max": 1}]
    scene = Scene({"a": provider(model(), limits=limits)})
    await scene.router.complete(HELLO)
    with pytest.raises(NoProviderAvailableError, match="over requests/day"):
        await scene.router.complete(HELLO)
    assert scene.clock.monotonic() == 0


@in_virtual_time
async def test_what_failed_attempts_may_have_cost_comes_off_what_the_request_may_cost() -> None:
    paid = {"input": 0, "output": 100}  # 1,000 tokens are 0.1 USD
    names = ["a", "b", "c", "d"]
    providers = {name: provider(model(cost=paid, quality={"chat": 5 - i})) for i, name in enumerate(names)}
    budget = {"usd_per_request": 0.25, "usd_per_day": 10}
    scene = Scene(providers, {"a/m": Failure.BAD_ANSWER, "b/m": Failure.BAD_ANSWER}, budget=budget)
    with pytest.raises(AllProvidersExhaustedError) as caught:
        await scene.router.complete(HELLO, max_tokens=1000)
    assert scene.called == ["a/m", "b/m"], "a third could bring it to 0.3 USD"
    assert sum(attempt.usd for attempt in caught.value.attempts) == pytest.approx(0.2)


@in_virtual_time
async def test_the_cost_of_a_result_includes_what_failed_attempts_may_have_cost() -> None:
    paid = {"input": 0, "output": 100}
    providers = {name: provider(model(cost=paid, quality={"chat": stars})) for name, stars in (("a", 5), ("b", 4))}
    budget = {"usd_per_request": 1, "usd_per_day": 10}
    scene = Scene(providers, {"a/m": Failure.TIMEOUT, "b/m": Reply(output_tokens=500)}, budget=budget)
    result = await scene.router.complete(HELLO, max_tokens=1000)
    assert result.cost == pytest.approx(0.1 + 0.05)


@in_virtual_time
async def test_a_stream_that_breaks_off_keeps_its_charge_whatever_broke_it() -> None:
    limits = [{"unit": "tokens", "window": "day", "max": 9000}]
    scene = Scene({"a": provider(model(), limits=limits)}, {"a/m": Reply("one two three", break_after=2)})
    stream = scene.router.stream(HELLO, max_tokens=500)

    async def listen() -> None:
        async for _ in stream:
            pass

    with pytest.raises(StreamInterruptedError):
        await listen()
    assert scene.router.stats().deployments[0].limits[0].used > 500


@in_virtual_time
async def test_a_fault_in_the_call_layer_or_in_a_plugged_in_factor_loses_no_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(call: Any) -> str:
        raise RuntimeError("boom")

    scene = Scene(ranked("a", "b"), {"a/m": broken, "b/m": "fine"})
    assert (await scene.router.complete(HELLO)).content == "fine"
    assert "calling a/m failed in this program" in caplog.text


@in_virtual_time
async def test_cancelling_while_a_reservation_is_made_leaves_nothing_reserved() -> None:
    class Slow(MemoryStore):
        shared = True

        async def mutate(self, keys: Any, change: Any) -> Any:
            done = await super().mutate(keys, change)
            await asyncio.sleep(0.1)
            return done

    limits = [{"unit": "concurrent", "max": 1}, {"unit": "tokens", "window": "day", "max": 9000}]
    scene = Scene({"a": provider(model(limits=limits))}, store=Slow())
    task = asyncio.ensure_future(scene.router.complete(HELLO))
    await asyncio.sleep(0.15)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(1)
    assert scene.called == []
    assert [limit.used for limit in scene.router.stats().deployments[0].limits] == [0, 0]


@in_virtual_time
async def test_a_clock_that_was_a_year_ahead_costs_no_provider() -> None:
    limits = [{"unit": "requests", "window": "minute", "max": 2}]
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, status=429, retry_after_s=300))
    scene = Scene({"a": provider(model(quality={"chat": 5}), limits=limits), "b": provider()}, {"b/m": [limited, "ok"]})
    scene.clock.jump(365 * 86400)
    await scene.router.complete(HELLO)
    await scene.router.complete(HELLO, RequestContext(exclude=["b"]))
    with pytest.raises(RoutingError):
        await scene.router.complete(HELLO, RequestContext(exclude=["a"], deadline_s=1))
    scene.clock.jump(-365 * 86400)
    await scene.router.complete(HELLO)  # the first one after the jump notices it
    await asyncio.sleep(64)
    states = {}
    await scene.router.complete(HELLO)
    for deployment in scene.router.stats().deployments:
        states[deployment.id] = deployment.state
    assert states == {"a/m": "available", "b/m": "available"}


@in_virtual_time
async def test_a_clock_that_jumps_ahead_gives_no_second_allowance() -> None:
    limits = [{"unit": "requests", "window": "minute", "max": 3}]
    scene = Scene({"a": provider(model(quality={"chat": 5}), limits=limits), "b": provider()})
    served = [(await scene.router.complete(HELLO)).provider for _ in range(3)]
    scene.clock.jump(3600)
    served += [(await scene.router.complete(HELLO)).provider for _ in range(3)]
    assert served == ["a", "a", "a", "b", "b", "b"]
    await asyncio.sleep(64)
    assert (await scene.router.complete(HELLO)).provider == "a"
