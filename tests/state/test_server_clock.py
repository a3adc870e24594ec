"""The clock of a Redis server, between its replies."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from llm7router.state.ledger import Ledger
from llm7router.state.quota import Refusal
from llm7router.state.store.redis import RedisStore
from llm7router.state.store.server_clock import ServerClock
from llm7router.testing import VirtualClock
from tests import make
from tests.redis_server import RedisServer


async def test_the_clock_is_the_servers(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    store = RedisStore(redis_server.url("clock"))
    assert store.now() is None
    await store.read()
    seconds, microseconds = redis_server.admin.time()
    now = store.now()
    assert now is not None
    assert abs(now - (seconds + microseconds / 1e6)) < 0.2
    store.close()


def test_the_servers_time_goes_on_between_replies_and_never_back() -> None:
    at = [100.0]
    clock = ServerClock(lambda: at[0])
    assert clock.now() is None
    clock.heard(5000.0, 99.8, 100.0)
    assert clock.now() == pytest.approx(5000.1)
    at[0] = 110.0
    assert clock.now() == pytest.approx(5010.1)
    clock.heard(5010.0, 109.9, 110.0)
    assert clock.now() == pytest.approx(5010.1), "within what the reply allows"
    clock.heard(8000.0, 110.0, 110.0)
    assert clock.now() == 8000, "set forwards: followed at once"


def test_a_server_that_is_set_back_an_hour_is_followed_at_half_speed() -> None:
    at, shown = [100.0], []
    clock = ServerClock(lambda: at[0])
    clock.heard(10_000.0, 100.0, 100.0)
    for second in range(1, 7300):
        at[0] = 100.0 + second
        clock.heard(6400.0 + second, at[0], at[0])
        shown.append(clock.now() or 0)
    steps = [later - earlier for earlier, later in pairwise(shown)]
    assert min(steps) >= 0.49
    assert shown[-1] == pytest.approx(6400.0 + 7299)


async def test_machines_whose_clocks_differ_by_hours_share_one_limit(redis_server: RedisServer) -> None:
    minute, address = make.limit("requests", "minute", 5), redis_server.url()
    model, admitted = make.deployment(limits=(minute,)), 0
    clocks = [VirtualClock(time.time() + hours * 3600) for hours in (-1, 0, 1)]
    ledgers = [Ledger(RedisStore(address), clock) for clock in clocks]
    for _ in range(4):
        for ledger in ledgers:
            await ledger.snapshot(())
            result = await ledger.reserve(make.request(), model, lease_s=60)
            if isinstance(result, Refusal):
                assert 0 < result.free_at - time.time() <= 70, "by the server's clock"
            else:
                admitted += 1
    assert admitted == 5
    for ledger in ledgers:
        assert ledger.trouble is None
        ledger.close()
