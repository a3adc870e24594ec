"""When somebody is told: whole traces in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from llm7router import RequestContext, RoutingError
from llm7router.alerts import Alert
from llm7router.state.store.base import Store
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import START_AT, Reply
from llm7router.types import Failure
from tests.router.scene import HELLO, Scene, model, provider, ranked
from tests.virtual import in_virtual_time

HOUR_S, DAY_S = 3600.0, 86400.0
A_DAY = [{"unit": "requests", "window": "day", "max": 10, "kind": "calendar"}]
INTERN = RequestContext(caller="intern")
BY_STARS = {"scoring": {"weights": {"task_match": 100, "health": 1}}}  # who is asked first does not change


class Told(Scene):
    """A scene that keeps what was told, with the hour at which it was."""

    def __init__(self, *given: Any, **keys: Any) -> None:
        super().__init__(*given, **keys)
        self.trace: list[tuple[float, str, str]] = []
        self.router.alerts.add(self._note)

    def _note(self, alert: Alert) -> None:
        hour = round((alert.at - START_AT) / HOUR_S, 2)
        self.trace.append(
            (hour, alert.kind.value, alert.subject if alert.share is None else f"{alert.share:g} {alert.limit}")
        )

    async def ask(self, times: int = 1, context: RequestContext | None = None, **parameters: Any) -> None:
        """So many requests; whether they are answered does not matter here."""
        for _ in range(times):
            with contextlib.suppress(RoutingError):
                await self.router.complete(HELLO, context, **parameters)
        await asyncio.sleep(0)  # what was found is told between two requests

    @property
    def told(self) -> list[tuple[float, str, str]]:
        """What was told since this was last asked for."""
        trace, self.trace = self.trace, []
        return trace


async def pause(seconds: float) -> None:
    for _ in range(4):  # the virtual loop takes a wait of a day for a mistake
        await asyncio.sleep(seconds / 4)


@in_virtual_time
async def test_each_share_of_a_daily_limit_is_told_once_a_day() -> None:
    one = Told({"a": provider(model(quality={"chat": 5}), limits=A_DAY), "b": provider()}, **BY_STARS)
    trace = []
    for _ in range(2):
        for _ in range(12):
            await one.ask()
            trace.append([what for _, _, what in one.told])
        await pause(DAY_S)
    day: list[list[str]] = [[]] * 7 + [["0.8 requests/day"], [], ["1 requests/day"], [], []]
    assert trace == day * 2


@in_virtual_time
async def test_a_rolling_limit_is_told_once_in_its_length_while_it_stays_used() -> None:
    limits = [{"unit": "requests", "window": "day", "max": 10}]
    providers = {"a": provider(model(quality={"chat": 5}), limits=limits), "b": provider()}
    one = Told(providers, alerts={"shares": [0.5]}, **BY_STARS)
    for _ in range(60):
        await one.ask()
        await pause(HOUR_S)
    assert one.told == [(hour, "share", "0.5 requests/day") for hour in (4, 29, 54)]


@in_virtual_time
async def test_shares_of_everybodys_budget_and_of_a_callers_are_told_apart_with_what_is_used() -> None:
    providers = {"paid": provider(model(cost={"input": 0, "output": 100}))}  # 1,000 tokens are 0.1 USD
    keys = [{"name": "intern", "sha256": "0" * 64, "budget": {"usd_per_month": 0.2}}]
    budget = {"usd_per_request": 0.5, "usd_per_day": 0.5}
    one = Told(providers, {"paid/m": Reply(output_tokens=1000)}, server={"keys": keys}, budget=budget)
    alerts: list[Alert] = []
    one.router.alerts.add(alerts.append)
    await one.ask(2, max_tokens=1000)
    assert one.told == []
    await one.ask(2, INTERN, max_tokens=1000)
    assert [what for _, _, what in one.told] == ["0.8 budget usd/day", "1 budget usd/month of intern"]
    assert [alert.text for alert in alerts] == [
        "budget usd/day: 80% used, 0.4 of 0.5 USD, over in 16 h",
        "budget usd/month of intern: 100% used, 0.2 of 0.2 USD, over in 16 d 16 h",
    ]
    assert [(alert.subject, alert.used, alert.max) for alert in alerts] == [("budget", 0.4, 0.5), ("budget", 0.2, 0.2)]


@in_virtual_time
async def test_a_callers_own_daily_limit_is_told() -> None:
    keys = [{"name": "intern", "sha256": "0" * 64, "limits": [{"unit": "requests", "window": "day", "max": 5}]}]
    one = Told(ranked("a"), server={"keys": keys})
    await one.ask(4, INTERN)
    assert one.told == [(0, "share", "0.8 requests/day")]


@in_virtual_time
async def test_limits_of_a_minute_and_shares_that_nobody_asked_for_are_not_told() -> None:
    minute = {"unit": "requests", "window": "minute", "max": 2}
    one = Told({"a": provider(model(), limits=[minute, *A_DAY])}, alerts={"shares": []})
    await one.ask(2)
    await pause(HOUR_S)
    await one.ask(2)
    assert one.told == []


@in_virtual_time
async def test_a_breaker_is_told_when_it_opens_and_again_when_it_closed_and_opened_again() -> None:
    bad, fine = [Failure.TIMEOUT] * 3, ["ok"] * 2
    one = Told(ranked("a", "b"), {"a/m": [*bad, Failure.TIMEOUT, Failure.TIMEOUT, *fine, *bad, *fine]})
    only_a, trace = RequestContext(providers=["a"]), []
    for _ in range(12):
        await one.ask(context=only_a)
        await one.ask(context=RequestContext(providers=["b"]))  # so that not everybody is down
        trace.append(["breaker" if kind == "breaker" else kind for _, kind, _ in one.told])
        await pause(700)
    assert trace == [[], [], ["breaker"], [], [], [], [], [], [], ["breaker"], [], []]


@in_virtual_time
async def test_a_rejected_key_is_told_once_until_somebody_is_answered_with_it() -> None:
    rejected = Failure.KEY_REJECTED
    one = Told(ranked("a", "b"), {"a/m": [rejected, rejected, rejected, "ok", rejected]})
    trace = []
    for _ in range(5):
        await one.ask()
        trace.append(one.told)
        await pause(1000)  # it is asked again after a quarter of an hour
    assert [[(kind, who) for _, kind, who in told] for told in trace] == [[("key", "a")], [], [], [], [("key", "a")]]


@in_virtual_time
async def test_it_is_told_once_that_nobody_hosted_can_answer_and_again_after_somebody_did() -> None:
    local = {"kind": "llama_cpp", "models": [{"id": "tiny", "path": "x.gguf", "cost": {"input": 0, "output": 0}}]}
    once = [*[Failure.TIMEOUT] * 3, "ok"]
    scripts = {"a/m": once * 2, "b/m": [Failure.KEY_REJECTED, "ok", Failure.KEY_REJECTED]}
    one = Told({**ranked("a", "b"), "local": local}, scripts, **BY_STARS)
    alerts: list[Alert] = []
    one.router.alerts.add(alerts.append)
    trace = []
    for wait_s in (1, 1, 61, 1, 900) * 2:
        await one.ask()
        trace.append([kind for _, kind, _ in one.told])
        await pause(wait_s)
    # The second time, `b` answers once in between, and its key is rejected when `a` fails for the third time in a row.
    again = [[], [], ["breaker", "key", "down"], [], [], []]
    assert trace == [["key"], [], ["breaker", "down"], [], *again]
    assert alerts[2].text == "none of 2 hosted deployments can be used; local/tiny answers"


@in_virtual_time
async def test_of_a_request_that_nobody_answers_it_is_said_that_it_had_no_answer() -> None:
    one = Told(ranked("a"), {"a/m": Failure.KEY_REJECTED})
    alerts: list[Alert] = []
    one.router.alerts.add(alerts.append)
    await one.ask()
    await pause(1)
    assert alerts[-1].text == "none of 1 hosted deployment can be used; a request had no answer"


@in_virtual_time
async def test_a_limit_that_frees_up_within_a_minute_is_no_outage() -> None:
    one = Told({"a": provider(model(), limits=[{"unit": "requests", "window": "second", "max": 1}])})
    await one.ask(3, RequestContext(wait_s=0))
    assert one.told == []


@in_virtual_time
async def test_a_limit_of_the_day_that_is_used_up_leaves_nobody_to_answer() -> None:
    one = Told(
        {"a": provider(model(), limits=[{"unit": "requests", "window": "day", "max": 1}])}, alerts={"shares": []}
    )
    await one.ask(3)
    assert [kind for _, kind, _ in one.told] == ["down"]


class Shared(MemoryStore):
    """As several processes see it."""

    shared = True


def processes(count: int, store: Store, *given: Any, **keys: Any) -> Sequence[Told]:
    return [Told(*given, store=store, **keys) for _ in range(count)]


@in_virtual_time
async def test_shares_of_a_limit_that_was_raised_meanwhile_are_told() -> None:
    store, told = MemoryStore(), []
    for most in (4, 4, 8):
        one = Told({"a": provider(limits=[{**A_DAY[0], "max": most}])}, store=store, alerts={"shares": [1]})
        await one.ask(4)
        told.append(sum(kind == "share" for _, kind, _ in one.told))
    assert told == [1, 0, 1]


@in_virtual_time
async def test_of_several_processes_over_one_store_one_tells() -> None:
    store = Shared()
    all_of_them = processes(4, store, {"a": provider(model(), limits=A_DAY)})
    for one in (all_of_them * 3)[:10]:
        await one.ask()
        await pause(1)
    assert sorted(what for one in all_of_them for _, _, what in one.told) == ["0.8 requests/day", "1 requests/day"]


@in_virtual_time
async def test_of_several_processes_that_see_it_at_once_one_tells_and_a_new_one_does_not() -> None:
    store = Shared()
    given = {"a": provider(model(), limits=[{**A_DAY[0], "max": 5}])}
    all_of_them = processes(4, store, given, alerts={"shares": [0.8]})
    await asyncio.gather(*(one.ask() for one in all_of_them))
    (late,) = processes(1, store, given, alerts={"shares": [0.8]})
    await late.ask()
    await asyncio.sleep(1)
    assert sum(len(one.told) for one in all_of_them) == 1
    assert late.told == []


@in_virtual_time
async def test_without_its_store_a_process_tells_once_by_itself() -> None:
    from llm7router.errors import StoreError

    class Broken(Shared):
        async def mutate(self, keys: Any, change: Any) -> Any:
            raise StoreError("the disk is gone")

    one = Told({"a": provider(model(), limits=A_DAY)}, store=Broken(), alerts={"shares": [0.2]})
    await one.ask(4)
    assert one.told == [(0, "share", "0.2 requests/day")]


@in_virtual_time
async def test_what_a_clock_told_that_was_a_year_ahead_is_told_again() -> None:
    one = Told({"a": provider(model(), limits=A_DAY)}, alerts={"shares": [0.2]})
    one.clock.jump(365 * DAY_S)
    await one.ask(2)
    assert [what for _, _, what in one.told] == ["0.2 requests/day"]
    one.clock.jump(-365 * DAY_S)
    await one.ask(2)
    assert [what for _, _, what in one.told] == ["0.2 requests/day"]


@in_virtual_time
async def test_a_listener_that_fails_harms_neither_the_request_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def broken(alert: Alert) -> None:
        raise RuntimeError("my words")

    one = Told({"a": provider(model(), limits=A_DAY)}, alerts={"shares": [0.1]})
    one.router.alerts._listeners.insert(0, broken)
    result = await one.router.complete(HELLO)
    await asyncio.sleep(0)
    assert result.content == "ok"
    assert len(one.told) == 1
    assert "alert: a: requests/day: 10% used, 1 of 10 requests, over in 16 h" in caplog.text
    assert "broken failed: RuntimeError" in caplog.text
    assert "my words" not in caplog.text


@in_virtual_time
async def test_what_was_found_is_told_before_the_router_is_closed() -> None:
    one = Told({"a": provider(model(), limits=A_DAY)}, alerts={"shares": [0.1]})
    await one.router.complete(HELLO)
    await one.router.aclose()
    assert len(one.told) == 1
