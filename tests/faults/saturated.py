"""Demand without end over Groq, OpenRouter, Gemini and LLM7, and what of the limits gets used.

What the limits allow is what an omniscient client would get: for each set of limits it knows the vendor's exact log,
the vendor's clock and the true size of each request before sending it, and sends the next one at the first instant at
which every limit has room. It draws its requests from the same distribution. Limits are those of the configuration,
`safety` applied (80 % of Gemini's minutes). Limits of one deployment interact, so the share is taken on the binding
one: the limit that the omniscient client itself uses most of, over the whole run. A share may pass 100 % by a fraction:
at the end of an allowance a small request fills what a large one leaves, and the router has other places for the large.
"""

from __future__ import annotations

import heapq
import random
from functools import partial
from typing import NamedTuple

from llm7router.decision import demand, plan
from llm7router.decision.decide import decide
from llm7router.state import quota
from llm7router.state.cells import Cell
from llm7router.state.quota import Refusal, Reservation
from llm7router.testing import START_AT
from llm7router.types import Deployment, Outcome, Request, Snapshot, TaskType
from tests.faults import setups
from tests.faults.vendor import SECONDS, Asked, Meter, Vendor

WIRE_S = 0.08  # most seconds on the way to the vendor, as in the other simulators


class Size(NamedTuple):
    """A request: the prompt as estimated and as it is, `max_tokens`, and the output."""

    estimated: int
    prompt: int
    most: int
    output: int


class Use(NamedTuple):
    """Of one binding limit: units that the router used and that an omniscient client would have."""

    cell: str
    limit: str
    used: int
    possible: int

    @property
    def share(self) -> float:
        """In 0..1."""
        return self.used / self.possible


def draw(rng: random.Random, exact: bool) -> Size:
    """A chat: `exact` has prompts as long as estimated, otherwise they are 60 to 100 % of it."""
    estimated = int(40 * 20 ** rng.random())
    prompt = estimated if exact else max(1, int(estimated * rng.uniform(0.6, 1.0)))
    most = rng.choice((128, 256, 512, 1024))
    return Size(estimated, prompt, most, rng.randint(1, most))


def omniscient(d: Deployment, seed: int, length_s: float, exact: bool) -> Vendor:
    """A vendor's meters after a client that knows everything."""
    vendor, rng, at = Vendor([d]), random.Random(f"omniscient {seed} {d.id}"), 0.0
    while True:
        size = draw(rng, exact)
        asked = Asked(d, size.prompt, size.most, size.output)
        while not vendor.has_room(asked, START_AT + at):
            at += vendor.wait(asked, START_AT + at) + 1e-6
            if at >= length_s:
                return vendor
        vendor.arrive(asked, START_AT + at)
        vendor.leave(d)


class Saturated:
    """The router under endless demand for `days`: whenever a request fits anywhere, there is one."""

    def __init__(self, seed: int, days: float, *, exact: bool = True) -> None:
        loaded = setups.shipped()
        self.deployments = setups.deployments(loaded, setups.SHIPPED)
        self.factors, self.attempt_s = setups.factors(loaded), loaded.config.timeouts.attempt_s
        self.rng, self.seed, self.exact, self.length_s = random.Random(f"saturated {seed}"), seed, exact, days * 86400
        self.vendor, self.cells = Vendor(self.deployments), dict[str, Cell]()
        self.true, self.number, self.calls = 0.0, 0, 0
        self._heap: list[tuple[float, int, partial[None]]] = []

    def run(self) -> list[Use]:
        """The use of each set of limits, on its binding limit."""
        waiting = draw(self.rng, self.exact)
        while self.true < self.length_s:
            free_at = self._send(waiting)
            if free_at <= self.true:
                waiting = draw(self.rng, self.exact)
            elif self._heap and self._heap[0][0] <= free_at:
                self.true, _, step = heapq.heappop(self._heap)
                step()  # room may have come back
            else:
                self.true = free_at
        return self._uses()

    def _send(self, size: Size) -> float:
        """Send the request if it fits anywhere; when to try again (seconds; now if it went out)."""
        self.number += 1
        now = START_AT + self.true
        request = Request(str(self.number), TaskType.CHAT, size.estimated, max_tokens=size.most)
        decision = decide(request, Snapshot(now, self.deployments, self.cells), self.factors)
        if not decision.ranking:
            waits = [r.rejection.free_at for r in decision.rejected if r.rejection.free_at is not None]
            return max(self.true + 1e-3, min(waits) - START_AT + 1e-3)
        d = next(plan.attempts(decision, self.attempt_s)).deployment
        output = demand.output_tokens(request, d)
        charges = demand.charges(request, d, output)
        got, changed = quota.reserve(
            self.cells, d, charges, id=request.id, now=now, expires_at=now + 130, output_tokens=output
        )
        assert not isinstance(got, Refusal), "the decision was made at the same instant"
        self.cells.update(changed)
        asked = Asked(d, size.prompt, output, min(size.output, output))
        self._at(self.true + self.rng.random() * WIRE_S, partial(self._reach, asked, got))
        return self.true

    def _reach(self, asked: Asked, got: Reservation) -> None:
        self.calls += 1
        self.vendor.arrive(asked, START_AT + self.true)
        self.vendor.leave(asked.deployment)
        self._at(self.true + self.rng.expovariate(1 / 1.5), partial(self._done, asked, got))

    def _done(self, asked: Asked, got: Reservation) -> None:
        outcome = Outcome(prompt_tokens=asked.prompt, output_tokens=asked.output, duration_s=1.0)
        actual = partial(
            demand.actual,
            deployment=asked.deployment,
            prompt_tokens=asked.prompt,
            output_tokens=asked.output,
            reserved_output=got.output_tokens,
        )
        self.cells.update(quota.settle(self.cells, got, outcome, actual, START_AT + self.true, 0.5))

    def _at(self, when: float, step: partial[None]) -> None:
        heapq.heappush(self._heap, (when, self.number * 2 + len(self._heap), step))

    def _uses(self) -> list[Use]:
        uses = []
        for key in dict.fromkeys(d.limits[0].cell for d in self.deployments):
            d = next(d for d in self.deployments if d.limits[0].cell == key)
            best = omniscient(d, self.seed, self.length_s, self.exact)
            meter = max(best.meters.values(), key=lambda m: m.ever / self._allowance(m))
            ours = self.vendor.meters[(meter.limit.cell, meter.limit.name)]
            name = d.id if not d.limits[0].shared else d.provider
            uses.append(Use(name, meter.limit.name, ours.ever, meter.ever))
        return uses

    def _allowance(self, meter: Meter) -> float:
        assert meter.limit.period is not None
        return meter.max * max(1.0, self.length_s / SECONDS[meter.limit.period])
