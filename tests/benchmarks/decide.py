"""Time of one pure decision over 20 and over 1,000 deployments: `python -m tests.benchmarks.decide`."""

from __future__ import annotations

from functools import partial
from timeit import repeat

from llm7router.decision import registry
from llm7router.decision.decide import decide
from llm7router.state.cells import Cell
from llm7router.state.windows import EMPTY, charge
from llm7router.types import Snapshot, TaskType
from tests.make import NOW, deployment, limit, request

WEIGHTS = {"cost": 30, "health": 30, "latency": 10, "task_match": 15, "environment": 20, "capabilities": 10}


def scene(count: int) -> Snapshot:
    """Deployments with four limits each, some of every limit used, as Groq's."""
    deployments, cells = [], {}
    for i in range(count):
        cell = f"p{i % 9}@0/m{i}"
        limits = tuple(
            limit(unit, period, max=10**6, cell=cell)
            for unit, period in (("requests", "minute"), ("requests", "day"), ("tokens", "minute"), ("tokens", "day"))
        )
        windows = {bound.name: charge(EMPTY, bound, 10, NOW)[0] for bound in limits}
        cells[cell] = Cell(windows=windows)
        stars = {TaskType.CHAT: 1 + i % 5}
        deployments.append(
            deployment(f"p{i % 9}/m{i}", cell=cell, limits=limits, order=i, quality=stars, first_token_s=1)
        )
    return Snapshot(NOW, tuple(deployments), cells)


def main() -> None:
    """Print the medians."""
    factors = registry.bind(WEIGHTS, {})
    for count, target_us in ((20, 300), (1000, 15_000)):
        snapshot, rounds = scene(count), max(3, 2000 // count)
        times = sorted(repeat(partial(decide, request(), snapshot, factors), number=rounds, repeat=9))
        median = times[len(times) // 2] / rounds * 1e6
        print(
            f"decide over {count} deployments: {median:.0f} us, {median / target_us:.2f} of the {target_us} us target"
        )


if __name__ == "__main__":
    main()
