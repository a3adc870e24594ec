"""The score never falls when one input gets better and the others stay; tests/decision has the factors one by one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from llm7router.decision.decide import decide
from llm7router.state import health, windows
from llm7router.state.cells import Cell
from llm7router.state.latency import Latency
from llm7router.types import Capability, Deployment, Price, TaskType
from tests.faults import runs, setups
from tests.make import FREE, NOW, deployment, limit, request, snapshot

PAIRS = 10_000 if runs.LONG else 200
FACTORS = setups.factors(setups.shipped())
DAY = limit("requests", "day", max=100, tz="UTC")
ABILITIES = [capability for capability in Capability if capability is not Capability.EMBEDDINGS]  # of chat models
World = tuple[Deployment, Cell]


def draw(rng: random.Random) -> World:
    """A deployment in some state."""
    state = health.FRESH
    for step in range(rng.randint(0, 6)):
        at = NOW - 300 + 40 * step
        state = health.succeeded(state, at) if rng.random() < 0.7 else health.failed(state, 0.5, at, 0.5)
    window, _ = windows.charge(windows.EMPTY, DAY, rng.randint(0, 90), NOW)
    one = deployment(
        limits=(DAY,),
        capabilities=frozenset(rng.sample(sorted(ABILITIES), 3)) | {Capability.STREAMING},
        quality={TaskType.CHAT: rng.uniform(1, 4.5)},
        environments={"production": rng.uniform(0.05, 0.9)},
        cost=FREE if rng.random() < 0.5 else Price(rng.uniform(0.1, 5), rng.uniform(0.1, 5)),
    )
    cell = Cell({DAY.name: window}, health=state._replace(open_until=0.0))
    return one, cell._replace(latency=Latency(rng.uniform(0.1, 9), rng.uniform(0.001, 0.1), NOW))


def points(world: World) -> float:
    one, cell = world
    wanted = request(max_usd=1.0)
    decision = decide(wanted, snapshot(one, cells={one.cell: cell, DAY.cell: cell}), FACTORS)
    assert decision.best is not None, decision.rejected
    return decision.best.points


def cheaper(one: Deployment, cell: Cell, share: float) -> World:
    assert one.cost is not None
    return replace(one, cost=Price(one.cost.input * share, one.cost.output * share)), cell


def less_used(one: Deployment, cell: Cell, share: float) -> World:
    window = cell.windows[DAY.name]
    lighter = {key: int(held * share) for key, held in window.slices.items()}
    return one, cell._replace(windows={DAY.name: window.with_slices(lighter)})


def faster(one: Deployment, cell: Cell, share: float) -> World:
    first = cell.latency.first_token_s
    assert first is not None
    return one, cell._replace(latency=cell.latency._replace(first_token_s=first * share))


def better_at_it(one: Deployment, cell: Cell, share: float) -> World:
    return replace(one, quality={TaskType.CHAT: one.quality[TaskType.CHAT] + 0.5 * share}), cell


def more_welcome(one: Deployment, cell: Cell, share: float) -> World:
    assert one.environments is not None
    return replace(one, environments={"production": one.environments["production"] + 0.1 * share}), cell


def abler(one: Deployment, cell: Cell, share: float) -> World:
    return replace(one, capabilities=one.capabilities | {ABILITIES[int(share * len(ABILITIES) * 0.999)]}), cell


def healthier(one: Deployment, cell: Cell, share: float) -> World:
    state = cell.health
    return one, cell._replace(health=state._replace(successes=state.successes + share, at=state.at or NOW))


IMPROVEMENTS: Mapping[str, Callable[[Deployment, Cell, float], Any]] = {
    "cost: a lower price": cheaper,
    "cost: more quota left": less_used,
    "health: a success more": healthier,
    "latency: a faster first token": faster,
    "task match: better at the task": better_at_it,
    "environment: more welcome": more_welcome,
    "capabilities: one more": abler,
}


@pytest.mark.parametrize("name", IMPROVEMENTS)
def test_mono_the_score_never_falls_when_one_input_gets_better(name: str) -> None:
    rng = random.Random(name)
    fell = 0
    for _ in range(PAIRS):
        world = draw(rng)
        fell += points(IMPROVEMENTS[name](*world, rng.random())) < points(world) - 1e-9
    print(f"mono, {name}: fell in {fell} of {PAIRS} pairs")
    assert not fell
