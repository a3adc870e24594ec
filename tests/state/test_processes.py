"""Real processes on one store: joint limits hold to the last request, and `kill -9` loses nothing.

LLM7ROUTER_LONG=1 kills 200 times in place of 5.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm7router.clock import SystemClock
from llm7router.state.ledger import Ledger
from llm7router.state.quota import Refusal
from tests.redis_server import RedisServer
from tests.state.workers import (
    LEASE_S,
    REQUEST,
    REQUESTS,
    SEED,
    hold,
    one_at_a_time,
    settle,
    store_at,
    take,
    until_killed,
    used,
    workers,
)

PROCESSES, TRIES = 8, 400
KILLERS = 4
ROUNDS = 200 if os.environ.get("LLM7ROUTER_LONG") else 5


@pytest.fixture(params=["disk", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "disk":
        yield str(tmp_path / "state")
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        yield server.url()


def test_eight_processes_at_a_joint_limit_admit_exactly_the_limit(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with workers(take, *[(place, TRIES)] * PROCESSES) as started:
        answers = [pipe.recv() for _, pipe in started]
    took = time.monotonic() - began
    admitted = [count for count, _ in answers]
    with capsys.disabled():
        print(
            f"\n{PROCESSES} processes x {TRIES} tries at a joint limit of {REQUESTS}: {sum(admitted)} admitted "
            f"{admitted} in {took:.1f} s"
        )
    assert [trouble for _, trouble in answers] == [None] * PROCESSES
    assert sum(admitted) == REQUESTS
    assert used(place, "requests/month") == REQUESTS
    assert used(place, "tokens/day") == REQUESTS * 1000


def test_what_eight_processes_settle_is_what_the_store_counts(place: str) -> None:
    with workers(settle, *[(place, 40)] * PROCESSES) as started:
        answers = [pipe.recv() for _, pipe in started]
    assert [trouble for _, trouble in answers] == [None] * PROCESSES
    assert used(place, "requests/month") == sum(requests for (requests, _), _ in answers)
    assert used(place, "tokens/day") == sum(tokens for (_, tokens), _ in answers)


def test_killed_workers_lose_nothing_that_was_acknowledged(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, logs = random.Random(SEED), [tmp_path / f"log{i}" for i in range(KILLERS)]
    lost = unacknowledged = acknowledged = 0
    for _ in range(ROUNDS):
        before = used(place, "requests/month") - acknowledged
        with workers(until_killed, *[(place, log) for log in logs]):
            time.sleep(rng.uniform(0.02, 0.12))  # then they are killed, wherever they are
        acknowledged = sum(log.stat().st_size for log in logs)
        beyond = used(place, "requests/month") - acknowledged - before
        lost += max(0, -beyond)
        unacknowledged = max(unacknowledged, beyond)
        assert beyond <= KILLERS
    torn = sum(".corrupt-" in path.name for path in tmp_path.iterdir())
    with capsys.disabled():
        print(
            f"\n{ROUNDS} rounds of kill -9 on {KILLERS} workers: {acknowledged} acknowledged, {lost} lost, "
            f"{torn} torn, at most {unacknowledged} unacknowledged in one round"
        )
    assert lost == torn == 0
    assert not any(b"!" in log.read_bytes() for log in logs), "the store was in use all the time"
    assert acknowledged > 10 * ROUNDS


async def test_the_lease_of_a_killed_worker_frees_up_when_it_ends_and_not_before(place: str) -> None:
    with workers(hold, (place,)) as ((process, pipe),):
        assert pipe.recv(), "it holds the lease"
        until = time.time() + LEASE_S
        process.kill()
        process.join(10)
        ledger = Ledger(store_at(place), SystemClock())
        refused = await ledger.reserve(REQUEST, one_at_a_time(), lease_s=5)
        assert isinstance(refused, Refusal)
        assert refused.free_at == pytest.approx(until, abs=0.5)
        await asyncio.sleep(max(0.0, refused.free_at - time.time()) + 0.05)
        assert not isinstance(await ledger.reserve(REQUEST, one_at_a_time(), lease_s=5), Refusal)
        assert ledger.trouble is None
        ledger.close()
