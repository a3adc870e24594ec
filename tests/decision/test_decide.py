"""Filters, ranking and the message when nothing fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.decision import explain, registry
from llm7router.decision.decide import decide
from llm7router.state.cells import Block, Cell
from llm7router.state.health import FRESH, Health, failed
from llm7router.state.windows import EMPTY, charge
from llm7router.types import Capability, Decision, Deployment, Off, Price, Request, TaskType
from tests.make import NOW, deployment, limit, request, snapshot

WEIGHTS = {"cost": 30, "health": 30, "latency": 10, "task_match": 15, "environment": 20, "capabilities": 10}
FACTORS = registry.bind(WEIGHTS, {})


def run(*deployments: Deployment, r: Request | None = None, **fields: Any) -> Decision:
    return decide(r or request(), snapshot(*deployments, **fields), FACTORS)


def open_health() -> Health:
    state = FRESH
    for _ in range(3):
        state = failed(state, 1.0, NOW, 0.5)
    return state


FULL = limit(period="day", max=1)
USED = {FULL.cell: Cell(windows={FULL.name: charge(EMPTY, FULL, 1, NOW)[0]})}


@pytest.mark.parametrize(
    ("d", "r", "cells", "reason"),
    [
        pytest.param({"off": Off("no key", "set A_KEY")}, {}, {}, "no key", id="no key"),
        pytest.param({}, {"providers": frozenset({"beta"})}, {}, "not asked for", id="another provider asked for"),
        pytest.param({}, {"exclude": frozenset({"alpha"})}, {}, "excluded by the caller", id="provider excluded"),
        pytest.param({}, {"exclude": frozenset({"alpha/one"})}, {}, "excluded by the caller", id="deployment excluded"),
        pytest.param({"environments": {"production": 0}}, {}, {}, "not for production", id="environment figure 0"),
        pytest.param({}, {"requires": frozenset({Capability.VISION})}, {}, "without vision", id="capability missing"),
        pytest.param(
            {"capabilities": frozenset({Capability.EMBEDDINGS})}, {}, {}, "an embeddings model", id="vectors only"
        ),
        pytest.param({"context_window": 300}, {}, {}, "context too small", id="context too small"),
        pytest.param(
            {"limits": (limit("tokens", max=200),)}, {}, {}, "too large for their token limit", id="never fits"
        ),
        pytest.param(
            {"trains_on_prompts": True}, {"allow_training": False}, {}, "may train on prompts", id="data policy"
        ),
        pytest.param({"cost": None}, {"max_usd": 100}, {}, "cost unknown", id="an unknown price is not free"),
        pytest.param({"cost": Price(1, 1)}, {}, {}, "over the budget", id="a budget of 0 allows nothing that costs"),
        pytest.param(
            {}, {}, {"alpha@0": Cell(block=Block(NOW + 9, "key rejected"))}, "key rejected", id="key disabled"
        ),
        pytest.param({}, {}, {"alpha@0/one": Cell(block=Block(NOW + 9, "model gone"))}, "model gone", id="model gone"),
        pytest.param({"limits": (FULL,)}, {}, USED, "over requests/day", id="over a limit"),
    ],
)
def test_a_filter_objects_and_says_why(
    d: dict[str, Any], r: dict[str, Any], cells: dict[str, Cell], reason: str
) -> None:
    decision = run(deployment(**d), r=request(**r), cells=cells)
    assert decision.best is None
    assert [rejected.rejection.summary for rejected in decision.rejected] == [reason]


def test_a_block_ends_by_itself() -> None:
    cells = {"alpha@0/one": Cell(block=Block(NOW + 9, "rate limited"))}
    assert run(deployment(), cells=cells, now=NOW + 10).best is not None


def test_a_paid_deployment_is_used_within_the_budget() -> None:
    d = deployment(cost=Price(1, 1))
    assert run(d, r=request(max_usd=0.01)).best is not None
    assert run(d, r=request(max_usd=0.001)).best is None


def test_the_message_counts_equal_reasons_and_says_when_the_first_frees_up() -> None:
    plain = frozenset({Capability.STREAMING})
    deployments = (
        deployment("alpha/one", limits=(FULL,)),
        deployment("alpha/two", limits=(FULL,)),
        deployment("beta/one", capabilities=plain),
        deployment("beta/two", capabilities=plain),
        deployment("gamma/one", cell="g"),
    )
    decision = run(
        *deployments,
        r=request(requires=frozenset({Capability.TOOLS})),
        cells={**USED, "g": Cell(block=Block(NOW + 8, "rate limited"))},
    )
    text = explain.histogram(decision)
    assert text.startswith("0/5 deployments can serve this request: 2 over requests/day (free in 1 d")
    assert "2 without tools" in text
    assert "1 rate limited (free in 8 s)" in text
    assert explain.earliest_s(decision) == 8


def test_setting_a_key_is_advised_before_anything_else() -> None:
    decision = run(deployment(cost=None), deployment("beta/one", off=Off("no key", "set B_KEY in the environment")))
    assert explain.advice(decision) == "set B_KEY in the environment"


def test_ties_go_to_the_order_of_the_configuration() -> None:
    decision = run(deployment("beta/x", order=1), deployment("alpha/x", order=0))
    assert [s.deployment.id for s in decision.ranking] == ["alpha/x", "beta/x"]


def test_the_total_lies_between_minus_30_and_115() -> None:
    assert sum(WEIGHTS.values()) == 115
    best = deployment(quality={TaskType.CHAT: 5}, first_token_s=1e-9, tokens_per_s=1e12)
    decision = run(best, cells={best.cell: Cell(health=Health(successes=1e9, at=NOW))})
    assert decision.best is not None
    assert decision.best.points == pytest.approx(115, abs=0.01)


@given(st.lists(st.tuples(st.floats(1, 5), st.floats(0.1, 9), st.floats(0, 1)), min_size=2, max_size=8), st.data())
def test_adding_or_removing_a_deployment_never_reorders_the_others(
    facts: list[tuple[float, float, float]], data: Any
) -> None:
    deployments = [
        deployment(
            f"p{i}/m", order=i, quality={TaskType.CHAT: q}, first_token_s=f, environments={"production": e or 0.1}
        )
        for i, (q, f, e) in enumerate(facts)
    ]
    gone = data.draw(st.sampled_from(deployments)).id
    whole = [s.deployment.id for s in run(*deployments).ranking]
    rest = [s.deployment.id for s in run(*(d for d in deployments if d.id != gone)).ranking]
    assert rest == [id for id in whole if id != gone]


def test_the_same_request_and_snapshot_give_the_same_decision() -> None:
    deployments = [deployment(f"p{i}/m", order=i) for i in range(9)]
    assert run(*deployments) == run(*deployments)


def test_concurrent_requests_spread_over_near_equals_and_single_ones_do_not() -> None:
    deployments = [deployment(f"p{i}/m", order=i) for i in range(4)]
    alone = {run(*deployments, r=request(id=str(i))).ranking[0].deployment.id for i in range(50)}
    assert alone == {"p0/m"}
    busy = {run(*deployments, r=request(id=str(i)), in_flight={"p0/m": 3}).ranking[0].deployment.id for i in range(50)}
    assert busy == {"p1/m", "p2/m", "p3/m"}


def test_a_clearly_better_deployment_is_not_given_away_when_it_is_busy() -> None:
    better = deployment("good/m", quality={TaskType.CHAT: 5})
    worse = deployment("bad/m", quality={TaskType.CHAT: 1}, order=1)
    decisions = [run(better, worse, r=request(id=str(i)), in_flight={"good/m": 9}) for i in range(30)]
    assert {d.ranking[0].deployment.id for d in decisions} == {"good/m"}


def test_an_open_breaker_is_passed_over_while_another_can_serve() -> None:
    decision = run(deployment(), deployment("beta/one"), cells={"alpha@0/one": Cell(health=open_health())})
    assert [s.deployment.id for s in decision.ranking] == ["beta/one"]
    assert "probe in" in explain.reason(decision.rejected[0].rejection, NOW)


def test_when_every_breaker_is_open_breakers_are_ignored_but_limits_are_not() -> None:
    cells = {"alpha@0/one": Cell(health=open_health()), "beta@0/one": Cell(health=open_health())}
    full = limit(max=0, cell="beta@0/one")
    decision = run(deployment(), deployment("beta/one", limits=(full,)), cells=cells)
    assert decision.panic
    assert [s.deployment.id for s in decision.candidates] == ["alpha/one"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (8.4, "8 s"), (90, "1 min 30 s"), (3600 * 3 + 720, "3 h 12 min"), (86400 * 2, "2 d"), (-5, "0 s")],
    ids=str,
)
def test_durations_are_said_in_at_most_two_units(seconds: float, text: str) -> None:
    assert explain.duration(seconds) == text
