"""Budgets that Redis lost: nothing more is spent in the period, and what is free goes on."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from llm7router import LLMRouter, RequestContext
from llm7router.state.cells import BUDGET, LOST, Block, Cell, loads
from llm7router.state.store.redis import RedisStore
from llm7router.state.windows import Window
from llm7router.testing import Reply, ScriptedBackend
from tests.redis_server import RedisServer
from tests.router.scene import HELLO, config, model, provider

HASH, DAY_S = "{llm7router:x}", 86400
INTERN = RequestContext(caller="intern")
SPENT = Cell({"budget usd/day": Window().with_slices({1: 5})})


class Now:
    """Days by which the server's clock is ahead."""

    days = 0.0


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Now:
    now, right = Now(), RedisStore.now
    monkeypatch.setattr(RedisStore, "now", lambda self: (right(self) or 0.0) + now.days * DAY_S)
    return now


@pytest.fixture
async def routers(own_redis: RedisServer) -> AsyncIterator[Callable[[], LLMRouter]]:
    """Makes routers with a paid model that is best, a free one, and a caller with a budget of its own."""
    made: list[LLMRouter] = []

    def begun() -> LLMRouter:
        paid = provider(model(cost={"input": 0, "output": 100}, quality={"chat": 5}))
        settings = config(
            {"paid": paid, "free": provider(model(quality={"chat": 1}))},
            budget={"usd_per_request": 1, "usd_per_day": 10},
            server={"keys": [{"name": "intern", "sha256": "0" * 64, "budget": {"usd_per_month": 5}}]},
        )
        settings["scoring"] = {"weights": {"task_match": 100, "cost": 1, "health": 1}}
        backend = ScriptedBackend({"paid/m": Reply(output_tokens=1000)})
        made.append(LLMRouter(settings, env={}, backend=backend, store=RedisStore(own_redis.url("x"))))
        return made[-1]

    yield begun
    for router in made:
        await router.aclose()


async def ask(router: LLMRouter, context: RequestContext = INTERN) -> str:
    return (await router.complete(HELLO, context, max_tokens=1000)).provider


def block_in(server: RedisServer) -> Block | None:
    return loads(server.admin.hget(HASH, f"cell:{BUDGET}").partition(":")[2]).block


@pytest.mark.parametrize("junk", ["junk", "12:{}", '1764000000000000:{"v":2,"windows":7}', "9" * 5000 + ":{}"], ids=str)
@pytest.mark.parametrize("key", [BUDGET, "budget/intern"])
async def test_a_budget_that_cannot_be_read_is_blocked_by_whoever_comes_until_its_period_ends(
    own_redis: RedisServer, routers: Callable[[], LLMRouter], ahead: Now, key: str, junk: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    assert await ask(routers()) == "paid"
    own_redis.admin.hset(HASH, f"cell:{key}", junk)
    other = routers()
    with caplog.at_level(logging.WARNING):
        assert [await ask(other) for _ in range(2)] == ["free"] * 2
    assert len([r for r in caplog.records if "what was spent was lost" in r.message]) == 1
    written = block_in(own_redis)
    ahead.days = 0.5
    await ask(routers())
    assert block_in(own_redis) == written, "with the instant at which it was found"
    ahead.days = 32
    assert await ask(routers()) == "paid", "the next month has money again"


async def test_a_dry_run_shows_the_block_and_writes_nothing(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate([BUDGET], lambda _: (None, {BUDGET: SPENT}))
    own_redis.admin.hset(HASH, f"cell:{BUDGET}", "junk")
    block = store.read_now()[BUDGET].block
    assert block
    assert block.reason == LOST
    assert own_redis.admin.hget(HASH, f"cell:{BUDGET}") == "junk"
    store.close()


def flushed(server: RedisServer, _: dict[str, str]) -> None:
    server.admin.flushall()


def restored(server: RedisServer, before: dict[str, str]) -> None:
    server.admin.delete(HASH)
    server.admin.hset(HASH, mapping=before)


def deleted(server: RedisServer, _: dict[str, str]) -> None:
    server.admin.hdel(HASH, f"cell:{BUDGET}", "cell:budget/intern")


@pytest.mark.parametrize("lose", [flushed, restored, deleted])
@pytest.mark.parametrize("at_once", [True, False], ids=["by a reservation", "by a read"])
async def test_a_process_that_knew_of_spending_blocks_what_a_server_lost(
    own_redis: RedisServer, lose: Callable[[RedisServer, dict[str, str]], None], at_once: bool
) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate([BUDGET], lambda _: (None, {BUDGET: Cell()}))
    before = own_redis.admin.hgetall(HASH)
    await store.mutate([BUDGET], lambda _: (None, {BUDGET: SPENT}))
    lose(own_redis, before)
    seen: list[Block | None] = []

    def look(cells: Any) -> tuple[None, dict[str, Cell]]:
        seen.append(cells[BUDGET].block if BUDGET in cells else None)
        return None, {}

    if at_once:
        await store.mutate([BUDGET, "a"], look)
        assert seen[-1], "the last look is the one that counts"
        assert seen[-1].reason == LOST
    else:
        await store.read()
    newcomer = RedisStore(own_redis.url("x"))
    found = (await newcomer.read())[BUDGET]
    assert found.block
    assert found.block.reason == LOST
    assert found.windows == SPENT.windows, "what was known"
    await store.read()
    assert (await newcomer.read())[BUDGET] == found, "once"
    store.close()
    newcomer.close()


@pytest.mark.parametrize("at_once", [True, False], ids=["by a reservation", "by a read"])
@pytest.mark.parametrize("junk", [False, True], ids=["", "a beginning that nobody can read"])
async def test_what_was_known_before_a_newcomer_began_a_wiped_store_anew_is_lost_too(
    own_redis: RedisServer, at_once: bool, junk: bool
) -> None:
    knows, newcomer = RedisStore(own_redis.url("x")), RedisStore(own_redis.url("x"))
    await knows.mutate([BUDGET], lambda _: (None, {BUDGET: SPENT}))
    own_redis.admin.flushall()
    await newcomer.mutate([BUDGET], lambda _: (None, {BUDGET: Cell()}))
    if junk:
        own_redis.admin.hset(HASH, "born", "junk")
    await (knows.mutate([BUDGET], lambda _: (None, {})) if at_once else knows.read())
    found = (await newcomer.read())[BUDGET]
    assert (found.windows, found.block is not None) == (({}, False) if junk else (SPENT.windows, True))
    await knows.read()
    assert (await newcomer.read())[BUDGET] == found, "once"
    knows.close()
    newcomer.close()


async def test_a_router_spends_nothing_more_in_the_month_when_redis_is_wiped_under_it(
    own_redis: RedisServer, routers: Callable[[], LLMRouter], ahead: Now
) -> None:
    router = routers()
    assert await ask(router) == "paid"
    own_redis.admin.flushall()
    assert [await ask(router) for _ in range(2)] == ["free"] * 2
    ahead.days = 32
    assert await ask(router) == "paid"
