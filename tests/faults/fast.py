"""The scheduler-level simulator: the router's pure functions in a loop over an event heap, without asyncio.

Requests arrive, decisions are made, quota is reserved, calls reach simulated vendors after some time on the wire,
answers come back and are settled: the same steps in the same order as the engine takes, some thousands a second.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from functools import partial

from llm7router.budgets import Budgets
from llm7router.config.models import LoadedConfig
from llm7router.decision import demand, plan
from llm7router.decision.decide import decide
from llm7router.decision.filters import BREAKER
from llm7router.decision.plan import Ending
from llm7router.state import quota
from llm7router.state.cells import EMPTY, Cell
from llm7router.state.quota import Refusal, Reservation
from llm7router.testing import START_AT
from llm7router.types import Attempt, Capability, Deployment, Failure, Outcome, Request, Snapshot, TaskType
from tests.faults import setups
from tests.faults.flight import Flight
from tests.faults.tally import Tally
from tests.faults.vendor import Asked, Vendor
from tests.faults.watch import Watch
from tests.faults.weather import AT_THE_DOOR, Fate, Weather

WIRE_S = 0.08  # most seconds between our reservation and the vendor's arrival


class Fast:
    """One seeded run of `requests` requests."""

    def __init__(
        self,
        seed: int,
        requests: int,
        loaded: LoadedConfig | None = None,
        names: tuple[str, ...] | None = None,
        *,
        rate_per_s: float | None = None,
        weather: Weather | None = None,
    ) -> None:
        loaded = loaded or setups.small()
        self.rng = random.Random(f"run {seed}")
        self.tally = Tally()
        self.deployments = setups.deployments(loaded, names)
        self.factors = setups.factors(loaded)
        self.attempt_s = loaded.config.timeouts.attempt_s
        self.budgets = Budgets(loaded.config.server.keys, loaded.config.budget.usd_per_request)
        self.vendor = Vendor(self.deployments)
        self.rate = rate_per_s or 10 ** self.rng.uniform(-1.5, 0.7)
        self.burst = self.rng.choice((1, 1, 5, 20))
        providers = list(dict.fromkeys(d.provider for d in self.deployments))
        length_s = 1.5 * requests / self.rate + 3600
        self.weather = weather or Weather(seed, providers, length_s, mtbf_s=self.rng.choice((600, 3600, 21600)))
        self.cells: dict[str, Cell] = {}
        self.in_flight: dict[str, int] = {}
        self.watch = Watch(self.tally, loaded.config)
        self.left, self.true, self._number = requests, 0.0, 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return START_AT + self.true

    def run(self) -> Tally:
        """Until every request has ended."""
        self._at(0.0, self._arrive)
        while self._heap:
            self.true, _, step = heapq.heappop(self._heap)
            step()
        self.watch.now = self.now
        self.watch.at_rest(self.cells)
        for name in self.vendor.breaches:
            self.tally.violate("limit", name)
        return self.tally

    def _at(self, when: float, step: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, step))

    def _arrive(self) -> None:
        for _ in range(min(self.left, self.rng.randint(1, self.burst))):
            self.left -= 1
            self._begin()
        if self.left:
            mean = (self.burst + 1) / 2 / self.rate
            self._at(self.true + self.rng.expovariate(1 / mean), self._arrive)

    def draw(self) -> Request:
        """The next request."""
        rng = self.rng
        prompt = int(30 * 100 ** rng.random())
        caller = setups.CALLERS[self.left % len(setups.CALLERS)]
        return Request(
            id=f"{self.left}",
            task=TaskType.CHAT,
            prompt_tokens=prompt,
            max_tokens=rng.choice((None, 64, 256, 1000, 4000)),
            requires=frozenset({Capability.TOOLS}) if rng.random() < 0.1 else frozenset(),
            max_usd=self.budgets.usd_per_request(caller),
            deadline_s=rng.choice((30.0, 120.0)),
            caller=caller,
        )

    def _begin(self) -> None:
        request = self.draw()
        snapshot = Snapshot(self.now, self.deployments, self.cells, self.in_flight)
        decision = decide(request, self.budgets.seen_by(request.caller, snapshot), self.factors)
        steps = plan.attempts(decision, self.attempt_s, request.deadline_s)
        prompt = max(1, int(request.prompt_tokens * self.rng.uniform(0.6, 1.0)))
        flight = Flight(request, self.true, decision, steps, prompt)
        if self.rng.random() < 0.02:
            flight.leaves_at = self.true + self.rng.expovariate(1 / 2)
        shut = [r.deployment for r in decision.rejected if r.rejection.filter == BREAKER]
        flight.behind = [d for d in shut if self._room(request, d)]
        self.tally.count("requests")
        self._advance(flight, None)

    def _advance(self, flight: Flight, outcome: Outcome | None) -> None:
        """Give the plan an outcome, and make the call that it asks for next."""
        try:
            while True:
                remaining = flight.request.deadline_s - (self.true - flight.began)
                attempt = next(flight.steps) if outcome is None else flight.steps.send((outcome, remaining))
                if self._call(flight, attempt):
                    return
                outcome = Outcome(Failure.REFUSED, flight.refused[attempt.deployment.id])
        except StopIteration as stop:
            self._end(flight, stop.value)

    def _call(self, flight: Flight, attempt: Attempt) -> bool:
        d, request, now = attempt.deployment, flight.request, self.now
        output = demand.output_tokens(request, d)
        charges = demand.charges(request, d, output)
        got, changed = quota.reserve(
            self.cells,
            d,
            charges,
            id=f"{request.id}-{attempt.number}",
            now=now,
            expires_at=now + request.deadline_s + quota.LEASE_GRACE_S,
            output_tokens=output * request.choices,
            ignore_breaker=attempt.ignore_breaker,
        )
        if isinstance(got, Refusal):
            self.watch.refused(self.cells, attempt, charges, got, changed, now)
            flight.refused[d.id] = got.reason
            return False
        self.watch.reserved(self.cells, request, attempt, got)
        if d.id in flight.called:
            self.tally.violate("bounded", f"{d.id} called twice for one request")
        flight.called.append(d.id)
        self.cells.update(changed)
        self.in_flight[d.id] = self.in_flight.get(d.id, 0) + 1
        self.tally.count("calls")
        self._at(self.true + self.rng.random() * WIRE_S, partial(self._reach, flight, attempt, got, output))
        return True

    def _reach(self, flight: Flight, attempt: Attempt, got: Reservation, most: int) -> None:
        """The call arrives at the vendor."""
        d = attempt.deployment
        fate = self.weather.fate(d.provider, self.true, self.rng)
        asked = Asked(d, flight.prompt, most, self.rng.randint(1, most))
        outcome, delay = self._answer(asked, fate)
        until = min(self.true + delay, self.true + attempt.timeout_s)
        if outcome is None or delay > attempt.timeout_s:
            outcome = Outcome(Failure.TIMEOUT, duration_s=attempt.timeout_s)
        if flight.leaves_at < until:
            until, outcome = max(self.true, flight.leaves_at), Outcome(Failure.CANCELLED)
        generated = fate.failure not in AT_THE_DOOR and outcome.axis is None
        self._at(until, partial(self._done, flight, attempt, got, asked, outcome, generated))

    def _answer(self, asked: Asked, fate: Fate) -> tuple[Outcome | None, float]:
        if fate.failure is Failure.UNREACHABLE:
            return Outcome(fate.failure), fate.delay_s
        over = self.vendor.arrive(asked, self.now, generates=fate.failure not in AT_THE_DOOR)
        if over is not None:
            outcome = Outcome(Failure.RATE_LIMITED, over.name, 429, over.retry_after_s, over.axis)
            return outcome, fate.delay_s if fate.delay_s < 1 else 0.1
        if fate.failure is Failure.TIMEOUT:
            return None, fate.delay_s
        if fate.failure is not None:
            return Outcome(fate.failure, retry_after_s=fate.retry_after_s), fate.delay_s
        if self.rng.random() < 0.05:  # an answer that does not say what it used
            return Outcome(duration_s=fate.delay_s), fate.delay_s
        return Outcome(prompt_tokens=asked.prompt, output_tokens=asked.output, duration_s=fate.delay_s), fate.delay_s

    def _done(
        self, flight: Flight, attempt: Attempt, got: Reservation, asked: Asked, outcome: Outcome, generated: bool
    ) -> None:
        d, now = attempt.deployment, self.now
        if generated:
            self.vendor.leave(d)
        actual = None
        if outcome.ok and outcome.prompt_tokens is not None and outcome.output_tokens is not None:
            actual = partial(
                demand.actual,
                deployment=d,
                prompt_tokens=outcome.prompt_tokens,
                output_tokens=outcome.output_tokens,
                reserved_output=got.output_tokens,
            )
        before = self.cells.get(d.cell, EMPTY)
        self.cells.update(quota.settle(self.cells, got, outcome, actual, now, self.rng.random()))
        self.in_flight[d.id] -= 1
        self.watch.now = now
        self.watch.settled(before, self.cells[d.cell], got, outcome, (asked.prompt, asked.output))
        self.tally.trace(round(self.true, 6), d.id, outcome.failure)
        if outcome.failure:
            flight.failed(d, outcome.failure)
        self._advance(flight, outcome)

    def _end(self, flight: Flight, ending: Ending) -> None:
        if flight.counted > plan.MAX_COUNTED:
            self.tally.violate("bounded", f"{flight.counted} counted attempts")
        if ending.answer is not None:
            self.tally.count("answered")
        elif ending.rejected_by is not None:
            self.tally.count("ended by the caller or the request")
        else:
            self.tally.count("not served")
            self._judge_loss(flight, ending)

    def _judge_loss(self, flight: Flight, ending: Ending) -> None:
        if not flight.called and not flight.decision.ranking:
            self.tally.count("nobody had room")
        for d in flight.forgone(ending.out_of_time):
            if self.weather.fine(d.provider, flight.began, self.true) and self._room(flight.request, d):
                name = "panic" if d in flight.behind and not flight.called else "noloss"
                self.tally.violate(name, f"{d.id} was up and was not tried; called {flight.called}")

    def _room(self, request: Request, d: Deployment) -> bool:
        """The router's own count has room for it now, so it was not refused for that."""
        charges = demand.charges(request, d, demand.output_tokens(request, d))
        over = quota.find_refusal(self.cells, charges, self.now)
        return over is None and quota.find_block(self.cells, d, self.now) is None
