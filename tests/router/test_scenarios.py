"""What a caller sees while providers come and go, in virtual time."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from llm7router import (
    AllProvidersExhaustedError,
    ConfigError,
    LLMRouter,
    NoProviderAvailableError,
    RequestContext,
    RequestRejectedError,
    RoutingError,
    StreamInterruptedError,
)
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.memory import MemoryStore
from llm7router.sync import LOOP
from llm7router.testing import Reply, ScriptedBackend
from llm7router.types import Failure, Outcome
from tests.router.scene import HELLO, Scene, config, model, provider, ranked
from tests.virtual import run_virtual


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(test(*args, **kwargs))

    return run


@in_virtual_time
async def test_the_best_answers_and_the_result_says_who_and_what_it_cost() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Reply("Hi", delay_s=2)})
    result = await scene.router.complete(HELLO)
    assert (result.content, result.provider, result.model, result.cost) == ("Hi", "a", "m", 0)
    assert (result.tokens_input, result.tokens_output, result.latency) == (10, 5, 2)
    assert [a.deployment for a in result.attempts] == ["a/m"]


@in_virtual_time
async def test_a_failure_moves_on_and_is_told() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Failure.SERVER_ERROR})
    result = await scene.router.complete(HELLO)
    assert result.provider == "b"
    assert [(a.deployment, a.ok, a.failure) for a in result.attempts] == [
        ("a/m", False, Failure.SERVER_ERROR),
        ("b/m", True, None),
    ]


@in_virtual_time
async def test_a_provider_that_dies_mid_run_loses_no_request() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": ["ok"] * 20 + [Failure.UNREACHABLE]})
    for _ in range(100):
        await scene.router.complete(HELLO)
        await asyncio.sleep(1)
    calls_after_death = scene.called[20:].count("a/m")
    assert scene.called.count("b/m") == 80
    assert calls_after_death < 12, "the breaker keeps away from it, but for probes"


@in_virtual_time
async def test_a_dead_provider_is_used_again_within_five_minutes_of_its_return() -> None:
    alive = False
    prior = {"first_token_s": 1.0, "tokens_per_s": 1000}
    providers = {
        "a": provider(model(quality={"chat": 5}, latency=prior)),
        "b": provider(model(quality={"chat": 1}, latency=prior), environments={"production": 0.5}),
    }
    good = Reply(delay_s=1.0)
    scene = Scene(providers, {"a/m": lambda call: good if alive else Failure.TIMEOUT, "b/m": good})
    for _ in range(120):
        await scene.router.complete(HELLO)
        await asyncio.sleep(10)
    alive, answered_by = True, []
    for _ in range(302):
        answered_by.append((await scene.router.complete(HELLO)).provider)
        await asyncio.sleep(1)
    assert "a" in answered_by
    assert set(answered_by[answered_by.index("a") :]) == {"a"}


@in_virtual_time
async def test_a_429_keeps_away_until_the_provider_said_and_then_returns() -> None:
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429, retry_after_s=30))
    scene = Scene(ranked("a", "b"), {"a/m": [limited, "ok"]})
    providers = []
    for _ in range(5):
        providers.append((await scene.router.complete(HELLO)).provider)
        await asyncio.sleep(10)
    assert providers == ["b", "b", "b", "a", "a"]
    assert scene.called.count("a/m") == 3


@in_virtual_time
async def test_a_rejected_key_silences_every_model_of_the_provider() -> None:
    providers = {"a": provider(model("x", quality={"chat": 5}), model("y", quality={"chat": 5})), "b": provider()}
    scene = Scene(providers, {"a/x": Failure.KEY_REJECTED, "a/y": Failure.KEY_REJECTED})
    for _ in range(5):
        assert (await scene.router.complete(HELLO)).provider == "b"
    assert scene.called.count("a/x") + scene.called.count("a/y") == 1


@in_virtual_time
async def test_a_limit_is_never_passed_and_the_next_provider_takes_over() -> None:
    limits = [{"unit": "requests", "window": "minute", "max": 3}]
    providers = {**ranked("a", "b"), "a": provider(model(quality={"chat": 5}), limits=limits)}
    scene = Scene(providers)
    served = [(await scene.router.complete(HELLO)).provider for _ in range(6)]
    assert served == ["a", "a", "a", "b", "b", "b"]
    await asyncio.sleep(64)
    assert (await scene.router.complete(HELLO)).provider == "a"


@in_virtual_time
async def test_fifty_at_once_do_not_pass_a_limit_either() -> None:
    limits = [{"unit": "requests", "window": "minute", "max": 7}]
    scene = Scene(
        {"a": provider(model(quality={"chat": 5}), limits=limits), "b": provider()}, {"a/m": Reply(delay_s=1)}
    )
    results = await asyncio.gather(*(scene.router.complete(HELLO) for _ in range(50)))
    assert sum(result.provider == "a" for result in results) == 7
    assert scene.called.count("a/m") == 7


@in_virtual_time
async def test_a_daily_limit_holds_over_a_restart(tmp_path: Path) -> None:
    limits = [{"unit": "requests", "window": "day", "max": 2}]
    for expected in (["a", "a"], ["b", "b"]):
        made = config({"a": provider(model(quality={"chat": 5}), limits=limits), "b": provider()})
        router = LLMRouter(made, env={}, backend=ScriptedBackend(), store=DiskStore(tmp_path / "state"))
        # A disk store works in a thread, which virtual time would not wait for.
        assert [router.complete_sync(HELLO).provider for _ in range(2)] == expected
        router.close()


def test_a_provider_that_was_blocked_or_ejected_is_still_so_after_a_restart(tmp_path: Path) -> None:
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, status=429, retry_after_s=3000))
    backend = ScriptedBackend({"a/m": limited, "b/m": Failure.TIMEOUT})
    made = config(ranked("a", "b", "c"))
    first = LLMRouter(made, env={}, backend=backend, store=DiskStore(tmp_path / "state"))
    for _ in range(3):
        with pytest.raises(RoutingError):
            first.complete_sync(HELLO, RequestContext(exclude=["c"]))
    first.close()
    second = LLMRouter(made, env={}, backend=ScriptedBackend(), store=DiskStore(tmp_path / "state"))
    states = {d.id: d.state for d in second.stats().deployments}
    assert states == {"a/m": "blocked", "b/m": "open", "c/m": "available"}
    assert second.complete_sync(HELLO).provider == "c"
    second.close()


def test_a_corrected_key_starts_afresh(tmp_path: Path) -> None:
    backend = ScriptedBackend({"a/m": [Failure.KEY_REJECTED, "ok"]})
    made = config({**ranked("a", "b"), "a": provider(model(quality={"chat": 5}), api_key_env="A_KEY")})
    for key, expected in (("wrong", "b"), ("wrong", "b"), ("right", "a")):
        router = LLMRouter(made, env={"A_KEY": key}, backend=backend, store=DiskStore(tmp_path / "state"))
        assert router.complete_sync(HELLO).provider == expected
        router.close()


@in_virtual_time
async def test_what_could_cost_anything_is_not_called_without_a_budget() -> None:
    scene = Scene({"a": provider(model(cost={"input": 0.01, "output": 0.01}, quality={"chat": 5})), "b": provider()})
    assert (await scene.router.complete(HELLO)).provider == "b"
    with pytest.raises(NoProviderAvailableError, match="over the budget"):
        await scene.router.complete(HELLO, RequestContext(providers=["a"], max_usd=10))


@in_virtual_time
async def test_a_daily_budget_is_spent_and_not_passed() -> None:
    paid = provider(model(cost={"input": 10, "output": 10}, quality={"chat": 5}))
    budget = {"usd_per_request": 0.015, "usd_per_day": 0.03}
    free = provider(model(quality={"chat": 1}), environments={"production": 0.1})
    scene = Scene({"a": paid, "b": free}, {"a/m": Reply(prompt_tokens=100, output_tokens=850)}, budget=budget)
    results = [await scene.router.complete(HELLO, max_tokens=950) for _ in range(6)]
    spent = sum(result.cost for result in results)
    assert [result.provider for result in results] == ["a", "a", "a", "b", "b", "b"]
    assert spent == pytest.approx(0.0285)


@in_virtual_time
async def test_nothing_usable_says_why_and_what_helps_at_once() -> None:
    scene = Scene({"a": provider(api_key=None, api_key_env="A_KEY", signup_url="https://a.example/keys")})
    with pytest.raises(NoProviderAvailableError) as caught:
        await scene.router.complete(HELLO)
    assert str(caught.value) == (
        "0/1 deployments can serve this request: 1 no key; "
        "set A_KEY in the environment or in .env (free key: https://a.example/keys)"
    )
    assert scene.called == []


@in_virtual_time
async def test_when_all_fail_the_error_lists_what_was_tried_and_when_to_come_back() -> None:
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429, retry_after_s=30))
    scene = Scene(ranked("a", "b"), {"a/m": limited, "b/m": Failure.SERVER_ERROR})
    with pytest.raises(AllProvidersExhaustedError) as caught:
        await scene.router.complete(HELLO)
    assert str(caught.value).startswith(
        "no answer after 2 attempts: a/m: rate limited (429, slow down, again in 30 s); b/m"
    )
    assert caught.value.retry_after_s == 30
    assert [a.deployment for a in caught.value.attempts] == ["a/m", "b/m"]


@in_virtual_time
async def test_one_deadline_covers_everything_and_the_next_still_gets_its_turn() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Reply(delay_s=1000)})
    result = await scene.router.complete(HELLO, RequestContext(deadline_s=10))
    assert result.provider == "b"
    assert result.latency == 5


@in_virtual_time
async def test_a_request_ends_at_its_deadline() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Reply(delay_s=1000), "b/m": Reply(delay_s=1000)})
    with pytest.raises(AllProvidersExhaustedError):
        await scene.router.complete(HELLO, RequestContext(deadline_s=10))
    assert scene.clock.monotonic() == pytest.approx(10, abs=0.1)


@in_virtual_time
async def test_a_request_that_two_providers_reject_is_returned_with_the_first_reason() -> None:
    bad = Reply(outcome=Outcome(Failure.REQUEST_REJECTED, "temperature must be below 2", status=400))
    scene = Scene(ranked("a", "b", "c"), {"a/m": bad, "b/m": Failure.REQUEST_REJECTED})
    with pytest.raises(RequestRejectedError, match="a/m: request rejected: temperature must be below 2") as caught:
        await scene.router.complete(HELLO)
    assert caught.value.status == 400
    assert scene.called == ["a/m", "b/m"]
    assert all(d.health > 0.9 for d in scene.router.stats().deployments)


@in_virtual_time
async def test_a_caller_that_leaves_frees_the_lease_keeps_the_charge_and_hurts_no_health() -> None:
    limits = [{"unit": "concurrent", "max": 1}, {"unit": "tokens", "window": "day", "max": 9000}]
    scene = Scene({"a": provider(model(limits=limits))}, {"a/m": Reply(delay_s=60)})
    task = asyncio.ensure_future(scene.router.complete(HELLO, max_tokens=500))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stats = scene.router.stats().deployments[0]
    used = {limit.name: limit.used for limit in stats.limits}
    assert used["concurrent"] == 0
    assert used["tokens/day"] > 500
    assert stats.health == pytest.approx(0.95)
    assert stats.in_flight == 0


@in_virtual_time
async def test_a_stream_yields_pieces_and_ends_with_the_whole_result() -> None:
    scene = Scene(ranked("a"), {"a/m": Reply("one two three", delay_s=1)})
    chunks = [chunk async for chunk in scene.router.stream(HELLO)]
    assert [c.content for c in chunks[:3]] == ["one ", "two ", "three"]
    assert chunks[-1].result is not None
    assert chunks[-1].result.content == "one two three"
    assert chunks[-1].result.tokens_output == 5


@in_virtual_time
async def test_a_stream_that_fails_before_its_first_content_fails_over_silently() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Failure.BAD_ANSWER, "b/m": "fine"})
    chunks = [chunk async for chunk in scene.router.stream(HELLO)]
    assert "".join(c.content for c in chunks) == "fine"
    assert {c.provider for c in chunks} == {"b"}


@in_virtual_time
async def test_a_stream_that_breaks_off_raises_and_never_joins_two_answers() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Reply("one two three", break_after=2)})
    seen: list[str] = []

    async def listen() -> None:
        async for chunk in scene.router.stream(HELLO):
            seen.append(chunk.content)  # noqa: PERF401 - what came before the break counts

    with pytest.raises(StreamInterruptedError, match="a/m: the answer broke off"):
        await listen()
    assert seen == ["one ", "two "]
    assert scene.called == ["a/m"]
    assert scene.router.stats().deployments[0].health < 0.9


@in_virtual_time
async def test_leaving_a_stream_early_settles_it() -> None:
    scene = Scene({"a": provider(model(limits=[{"unit": "concurrent", "max": 1}]))}, {"a/m": "one two three"})
    stream = scene.router.stream(HELLO)
    await anext(stream)
    await stream.aclose()
    stats = scene.router.stats().deployments[0]
    assert (stats.in_flight, stats.limits[0].used) == (0, 0)


@in_virtual_time
async def test_deciding_calls_nothing_and_writes_nothing(tmp_path: Path) -> None:
    scene = Scene(ranked("a", "b"), store=DiskStore(tmp_path / "state"))
    decision = scene.router.decide(HELLO)
    assert decision.best is not None
    assert decision.best.deployment.id == "a/m"
    assert scene.called == []
    assert list(tmp_path.iterdir()) == []
    scene.router._ledger.close()


@in_virtual_time
async def test_a_dry_run_says_what_a_call_then_does() -> None:
    scene = Scene(ranked("a", "b", "c"), {"a/m": [Failure.TIMEOUT] * 3 + ["ok"]})
    for _ in range(12):
        predicted = scene.router.decide(HELLO).best
        result = await scene.router.complete(HELLO)
        assert predicted is not None
        assert result.attempts[0].deployment == predicted.deployment.id
        await asyncio.sleep(3)


@in_virtual_time
async def test_a_store_that_breaks_does_not_stop_answers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("x")
    made = config(ranked("a"), state={"store": "disk", "path": str(tmp_path / "file" / "state")})
    router = LLMRouter(made, env={}, backend=ScriptedBackend())
    loop = asyncio.get_running_loop()
    del loop
    answers = [await asyncio.to_thread(router.complete_sync, HELLO) for _ in range(3)]
    assert [a.content for a in answers] == ["ok"] * 3
    assert router.stats().trouble is not None
    assert len([r for r in caplog.records if "kept in memory" in r.message]) == 1


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


@pytest.mark.parametrize(
    ("context", "says"),
    [
        (RequestContext(exclude="a"), r"exclude must be a list of names, such as \['a'\], not a string"),
        (RequestContext(providers="a"), "providers must be a list"),
        (RequestContext(requires="tools"), "requires must be a list"),
        (RequestContext(deadline_s="5"), "deadline_s must be a number"),  # type: ignore[arg-type]
        (RequestContext(max_usd=-1), "max_usd must be a number of 0 or more"),
        ({"task_type": "chat"}, "context must be a RequestContext, not dict"),
        ("chat", "context must be a RequestContext, not str"),
    ],
    ids=str,
)
def test_a_context_of_the_wrong_kind_is_refused_before_any_call(context: Any, says: str) -> None:
    scene = Scene(ranked("a", "b"))
    with pytest.raises(TypeError, match=says):
        scene.router.complete_sync(HELLO, context)
    assert scene.called == []


def test_an_unknown_id_is_refused_since_a_typo_would_send_the_prompt_there() -> None:
    scene = Scene(ranked("groq", "b"))
    with pytest.raises(ConfigError, match="no provider or deployment 'grok'; did you mean 'groq'"):
        scene.router.complete_sync(HELLO, RequestContext(exclude=["grok"]))


@pytest.mark.parametrize(
    "content",
    [5, {"a": 1}, ["xxx"], [{"type": "text", "text": object()}]],
    ids=["number", "mapping", "strings", "object"],
)
def test_content_of_the_wrong_kind_is_the_callers_fault_and_hurts_no_provider(content: Any) -> None:
    scene = Scene(ranked("a"))
    with pytest.raises(TypeError, match="messages"):
        scene.router.complete_sync([{"role": "user", "content": content}])
    assert scene.called == []


def test_a_result_can_be_copied() -> None:
    result = Scene(ranked("a")).router.complete_sync(HELLO)
    assert copy.deepcopy(result).content == result.content
    assert dataclasses.asdict(result)["provider"] == "a"


def test_complete_sync_inside_the_routers_own_loop_is_an_error_and_no_deadlock() -> None:
    scene = Scene(ranked("a"))

    async def nested() -> None:
        scene.router.complete_sync(HELLO)

    with pytest.raises(RuntimeError, match="await complete"):
        LOOP.run(nested())


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
