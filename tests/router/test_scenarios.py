"""What a caller sees while providers come and go, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llm7router import (
    AllProvidersExhaustedError,
    LLMRouter,
    NoProviderAvailableError,
    RequestContext,
    RequestRejectedError,
    RoutingError,
    StreamInterruptedError,
)
from llm7router.state.store.disk import DiskStore
from llm7router.testing import Reply, ScriptedBackend
from llm7router.types import Failure, Outcome
from tests.router.scene import HELLO, Scene, config, model, provider, ranked
from tests.virtual import in_virtual_time


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
        made = config(
            {"a": provider(model(quality={"chat": 5}), limits=limits), "b": provider(model(quality={"chat": 1}))}
        )
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
    free = provider(model(quality={"chat": 1}), environments={"production": 0.05})
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
    longer = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429, retry_after_s=60))
    scene = Scene(ranked("a", "b"), {"a/m": limited, "b/m": longer})
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
