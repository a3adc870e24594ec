"""What the difficulty of prompts is for: what is scarce is left for those that need it."""

from __future__ import annotations

import pytest

from llm7router.decision import registry
from llm7router.decision.decide import decide
from llm7router.state.cells import Cell
from llm7router.state.windows import EMPTY, charge
from llm7router.types import TaskType
from tests.make import NOW, deployment, limit, request, snapshot

DAY_S = 86_400


def hard_ones_on_the_strong_model(easy: float, hard: float) -> float:
    """Of a day's 200 prompts, every third hard, the share of hard ones that a strong model with 100 a day answers."""
    bound = limit("requests", "day", max=100, tz="UTC")
    strong = deployment("alpha/one", quality={TaskType.CHAT: 5}, limits=(bound,))
    weak = deployment("beta/two", quality={TaskType.CHAT: 3}, order=1)
    factors = registry.bind({"cost": 30, "task_match": 15}, {})
    window, midnight, answered = EMPTY, NOW // DAY_S * DAY_S, []
    for index in range(200):
        now = midnight + index * DAY_S / 200
        asked = request(difficulty=easy if index % 3 else hard)
        seen = snapshot(strong, weak, cells={bound.cell: Cell(windows={bound.name: window})}, now=now)
        best = decide(asked, seen, factors).best
        assert best is not None
        if best.deployment is strong:
            window, _ = charge(window, bound, 1, now)
        if index % 3 == 0:
            answered.append(best.deployment is strong)
    return sum(answered) / len(answered)


def test_with_twice_the_demand_of_its_quota_hard_prompts_still_reach_the_strong_model() -> None:
    assert hard_ones_on_the_strong_model(easy=0.2, hard=0.75) >= 0.9
    assert hard_ones_on_the_strong_model(easy=0.5, hard=0.5) == pytest.approx(0.5, abs=0.1)
