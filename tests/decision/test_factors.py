"""Each factor: its range, what raises it, and its figures by example."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm7router.decision.demand import output_tokens
from llm7router.decision.factors import FACTORS
from llm7router.state.cells import Cell
from llm7router.state.health import FRESH, failed, succeeded
from llm7router.state.latency import Latency
from llm7router.state.windows import EMPTY, charge
from llm7router.types import Candidate, Capability, Deployment, Price, Request, TaskType
from tests.make import NOW, deployment, limit, request


def read(
    name: str, d: Deployment, r: Request | None = None, cells: dict[str, Cell] | None = None, **parameters: Any
) -> float:
    reading = FACTORS[name](
        r or request(), Candidate(d, cells or {}, NOW, output_tokens(r or request(), d)), **parameters
    )
    assert reading.because, "every reading can be explained"
    return reading.value


prices = st.floats(0, 1000).map(lambda value: round(value, 6))
deployments = st.builds(
    deployment,
    cost=st.none() | st.builds(Price, prices, prices),
    quality=st.dictionaries(st.sampled_from(TaskType), st.floats(1, 5)),
    first_token_s=st.none() | st.floats(0.001, 100),
    tokens_per_s=st.none() | st.floats(0.1, 10_000),
    environments=st.none() | st.dictionaries(st.sampled_from(["production", "development"]), st.floats(0, 1)),
    capabilities=st.frozensets(st.sampled_from(Capability)),
    context_window=st.integers(1, 2_000_000),
)
requests = st.builds(
    request,
    task=st.sampled_from(TaskType),
    prompt_tokens=st.integers(1, 100_000),
    max_tokens=st.none() | st.integers(1, 100_000),
    requires_speed=st.booleans(),
    expected_output=st.integers(1, 5000),
)
outcomes = st.lists(st.booleans(), max_size=20)


def cells_after(d: Deployment, good: list[bool], latency: Latency | None = None) -> dict[str, Cell]:
    health = FRESH
    for ok in good:
        health = succeeded(health, NOW) if ok else failed(health, 1.0, NOW, 0.5)
    return {d.cell: Cell(health=health, latency=latency or Latency())}


@pytest.mark.parametrize("name", list(FACTORS))
@given(d=deployments, r=requests, good=outcomes)
def test_every_reading_stays_in_its_range(name: str, d: Deployment, r: Request, good: list[bool]) -> None:
    low = -1 if name == "health" else 0
    assert low <= read(name, d, r, cells_after(d, good)) <= 1


@given(cheap=prices, dear=prices)
def test_a_cheaper_deployment_never_reads_lower(cheap: float, dear: float) -> None:
    cheap, dear = sorted((cheap, dear))
    assert read("cost", deployment(cost=Price(cheap, cheap))) >= read("cost", deployment(cost=Price(dear, dear)))


@given(a=st.integers(0, 100), b=st.integers(0, 100))
def test_a_fuller_daily_limit_never_reads_higher(a: int, b: int) -> None:
    bound = limit(period="day", max=100)
    readings = []
    for amount in sorted((a, b)):
        window, _ = charge(EMPTY, bound, amount, NOW)
        readings.append(
            read("cost", deployment(limits=(bound,)), cells={bound.cell: Cell(windows={bound.name: window})})
        )
    assert readings[0] >= readings[1] >= 0.5


@given(good=outcomes)
def test_a_failure_more_never_raises_health(good: list[bool]) -> None:
    d = deployment()
    assert read("health", d, cells=cells_after(d, [*good, False])) <= read("health", d, cells=cells_after(d, good))


@given(st.floats(0.01, 60), st.floats(0.01, 60))
def test_a_slower_first_token_never_reads_higher(a: float, b: float) -> None:
    fast, slow = sorted((a, b))
    d = deployment()
    by = [read("latency", d, cells={d.cell: Cell(latency=Latency(first, 0.01, NOW))}) for first in (fast, slow)]
    assert by[0] >= by[1]


@given(st.floats(1, 5), st.floats(1, 5))
def test_more_stars_never_read_lower(a: float, b: float) -> None:
    few, many = sorted((a, b))
    stars = [read("task_match", deployment(quality={TaskType.CHAT: value})) for value in (few, many)]
    assert stars[0] <= stars[1]


@given(d=deployments, r=requests, extra=st.sampled_from(Capability))
def test_one_capability_more_never_reads_lower(d: Deployment, r: Request, extra: Capability) -> None:
    more = deployment(capabilities=d.capabilities | {extra}, context_window=d.context_window)
    assert read("capabilities", more, r) >= read("capabilities", d, r)


@pytest.mark.parametrize(
    ("d", "parameters", "value"),
    [
        pytest.param(deployment(), {}, 1.0, id="free and without daily limits reads 1"),
        pytest.param(
            deployment(cost=Price(0, 1000 / 1.024)), {}, 0.5 * 0.001 / 1.001, id="a dollar a request reads next to 0"
        ),
        pytest.param(deployment(cost=Price(10, 0)), {}, 0.25, id="the target price reads a quarter"),
        pytest.param(deployment(cost=Price(10, 0)), {"usd_target": 0.003}, 0.375, id="a higher target is more lenient"),
    ],
)
def test_cost_by_example(d: Deployment, parameters: dict[str, float], value: float) -> None:
    assert read("cost", d, **parameters) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("d", "r", "value"),
    [
        pytest.param(deployment(first_token_s=2.0), request(), 0.5, id="the target reads a half"),
        pytest.param(deployment(), request(), 0.5, id="without a prior it reads a half"),
        pytest.param(deployment(first_token_s=0.5, tokens_per_s=200), request(), 0.5, id="tokens count too"),
    ],
)
def test_latency_by_example(d: Deployment, r: Request, value: float) -> None:
    assert read("latency", d, r) == pytest.approx(value)


@pytest.mark.parametrize(
    ("quality", "value"),
    [
        pytest.param({TaskType.CHAT: 5}, 1.0, id="five stars"),
        pytest.param(
            {TaskType.CODE: 2, TaskType.REASONING: 4}, 0.5, id="no stars for the task: the mean of the others"
        ),
        pytest.param({}, 0.5, id="nothing known"),
    ],
)
def test_task_match_by_example(quality: dict[TaskType, float], value: float) -> None:
    assert read("task_match", deployment(quality=quality)) == pytest.approx(value)


def test_a_request_that_requires_speed_is_matched_by_speed() -> None:
    d = deployment(quality={TaskType.CHAT: 1}, first_token_s=0.5)
    assert read("task_match", d, request(requires_speed=True)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("figures", "value"),
    [
        pytest.param(None, 1.0, id="no map is no preference"),
        pytest.param({"production": 0.3}, 0.3, id="the figure of the environment"),
        pytest.param({"development": 0.3}, 0.5, id="an unknown name reads a half"),
    ],
)
def test_environment_by_example(figures: dict[str, float] | None, value: float) -> None:
    assert read("environment", deployment(environments=figures)) == value


def test_capabilities_are_a_quarter_each() -> None:
    r = request(prompt_tokens=1000, max_tokens=1000)
    assert read("capabilities", deployment(capabilities=frozenset(), context_window=3999), r) == 0
    assert read("capabilities", deployment(capabilities=frozenset(), context_window=4000), r) == 0.25
    assert read("capabilities", deployment(context_window=4000), r) == 1


STARS = {TaskType.CHAT: 3, TaskType.CODE: 5, TaskType.REASONING: 3.5, TaskType.EXTRACT: 3.5}  # 3.75 on the whole


@pytest.mark.parametrize(
    ("task", "parameters", "value"),
    [
        pytest.param(
            "code", {"margin": 0.25}, (3.75 + 0.7 * 1.25 - 0.25 - 1) / 4, id="of a clear lead, shrunk, the rest counts"
        ),
        pytest.param("chat", {"margin": 0.25}, (3.75 - 0.7 * 0.75 + 0.25 - 1) / 4, id="so of a clear lag"),
        pytest.param("reasoning", {"margin": 0.25}, (3.75 - 1) / 4, id="a small one does not"),
        pytest.param("reasoning", {"margin": 0.1}, (3.75 - 0.7 * 0.25 + 0.1 - 1) / 4, id="unless the margin is small"),
        pytest.param("code", {"margin": 2.0}, (3.75 - 1) / 4, id="with a wide margin nothing counts"),
        pytest.param("code", {"trust": 1.0, "margin": 0.0}, 1.0, id="full trust takes stars as they are"),
        pytest.param("translate", {}, (3.75 - 1) / 4, id="no stars for the task: the mean"),
    ],
)
def test_stars_of_a_task_are_shrunk_and_guarded(task: str, parameters: dict[str, float], value: float) -> None:
    reading = read("task_match", deployment(quality=STARS), request(task=TaskType(task)), **parameters)
    assert reading == pytest.approx(value)


@given(
    best=st.dictionaries(st.sampled_from(TaskType), st.floats(1, 5), min_size=1),
    other=st.dictionaries(st.sampled_from(TaskType), st.floats(1, 5), min_size=1),
)
@example(  # as far as the stars tell, the second is worse at it, though it alone has a lead beyond the margin
    best={TaskType.CHAT: 3.7, TaskType.TRANSLATE: 4}, other={TaskType.CHAT: 3, TaskType.TRANSLATE: 4}
)
@example(best={TaskType.CHAT: 4}, other={TaskType.CHAT: 3.5, TaskType.TRANSLATE: 4.5})
def test_a_model_that_is_better_on_the_whole_is_left_only_for_one_that_is_clearly_better_at_the_task(
    best: dict[TaskType, float], other: dict[TaskType, float]
) -> None:
    task, trust, margin = TaskType.TRANSLATE, 0.7, 0.25
    best, other = sorted((best, other), key=lambda stars: -sum(stars.values()) / len(stars))

    def reads(stars: dict[TaskType, float]) -> float:
        return read("task_match", deployment(quality=stars), request(task=task), trust=trust, margin=margin)

    def shrunk(stars: dict[TaskType, float]) -> float:
        mean = sum(stars.values()) / len(stars)
        return mean + trust * (stars.get(task, mean) - mean)

    if reads(other) > reads(best) + 1e-9:
        assert shrunk(other) > shrunk(best) + (0 if task in best else margin)


@given(
    stars=st.dictionaries(st.sampled_from(TaskType), st.floats(1, 5), min_size=1),
    low=st.floats(1, 5),
    high=st.floats(1, 5),
)
def test_more_stars_for_a_task_never_read_lower_whatever_the_others_are(
    stars: dict[TaskType, float], low: float, high: float
) -> None:
    low, high = sorted((low, high))
    readings = [read("task_match", deployment(quality={**stars, TaskType.CHAT: value})) for value in (low, high)]
    assert readings[0] <= readings[1] + 1e-9


def test_the_harder_a_prompt_is_the_more_quality_counts() -> None:
    strong, weak = deployment(quality={TaskType.CHAT: 4}), deployment(quality={TaskType.CHAT: 2})
    gaps = []
    for difficulty in (0.0, 0.5, 1.0):
        asked = request(difficulty=difficulty)
        gaps.append(read("task_match", strong, asked) - read("task_match", weak, asked))
    assert gaps == pytest.approx([0.25, 0.5, 0.75])
