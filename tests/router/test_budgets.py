"""Callers with budgets of their own, in virtual time: paid ways close, free ones stay open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llm7router import RequestContext, StreamInterruptedError
from llm7router.calls.base import Call, ChunkStream
from llm7router.errors import NoProviderAvailableError
from llm7router.state.store.base import Store
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.memory import MemoryStore
from llm7router.state.store.plain_disk import DATABASE
from llm7router.testing import Reply
from llm7router.types import Failure, Outcome, StreamChunk
from tests.router.scene import HELLO, Scene, model, provider
from tests.virtual import in_virtual_time

INTERN, OTHER = RequestContext(caller="intern"), RequestContext(caller="other")
PAID = {"input": 0, "output": 100}  # 1,000 tokens are 0.1 USD
ALL = Reply(output_tokens=1000)
DAY_S = 86400


def scene(
    budget: dict[str, float], *, free: bool = True, script: Any = ALL, store: Store | None = None, **of_all: float
) -> Scene:
    """A paid model that is best, perhaps a free one, and the intern's budget within everybody's 10 USD."""
    providers = {"paid": provider(model(cost=PAID, quality={"chat": 5}))}
    if free:
        providers["free"] = provider(model(quality={"chat": 1}))
    keys = [{"name": "intern", "sha256": "0" * 64, "budget": budget}]
    everybody = {"usd_per_request": 1, "usd_per_day": 10, **of_all}
    scoring = {"weights": {"task_match": 100, "cost": 1, "health": 1}}
    return Scene(providers, {"paid/m": script}, store, server={"keys": keys}, budget=everybody, scoring=scoring)


async def ask(one: Scene, context: RequestContext = INTERN, **parameters: Any) -> str:
    return (await one.router.complete(HELLO, context, **{"max_tokens": 1000, **parameters})).provider


def spent(one: Scene, name: str) -> float:
    """USD in a window of the intern's."""
    return one.router._ledger.snapshot_now(()).cells["budget/intern"].windows[name].total / 1e6


@in_virtual_time
async def test_a_caller_whose_money_is_spent_gets_what_is_free_and_others_go_on() -> None:
    one = scene({"usd_per_day": 0.25})
    assert [await ask(one) for _ in range(4)] == ["paid", "paid", "free", "free"]
    assert await ask(one, OTHER) == "paid"
    assert spent(one, "budget usd/day of intern") == pytest.approx(0.2)


@in_virtual_time
async def test_the_decision_says_whose_budget_stands_in_the_way() -> None:
    one = scene({"usd_per_day": 0.15}, free=False)
    await ask(one)
    with pytest.raises(NoProviderAvailableError, match=r"over budget usd/day of intern \(free in 16 h\)"):
        await ask(one)
    (rejected,) = one.router.decide(HELLO, INTERN, max_tokens=1000).rejected
    assert rejected.rejection.summary == "over budget usd/day of intern"
    assert not one.router.decide(HELLO, OTHER, max_tokens=1000).rejected


@in_virtual_time
async def test_what_was_not_used_is_given_back_to_the_caller() -> None:
    one = scene({"usd_per_day": 0.1}, script=Reply(output_tokens=100))
    assert [await ask(one) for _ in range(2)] == ["paid", "free"], "0.01 of 0.1 USD is spent, and 0.1 may be needed"
    assert await ask(one, max_tokens=900) == "paid"


@in_virtual_time
async def test_many_requests_at_once_do_not_pass_a_callers_budget() -> None:
    one = scene({"usd_per_day": 0.35}, script=Reply(output_tokens=1000, delay_s=5))
    providers = await asyncio.gather(*(ask(one) for _ in range(20)))
    assert sorted(providers) == ["free"] * 17 + ["paid"] * 3


@in_virtual_time
@pytest.mark.parametrize("budget", [{"usd_per_day": 0}, {"usd_per_month": 0}, {"usd_per_request": 0}], ids=str)
async def test_at_0_nothing_that_could_cost_is_called(budget: dict[str, float]) -> None:
    providers = {
        "paid": provider(model(cost=PAID), model("unknown", cost=None)),
        "vectors": provider(model(capabilities=["embeddings"], cost={"input": 1, "output": 0})),
    }
    limits = {"keys": [{"name": "intern", "sha256": "0" * 64, "budget": budget}]}
    one = Scene(providers, server=limits, budget={"usd_per_request": 1, "usd_per_day": 10})

    async def stream(context: RequestContext) -> None:
        async for _ in one.router.stream(HELLO, context, max_tokens=1):
            pass

    patient = RequestContext(caller="intern", wait_s=100, max_usd=1)
    vectors = RequestContext(caller="intern", providers=["vectors"], max_usd=1)
    for call in (one.router.complete(HELLO, patient, max_tokens=1), stream(patient), one.router.embed("hi", vectors)):
        with pytest.raises(NoProviderAvailableError):
            await call
    assert one.called == []
    await one.router.embed("hi", RequestContext(caller="other", providers=["vectors"]))
    await ask(one, OTHER)
    assert one.called == ["vectors/m", "paid/m"]


@in_virtual_time
@pytest.mark.parametrize(
    ("context", "called"), [(INTERN, ["paid/m", "free/m"]), (OTHER, ["paid/m", "more/m"])], ids=["intern", "other"]
)
async def test_what_a_failed_attempt_may_have_cost_comes_off_what_its_caller_may_spend_on_a_request(
    context: RequestContext, called: list[str]
) -> None:
    one = scene({"usd_per_request": 0.15}, script=Failure.BAD_ANSWER)
    one.router.register_provider(one.router._routing.specs["paid"].config, "more")
    await ask(one, context)
    assert one.called == called, "two paid calls could come to 0.2 USD"


@in_virtual_time
async def test_a_429_after_a_200_had_begun_gives_no_money_back_and_counts_for_the_request() -> None:
    begun = Reply(outcome=Outcome(Failure.RATE_LIMITED, "scripted", generated=True))
    one = scene({"usd_per_request": 0.15, "usd_per_day": 5}, script=begun)
    one.router.register_provider(one.router._routing.specs["paid"].config, "more")
    await ask(one)
    assert one.called == ["paid/m", "free/m"], "two paid calls could come to 0.2 USD"
    assert spent(one, "budget usd/day of intern") == pytest.approx(0.1)


@in_virtual_time
async def test_max_usd_lowers_a_callers_figure_and_never_raises_it() -> None:
    one = scene({"usd_per_request": 0.05})
    rich, poor = RequestContext(caller="intern", max_usd=5), RequestContext(caller="intern", max_usd=0)
    assert await ask(one, rich) == "free"
    assert await ask(one, rich, max_tokens=400) == "paid"
    assert await ask(one, poor, max_tokens=400) == "free"


@in_virtual_time
async def test_a_callers_figures_never_raise_everybodys() -> None:
    one = scene({"usd_per_request": 5, "usd_per_day": 5}, usd_per_request=0.1, usd_per_day=0.15)
    assert [await ask(one) for _ in range(2)] == ["paid", "free"]
    assert await ask(one, max_tokens=1001) == "free"


@in_virtual_time
async def test_a_stream_that_breaks_off_stays_charged_to_its_caller() -> None:
    one = scene({"usd_per_day": 0.15}, script=Reply("one two three", break_after=1))

    async def listen() -> None:
        async for _ in one.router.stream(HELLO, INTERN, max_tokens=1000):
            pass

    with pytest.raises(StreamInterruptedError):
        await listen()
    assert spent(one, "budget usd/day of intern") == pytest.approx(0.1)
    assert await ask(one) == "free"


@in_virtual_time
async def test_a_caller_that_leaves_stays_charged() -> None:
    one = scene({"usd_per_day": 0.15}, script=Reply(delay_s=10))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(one), 1)
    assert await ask(one) == "free"


@in_virtual_time
async def test_a_callers_money_comes_back_with_the_utc_day_and_with_the_month() -> None:
    one = scene({"usd_per_day": 0.1, "usd_per_month": 0.2})
    days = []
    for _ in range(20):
        days.append(await ask(one))
        await asyncio.sleep(DAY_S / 2)  # the virtual loop takes longer waits for a mistake
        await asyncio.sleep(DAY_S / 2)
    assert days == ["paid"] * 2 + ["free"] * 15 + ["paid"] * 2 + ["free"], "15 January is the first day"


@in_virtual_time
@pytest.mark.parametrize("whose", ["everybody", "intern"])
async def test_a_budget_that_is_given_in_the_middle_of_a_month_knows_what_was_spent_before(whose: str) -> None:
    store, day = MemoryStore(), {"usd_per_day": 0.2}
    one = scene(day, store=store)
    shown = {limit.name for d in one.router.stats().deployments for limit in d.limits}
    assert shown == {"budget usd/day"}, "what has no maximum is not shown"
    paid = [await ask(one) for _ in range(3)]
    await asyncio.sleep(DAY_S / 2)
    await asyncio.sleep(DAY_S / 2)
    assert [*paid, await ask(one)] == ["paid", "paid", "free", "paid"]
    month = {"usd_per_month": 0.35}
    one = (
        scene(day | month, store=store) if whose == "intern" else scene(day, store=store, usd_per_request=0.1, **month)
    )
    assert await ask(one) == "free", "0.3 USD were spent this month"


@in_virtual_time
async def test_of_two_budgets_neither_is_passed_whichever_ends_first() -> None:
    one = scene({}, usd_per_request=0.1, usd_per_day=0.2, usd_per_month=0.5)
    paid = []
    for _ in range(20):
        paid.append([await ask(one) for _ in range(3)].count("paid"))
        await asyncio.sleep(DAY_S / 2)
        await asyncio.sleep(DAY_S / 2)
    assert paid == [2, 2, 1, *[0] * 14, 2, 2, 1], "15 January is the first day"


@in_virtual_time
@pytest.mark.parametrize("jump_s", [-DAY_S / 24, -40 * DAY_S], ids=["an hour back", "forty days back"])
async def test_a_clock_that_is_set_back_gives_no_caller_new_money(jump_s: float) -> None:
    one = scene({"usd_per_month": 0.1})
    assert await ask(one) == "paid"
    one.clock.jump(jump_s)
    assert [await ask(one) for _ in range(2)] == ["free"] * 2


@in_virtual_time
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "told", [(300, None), (None, 400), (0, 0), (300, 0), (0, 400), (300, 40), (20, 400)], ids=str
)  # 300 and 400 would be true
async def test_a_count_of_tokens_that_cannot_be_true_gives_no_money_back(told: Any, stream: bool) -> None:
    one = scene({"usd_per_day": 5}, script=Reply("four " * 320, prompt_tokens=told[0], output_tokens=told[1]))
    long = [{"role": "user", "content": "word " * 240}]
    if stream:
        async for _ in one.router.stream(long, INTERN, max_tokens=1000):
            pass
    else:
        await one.router.complete(long, INTERN, max_tokens=1000)
    assert spent(one, "budget usd/day of intern") == pytest.approx(0.1)


@in_virtual_time
async def test_a_count_of_tokens_that_may_be_true_is_believed() -> None:
    one = scene({"usd_per_day": 5}, script=Reply("four " * 320, prompt_tokens=9, output_tokens=400))
    await ask(one)
    assert spent(one, "budget usd/day of intern") == pytest.approx(0.04)


def kept(text: str) -> list[dict[str, Any]]:
    """A message that asks for its prompt to be kept by the provider."""
    return [
        {"role": "user", "content": [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": "Hello!"},
    ]


@in_virtual_time
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("written", "usd"), [(0, 0.06), (200, 0.05)], ids=["not told", "told"])
async def test_to_write_a_cache_counts_at_twice_the_price_unless_the_provider_says_how_much_it_wrote(
    written: int, usd: float, stream: bool
) -> None:
    cost = {"input": 100, "output": 0}
    reply = Reply("four " * 4, prompt_tokens=300, output_tokens=5, cache_tokens=written)
    one = Scene(
        {"paid": provider(model(cost=cost))}, {"paid/m": reply},
        server={"keys": [{"name": "intern", "sha256": "0" * 64, "budget": {"usd_per_day": 5}}]},
        budget={"usd_per_request": 1, "usd_per_day": 10},
    )  # fmt: skip
    if stream:
        result = [chunk.result async for chunk in one.router.stream(kept("word " * 240), INTERN)][-1]
    else:
        result = await one.router.complete(kept("word " * 240), INTERN)
    assert result
    assert result.cost == pytest.approx(usd)
    assert spent(one, "budget usd/day of intern") == pytest.approx(usd)


@in_virtual_time
async def test_what_would_be_over_the_budget_if_its_cache_is_written_is_not_sent_to_who_would_be_paid() -> None:
    budget = {"usd_per_request": 0.15, "usd_per_day": 10}
    one = Scene({"paid": provider(model(cost={"input": 100, "output": 0}))}, budget=budget)
    plain = [{**message, "content": "word " * 200} for message in HELLO]
    await one.router.complete(plain)
    with pytest.raises(NoProviderAvailableError, match="over the budget"):
        await one.router.complete(kept("word " * 200))
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}
    with pytest.raises(NoProviderAvailableError, match="over the budget"):
        await one.router.complete(plain, tools=[tool])


@in_virtual_time
async def test_what_cannot_be_told_where_to_end_is_never_paid_for() -> None:
    """Nothing that is sent bounds the answer, so no worst case is known."""
    unbounded = {"unsupported_params": ["max_tokens", "max_completion_tokens"]}
    providers = {"paid": provider(model(cost=PAID), **unbounded), "free": provider(**unbounded)}
    one = Scene(providers, budget={"usd_per_request": 1, "usd_per_day": 10})
    assert await ask(one) == "free"
    (rejected,) = one.router.decide(HELLO).rejected
    assert (rejected.deployment.id, rejected.rejection.summary) == ("paid/m", "cost unknown")
    assert "max_completion_tokens" in rejected.rejection.advice


@in_virtual_time
async def test_a_count_for_one_of_several_answers_gives_no_money_back() -> None:
    one = scene({"usd_per_day": 5}, script=Reply("four " * 320, prompt_tokens=9, output_tokens=400))
    one.backend.complete = _thrice(one.backend.complete)  # type: ignore[method-assign]
    await ask(one, n=3)
    assert spent(one, "budget usd/day of intern") == pytest.approx(0.3)


@in_virtual_time
@pytest.mark.parametrize(("told", "usd"), [(400, 0.3), (1200, 0.12)], ids=["for one", "for all"])
async def test_a_count_for_one_of_several_streamed_answers_gives_no_money_back(told: int, usd: float) -> None:
    one = scene({"usd_per_day": 5}, script=Reply("four " * 320, prompt_tokens=9, output_tokens=told))
    one.backend.stream = _streamed_thrice(one.backend.stream)  # type: ignore[method-assign]
    async for _ in one.router.stream(HELLO, INTERN, n=3, max_tokens=1000):
        pass
    assert spent(one, "budget usd/day of intern") == pytest.approx(usd)


def _streamed_thrice(stream: Callable[[Call], Awaitable[Outcome]]) -> Callable[[Call], Awaitable[Outcome]]:
    """The same answer as each of three choices, as `_thrice`."""

    async def streamed(call: Call) -> Outcome:
        outcome = await stream(call)
        assert outcome.stream is not None
        return replace(outcome, stream=Thrice(outcome.stream))

    return streamed


class Thrice:
    """A stream of three choices, of which the second and the third are in raw chunks only."""

    def __init__(self, inner: ChunkStream) -> None:
        self._inner, self.waited_s, self.cache_tokens = inner, inner.waited_s, inner.cache_tokens
        self.usage: tuple[int, int] | None = None

    async def __aiter__(self) -> AsyncIterator[StreamChunk]:
        async for chunk in self._inner:
            delta = SimpleNamespace(content=chunk.content)
            raw = SimpleNamespace(choices=[SimpleNamespace(index=index, delta=delta) for index in range(3)])
            yield replace(chunk, raw=raw)
        self.usage = self._inner.usage

    async def aclose(self) -> None:
        await self._inner.aclose()


def _thrice(complete: Callable[[Call], Awaitable[Outcome]]) -> Callable[[Call], Awaitable[Outcome]]:
    """The same answer as each of three choices."""

    async def completed(call: Call) -> Outcome:
        outcome = await complete(call)
        outcome.response.choices *= 3
        return outcome

    return completed


@in_virtual_time
async def test_an_image_that_could_cost_more_than_is_allowed_is_not_sent_to_who_would_be_paid() -> None:
    """A model that counts 48,169 tokens for an image would take 0.48 USD of the 0.1 that are allowed."""
    price = {"input": 10, "output": 0}
    sees = ["streaming", "tools", "vision"]
    providers = {"paid": provider(model(cost=price, capabilities=sees, context_window=128000))}
    one = Scene(providers, budget={"usd_per_request": 0.1, "usd_per_day": 10})
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]
    with pytest.raises(NoProviderAvailableError, match="over the budget"):
        await one.router.complete(picture)
    assert not one.called


@pytest.mark.parametrize("whose", ["everybody", "intern"])
async def test_when_what_was_spent_is_lost_with_a_broken_store_nothing_more_is_in_that_day_or_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """A broken file begins afresh, which must not be a second budget."""
    context = INTERN if whose == "intern" else OTHER
    months: dict[str, Any] = {"everybody": ({}, {"usd_per_month": 5}), "intern": ({"usd_per_month": 5}, {})}[whose]

    def begun() -> Scene:
        return scene(months[0], store=DiskStore(tmp_path / "state"), **months[1])

    one = begun()
    monkeypatch.setattr("llm7router.state.store.disk.time.time", one.clock.now)
    assert await ask(one, context) == "paid"
    await one.router.aclose()
    for file in (tmp_path / "state").iterdir():
        file.unlink() if file.name != DATABASE else file.write_bytes(b"broken" * 999)
    one = begun()
    one.clock.jump(DAY_S)
    assert [await ask(one, context) for _ in range(2)] == ["free"] * 2
    for _ in range(20):
        one.clock.jump(DAY_S)
        one.router.stats()
    assert await ask(one, context) == "paid", "the next month has money again"
    await one.router.aclose()
