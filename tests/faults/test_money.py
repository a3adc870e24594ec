"""0 cents over any budget: eight real processes over one store, each of them killed again and again.

LLM7ROUTER_LONG=1 spends 20 budgets on each store in place of one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.money import INTERN_USD, USD, billed, spend
from tests.faults.runs import LONG
from tests.redis_server import RedisServer
from tests.state.workers import store_at, workers

PROCESSES = 8
ROUNDS = 20 if LONG else 1
KILLED = 3  # rounds of a budget in which all eight are killed, before eight spend the rest


@pytest.fixture(params=["disk", "redis"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """A fresh store for each budget."""
    if request.param == "disk":
        yield [str(tmp_path / f"state{n}") for n in range(ROUNDS)]
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        yield [server.url() for _ in range(ROUNDS)]


def booked(place: str, cell: str, window: str) -> float:
    """USD that the store counts."""
    store = store_at(place)
    cells = store.read_now()
    store.close()
    return cells[cell].windows[window].total / 1e6


@pytest.mark.slow
def test_cap_eight_processes_never_spend_a_cent_over_any_budget(
    places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began, rng, over, spent, calls = time.monotonic(), random.Random(5), 0.0, 0.0, 0
    for number, place in enumerate(places):
        bills = [tmp_path / f"bill{number}-{n}" for n in range(PROCESSES)]
        for _ in range(KILLED):
            with workers(spend, *[(place, bill, rng.random()) for bill in bills]):
                time.sleep(rng.uniform(0.05, 0.4))  # then they are killed, wherever they are
        with workers(spend, *[(place, bill, rng.random()) for bill in bills]) as started:
            for _, pipe in started:
                pipe.recv()  # it has ended by itself
        bill = billed(bills)
        total, intern = sum(bill.values()), bill.get("intern", 0.0)
        over = max(over, total - USD, intern - INTERN_USD, bill.get("broke", 0.0))
        # What is booked may be more than the budget: a provider may tell more than it can have used.
        assert total <= booked(place, "budget", "budget usd/month")
        assert intern <= booked(place, "budget/intern", "budget usd/month of intern")
        assert total > 0.6 * USD, "too little was spent to mean anything"
        spent, calls = spent + total, calls + sum(len(b.read_text().splitlines()) for b in bills)
    with capsys.disabled():
        print(
            f"\ncap, {PROCESSES} processes, {len(places)} budget(s) of {USD:g} USD, {KILLED * len(places)} times kill -9 of "
            f"all, {calls} billed calls, {spent:.4f} USD billed, {time.monotonic() - began:.1f} s: "
            f"{max(0.0, over) * 100:g} cents over any budget"
        )
    assert over <= 0
