"""How the Redis store compares and swaps: round trips, lost replies, contention, wiped and broken fields."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
import redis

from llm7router.errors import StoreError
from llm7router.state.cells import VERSION, Cell
from llm7router.state.store.redis import RedisStore
from tests.redis_server import RedisServer
from tests.state.test_stores import count


async def test_a_cell_of_no_budget_that_cannot_be_read_counts_as_unused_and_is_said_once(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate(["b"], lambda _: (None, {"b": Cell(streak=5)}))
    own_redis.admin.hset("{llm7router:x}", mapping={"cell:a": "junk", "cell:c": "12:{}", "seq": "7"})
    with caplog.at_level(logging.WARNING):
        assert await store.read() == {"b": Cell(streak=5)}
        assert (await store.mutate(["a"], count))[0] == 1
        assert (await store.mutate(["c"], lambda cells: (dict(cells), {"c": Cell(streak=1)})))[0] == {}
    assert [r.message for r in caplog.records if "2 cells cannot be read" in r.message]
    assert (await store.read()).keys() == {"a", "b", "c"}
    store.close()


async def test_wiped_keys_are_noticed_and_versions_do_not_come_back(own_redis: RedisServer) -> None:
    store, other = RedisStore(own_redis.url("x")), RedisStore(own_redis.url("x"))
    await store.mutate(["a"], count)
    own_redis.admin.flushall()
    await other.mutate(["a"], lambda _: (None, {"a": Cell(streak=40)}))
    assert (await store.mutate(["a"], count))[0] == 41
    own_redis.admin.flushall()
    assert await store.read() == {}
    store.close()
    other.close()


async def test_a_reservation_and_its_settlement_are_one_round_trip_each(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate(["a"], count)
    before = own_redis.admin.info("commandstats")["cmdstat_evalsha"]["calls"]
    for _ in range(10):
        await store.mutate(["a", "b"], count)
    assert own_redis.admin.info("commandstats")["cmdstat_evalsha"]["calls"] - before == 10
    store.close()


async def test_an_unchanged_mirror_is_not_transferred_again(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate([], lambda _: (None, {str(i): Cell(leases={"x" * 100: 1.0}) for i in range(100)}))
    await store.read()
    await store.mutate(["0"], lambda cells: (None, {"0": Cell(streak=1)}))
    before = own_redis.admin.info()["total_net_output_bytes"]
    shown = len(str(own_redis.admin.info()))
    assert (await store.read())["0"] == Cell(streak=1)
    assert len(await store.read()) == 100
    assert own_redis.admin.info()["total_net_output_bytes"] - before < 2.5 * shown + 1000
    store.close()


async def test_a_refusal_is_made_on_the_cells_as_they_are(redis_server: RedisServer) -> None:
    store, other = RedisStore(redis_server.url("fresh")), RedisStore(redis_server.url("fresh"))
    await store.mutate(["a"], count)
    await store.read()
    await other.mutate(["a"], count)
    looked = []

    def refuse(cells: Any) -> tuple[int, dict[str, Cell]]:
        looked.append(cells["a"].streak)
        return cells["a"].streak, {}

    assert (await store.mutate(["a"], refuse))[0] == 2
    assert looked == [1, 2], "first on what it knew, then on what was there"
    store.close()
    other.close()


async def test_a_write_whose_reply_was_lost_is_not_done_twice(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore(redis_server.url("lost"))
    await store.mutate(["a"], count)
    read, lost = store._connection.read_response, []

    def losing() -> Any:
        if not lost:
            lost.append(read())  # it was done, and then the connection is gone
            raise redis.ConnectionError("gone")
        return read()

    monkeypatch.setattr(store._connection, "read_response", losing)
    assert (await store.mutate(["a"], count))[0] == 2
    assert (await store.mutate(["a"], count))[0] == 3
    assert await store.read() == {"a": Cell(streak=3)}
    store.close()


async def test_many_writers_at_once_lose_nothing(redis_server: RedisServer) -> None:
    stores = [RedisStore(redis_server.url("many")) for _ in range(6)]
    threads = [
        threading.Thread(target=lambda s=store: [asyncio.run(s.mutate(["a"], count)) for _ in range(25)])
        for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert stores[0].read_now()["a"].streak == 150
    for store in stores:
        store.close()


async def test_a_store_that_is_always_overtaken_gives_up(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm7router.state.store.redis.BUSY_S", 0.02)
    store = RedisStore(redis_server.url("overtaken"))
    tries = []

    def overtaken(cells: Any) -> tuple[None, dict[str, Cell]]:
        tries.append(1)
        redis_server.admin.hset("{llm7router:overtaken}", "cell:a", f'{len(tries)}:{{"v":{VERSION}}}')
        return None, {"a": Cell()}

    with pytest.raises(StoreError, match=r"others wrote in between for over 0\.02 s"):
        await store.mutate(["a"], overtaken)
    store.close()
