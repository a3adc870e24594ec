"""What is counted of requests, and where. Virtual time, real routers."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from llm7router import RequestContext, RoutingError
from llm7router.events import RequestEvent
from llm7router.history import Key, Usage, sketch
from llm7router.history.tally import OTHERS, Tally
from llm7router.testing import Reply
from llm7router.types import Failure
from tests.history.kept import HOUR, A, B, flushed, listening
from tests.hooks.heard import Heard
from tests.router.scene import HELLO, model, provider, ranked
from tests.virtual import in_virtual_time

ANN = RequestContext(caller="ann")


async def heard() -> RequestEvent:
    """A request that was answered."""
    scene, events = listening(ranked("a"))[0], Heard()
    scene.router.hooks.add(events)
    await scene.router.complete(HELLO, ANN)
    return events.only


@in_virtual_time
async def test_a_failed_call_counts_at_its_provider_and_the_request_where_it_was_answered() -> None:
    scene, _ = listening(ranked("a", "b"), {"a/m": Failure.SERVER_ERROR, "b/m": Reply("Hi", delay_s=2)})
    await scene.router.complete(HELLO, ANN)
    assert flushed(scene) == {
        A: Usage(calls=1, failures=1),
        B: Usage(1, 1, calls=1, tokens_input=10, tokens_output=5, latency={sketch.bucket(2): 1}),
    }


@in_virtual_time
async def test_hours_tasks_and_callers_are_kept_apart() -> None:
    scene, _ = listening(ranked("a"))
    await scene.router.complete(HELLO, ANN)
    await scene.router.complete(HELLO, RequestContext(caller="bob", task_type="code"))
    await asyncio.sleep(3600)
    await scene.router.complete(HELLO)
    assert {key: usage.requests for key, usage in flushed(scene).items()} == {
        A: 1,
        Key(HOUR, "a", "m", "code", "bob"): 1,
        Key(HOUR + 3600, "a", "m", "chat", ""): 1,
    }


@in_virtual_time
async def test_what_a_paid_model_cost_is_kept_and_a_failed_call_counts_with_its_worst_case() -> None:
    paid = {"cost": {"input": 1000, "output": 2000}}
    budget = {"usd_per_request": 100, "usd_per_day": 100}
    providers = {"a": provider(model(**paid, quality={"chat": 5})), "b": provider(model(**paid))}
    scene, _ = listening(providers, {"a/m": Failure.BAD_ANSWER}, budget=budget)
    result = await scene.router.complete(HELLO, ANN)
    found = flushed(scene)
    assert found[B].cost_usd == pytest.approx(0.02)
    assert found[A].cost_usd > 0.02
    assert found[A].cost_usd + found[B].cost_usd == pytest.approx(result.cost)


@in_virtual_time
async def test_when_nobody_could_be_asked_the_request_is_nobodys() -> None:
    scene, _ = listening({"a": provider(model(context_window=1))})
    with contextlib.suppress(RoutingError):
        await scene.router.complete(HELLO, ANN)
    assert flushed(scene) == {Key(HOUR, "", "", "chat", "ann"): Usage(requests=1)}


@in_virtual_time
async def test_a_refusal_by_our_own_limits_is_no_call() -> None:
    limit = [{"unit": "requests", "window": "day", "max": 1}]
    scene, _ = listening({"a": provider(model(quality={"chat": 5}), limits=limit), "b": provider()})
    both = [scene.router.complete(HELLO, ANN) for _ in range(2)]
    await asyncio.gather(*both)
    found = flushed(scene)
    assert (found[A].calls, found[A].failures) == (1, 0)
    assert found[B].requests == 1


@in_virtual_time
async def test_a_caller_who_leaves_makes_no_failure() -> None:
    scene, _ = listening(ranked("a"), {"a/m": Reply("one two three", delay_s=5)})
    task = asyncio.create_task(scene.router.complete(HELLO, ANN))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with contextlib.aclosing(scene.router.stream(HELLO, ANN)) as chunks:
        async for _ in chunks:
            break
    total = Usage()
    for usage in flushed(scene).values():
        total.add(usage)
    assert (total.requests, total.cancelled, total.answered, total.failures) == (2, 2, 0, 0)


@in_virtual_time
async def test_the_readers_own_time_does_not_count_as_a_streams_latency() -> None:
    scene, _ = listening(ranked("a"), {"a/m": Reply("one two three", delay_s=2)})
    async for _ in scene.router.stream(HELLO, ANN):
        await asyncio.sleep(30)
    assert flushed(scene)[A].latency == {sketch.bucket(2): 1}


@in_virtual_time
async def test_embeddings_are_a_task_of_their_own() -> None:
    scene, _ = listening({"a": provider(model(capabilities=["embeddings"]))})
    await scene.router.embed("some text", RequestContext(providers=("a/m",), caller="ann"))
    assert flushed(scene)[A._replace(task="embeddings")].tokens_input == 10


class Cached:
    """A result from the cache, as far as the history looks at it."""

    cached, provider, model, cost, tokens_input, tokens_output = True, "a", "m", 0.0, 10, 5


@in_virtual_time
async def test_a_cached_answer_is_a_request_without_a_call_or_a_token() -> None:
    event, tally = await heard(), Tally()
    tally.add(replace(event, result=Cached()))  # type: ignore[arg-type]
    assert tally.take() == {A: Usage(1, 1, cached=1)}


@in_virtual_time
async def test_callers_without_number_fill_neither_memory_nor_disk() -> None:
    event, tally = await heard(), Tally(most_of_an_hour=10)
    for number in range(1000):
        tally.add(replace(event, request=replace(event.request, caller=f"caller-{number}")))
    found = tally.take()
    assert len(found) == 11
    assert found[A._replace(caller=OTHERS)].requests == 990
    assert sum(usage.requests for usage in found.values()) == 1000


@in_virtual_time
async def test_what_waits_for_a_disk_is_bounded_and_what_had_no_room_is_counted() -> None:
    event, tally = await heard(), Tally(most=3)
    for hour in range(10):
        tally.add(replace(event, at=event.at + hour * 3600))
    assert tally.lost == 7 * 2  # a call and a request each
    assert len(tally.take()) == 3


@in_virtual_time
async def test_names_that_no_file_can_hold_are_kept_as_far_as_they_go() -> None:
    event, tally = await heard(), Tally()
    for _ in range(2):
        tally.add(replace(event, request=replace(event.request, caller="\ud800" + "x" * 1000)))
    (key,) = tally.take()
    assert key.caller == "?" + "x" * 99
