"""The same invariants through the whole router in virtual time, and what needs it: clocks, traces, memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm7router import RequestContext
from llm7router.errors import RoutingError
from llm7router.testing import Reply
from tests.faults import runs
from tests.faults.fast import Fast
from tests.faults.simulator import Simulator
from tests.faults.tally import Tally
from tests.router.scene import HELLO, Scene, model, provider
from tests.virtual import run_virtual

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tally() -> Tally:
    return runs.whole_router()


def test_limit_no_window_is_passed_through_the_whole_router(tally: Tally) -> None:
    print(f"limit: {tally.violations['limit']} breaches; {tally.line('requests', 'calls', 'seeds')}")
    tally.must_hold("limit")


def test_noloss_through_the_whole_router_whatever_could_serve_was_tried(tally: Tally) -> None:
    print(f"noloss: {tally.violations['noloss']} lost; {tally.line('requests', 'answered', 'not served')}")
    tally.must_hold("noloss")


def test_conserve_after_everything_nothing_is_held_or_counted_as_in_flight(tally: Tally) -> None:
    print(f"conserve: {tally.violations['conserve']}; {tally.line('calls', 'ended by the caller or the request')}")
    assert tally.counts["ended by the caller or the request"]
    tally.must_hold("conserve")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(runs.JUMPS))
def test_clock_limits_hold_in_the_vendors_time_and_waits_stay_short_when_the_wall_clock_jumps(name: str) -> None:
    tally = runs.jumping(runs.JUMPS[name])
    violated = {key: tally.violations[key] for key in ("limit", "clock", "noloss", "conserve")}
    print(f"clock, {name}: {violated}; {tally.line('requests', 'calls', 'answered', 'waits')}")
    tally.must_hold("limit", "clock", "noloss", "conserve")


def test_clock_a_jump_between_two_attempts_of_one_request_makes_no_room() -> None:
    three_a_minute = [{"unit": "requests", "window": "minute", "max": 3}]
    providers = {"a": provider(model(quality={"chat": 5})), "b": provider(model(), limits=three_a_minute)}
    sent: list[str] = []

    async def scenario() -> None:
        scene = Scene(providers, {"a/m": Reply(delay_s=1000)})
        only_b, soon = RequestContext(providers=["b"]), RequestContext(deadline_s=40)

        async def fill_b_and_jump() -> None:
            await asyncio.sleep(19.5)  # `a` is given up after 20 s, so all of this happens within a minute
            for _ in range(3):
                await scene.router.complete(HELLO, only_b)
            scene.clock.jump(3600)

        with contextlib.suppress(RoutingError):
            await asyncio.gather(scene.router.complete(HELLO, soon), fill_b_and_jump())
        for _ in range(3):
            with contextlib.suppress(RoutingError, TimeoutError):
                await asyncio.wait_for(scene.router.complete(HELLO, only_b), 1)
        sent.extend(scene.called)

    run_virtual(scenario())
    assert sent.count("b/m") == 3


TRACE = "from tests.faults.simulator import Simulator; print(Simulator({seed}, 150).run().hash)"


def _trace(seed: int) -> str:
    """The trace hash of a run in a process of its own, with its own hash seed."""
    done = subprocess.run(
        [sys.executable, "-c", TRACE.format(seed=seed)],
        capture_output=True,
        text=True,
        check=True,
        cwd=TOP,
        env={**os.environ, "PYTHONHASHSEED": "random"},
        timeout=120,
    )
    return done.stdout.strip()


def test_same_the_same_seed_gives_the_same_trace_in_two_processes_and_another_seed_another() -> None:
    here = Simulator(7, 150).run().hash
    there, other = _trace(7), Simulator(8, 150).run().hash
    print(f"same: {here[:16]} here, {there[:16]} there, {other[:16]} for another seed")
    assert here == there == Simulator(7, 150).run().hash
    assert here != other


def test_noleak_the_state_does_not_grow_with_the_number_of_requests() -> None:
    requests = 100_000 if runs.LONG else 6000
    sizes: list[int] = []

    class Measured(Fast):
        def _begin(self) -> None:
            super()._begin()
            if self.left in (int(requests * 0.7), 0):
                sizes.append(entries(self))

    Measured(3, requests, rate_per_s=2.0).run()
    print(f"noleak: {sizes[0]} entries after {requests * 3 // 10} requests, {sizes[1]} after {requests}")
    assert sizes[1] <= sizes[0] * 1.5 + 50


def entries(run: Fast) -> int:
    """Slices, leases and cells that the router keeps."""
    cells = run.cells.values()
    return sum(len(c.leases) + sum(len(w.slices) for w in c.windows.values()) + 1 for c in cells) + len(run.in_flight)
