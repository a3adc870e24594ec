"""After the faults have stopped everything recovers within a bound; while they last, little is wasted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random

import pytest

from llm7router.calls.base import Call
from llm7router.errors import RoutingError
from llm7router.testing import Reply
from llm7router.types import Failure, Outcome
from tests.faults import runs
from tests.router.scene import HELLO, Scene, model, provider
from tests.virtual import run_virtual

SEEDS = range(60 if runs.LONG else 4)
PRIOR = {"first_token_s": 1.0, "tokens_per_s": 1000}
GOOD = Reply(delay_s=1.0)
OUTAGES = (Failure.UNREACHABLE, Failure.OVERLOADED, Failure.SERVER_ERROR, Failure.TIMEOUT, Failure.BAD_ANSWER)


def better_and_worse() -> dict[str, dict[str, object]]:
    """`a` is preferred by more than health can cost it while it works."""
    return {
        "a": provider(model(quality={"chat": 5}, latency=PRIOR)),
        "b": provider(model(quality={"chat": 1}, latency=PRIOR), environments={"production": 0.5}),
    }


@pytest.mark.parametrize("failure", OUTAGES, ids=str)
def test_breaker_a_provider_that_returns_is_used_again_within_300_s_and_one_request(failure: Failure) -> None:
    worst = 0.0

    async def outage(seed: int) -> float:
        rng, alive = random.Random(seed), False
        scene = Scene(better_and_worse(), {"a/m": lambda call: GOOD if alive else failure, "b/m": GOOD})
        for _ in range(rng.randint(5, 150)):
            await scene.router.complete(HELLO)
            await asyncio.sleep(rng.expovariate(1 / 10))
        alive, returned_at = True, scene.clock.monotonic()
        while (await scene.router.complete(HELLO)).provider != "a":  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(1)
        return scene.clock.monotonic() - returned_at

    for seed in SEEDS:
        worst = max(worst, run_virtual(outage(seed)))
    print(f"breaker, {failure}: used again after at most {worst:.0f} s, over {len(SEEDS)} seeds")
    assert worst <= 300 + 2


@pytest.mark.parametrize("failure", OUTAGES, ids=str)
def test_bounded_an_outage_of_one_provider_costs_at_most_a_fifth_more_calls(failure: Failure) -> None:
    async def outage() -> float:
        scene = Scene(better_and_worse(), {"a/m": failure, "b/m": GOOD})
        for _ in range(10):  # until the breaker has opened
            await scene.router.complete(HELLO)
            await asyncio.sleep(1)
        before, requests = len(scene.called), 1000
        for _ in range(requests):
            await scene.router.complete(HELLO)
            await asyncio.sleep(1)
        return (len(scene.called) - before) / requests

    ratio = run_virtual(outage())
    print(f"bounded, {failure}: {ratio:.3f} upstream calls a request")
    assert ratio <= 1.2


def test_panic_nobody_is_given_up_untried_and_a_local_model_answers_what_the_others_cannot() -> None:
    """Two remote providers that come and go, and a local model in half of the runs."""

    async def come_and_go(seed: int, with_local: bool) -> tuple[int, int]:
        rng, up = random.Random(seed), {"a": True, "b": True}

        def weather(call: Call) -> Reply:
            return GOOD if up[call.deployment.provider] else Reply(outcome=Outcome(Failure.OVERLOADED))

        local = model(quality={"chat": 1}, path="package:none/none.gguf")
        extra = {"c": {"kind": "llama_cpp", "environments": {"production": 0.1}, "models": [local]}}
        scene = Scene({**better_and_worse(), **(extra if with_local else {})}, {"a/m": weather, "b/m": weather})
        unserved = by_local = untried = 0
        for _ in range(300):
            up["a"], up["b"] = rng.random() < 0.7, rng.random() < 0.7
            try:
                result = await scene.router.complete(HELLO)
            except RoutingError as error:
                unserved += 1
                untried += {a.deployment for a in error.attempts} != {"a/m", "b/m"} or any(up.values())
            else:
                if result.provider == "c":
                    by_local += 1
                    before = itertools.takewhile(lambda s: not s.deployment.local, result.decision.ranking)
                    failed = {a.deployment for a in result.attempts if not a.ok}
                    assert {s.deployment.id for s in before} <= failed, "what ranks above it was tried"
            await asyncio.sleep(rng.expovariate(1 / 5))
        assert not untried, "nobody is given up untried, nor while they are up"
        return unserved, by_local

    for with_local in (False, True):
        unserved, by_local = zip(*(run_virtual(come_and_go(seed, with_local)) for seed in SEEDS), strict=True)
        about = "with" if with_local else "without"
        print(f"panic, {about} a local model: {sum(unserved)} unserved, {sum(by_local)} by it")
        assert bool(sum(unserved)) != with_local
        assert bool(sum(by_local)) == with_local


def test_breaker_every_kind_of_block_ends_and_all_is_as_before() -> None:
    """Safety first, then liveness: a storm of everything, then a clear sky."""

    async def storm(seed: int) -> int:
        rng, storming = random.Random(seed), True
        kinds = (*OUTAGES, Failure.RATE_LIMITED, Failure.KEY_REJECTED, Failure.MODEL_GONE, Failure.NO_CREDIT)

        def weather(call: object) -> Reply:
            if storming and rng.random() < 0.8:
                return Reply(outcome=Outcome(rng.choice(kinds), retry_after_s=rng.choice((None, 5.0, 200.0))))
            return GOOD

        scene = Scene(better_and_worse(), {"a/m": weather, "b/m": weather})
        for _ in range(150):
            with contextlib.suppress(RoutingError):
                await scene.router.complete(HELLO)
            await asyncio.sleep(rng.expovariate(1 / 10))
        storming = False
        await asyncio.sleep(3600 + 1)  # the longest block without a hint
        return sum([(await scene.router.complete(HELLO)).provider == "a" for _ in range(20)])

    first = [run_virtual(storm(seed)) for seed in SEEDS]
    print(f"breaker, after a storm: at least {min(first)} of 20 requests went to the best, over {len(SEEDS)} seeds")
    assert min(first) >= 19
