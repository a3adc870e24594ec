"""The whole router in virtual time: LLMRouter, Ledger and MemoryStore over simulated vendors, all from one seed.

The vendors live in true time. The router lives by a wall clock that may jump. Callers come and go, some stream, some
leave early, and what goes wrong is drawn from the seed before anything happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from dataclasses import replace
from typing import Any

from llm7router import LLMRouter, RequestContext
from llm7router.alerts.detect import ALERTS
from llm7router.calls.base import Call
from llm7router.config.models import LoadedConfig
from llm7router.decision import plan
from llm7router.decision.failures import POLICIES, Scope
from llm7router.decision.request import estimate
from llm7router.errors import RequestRejectedError, RoutingError, StreamInterruptedError
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import START_AT, Reply, ScriptedBackend, VirtualClock
from llm7router.types import Failure, Message, Outcome
from tests.faults import setups
from tests.faults.fast import WIRE_S
from tests.faults.tally import Tally
from tests.faults.vendor import Asked, Vendor
from tests.faults.weather import AT_THE_DOOR, Weather
from tests.virtual import run_virtual


class Providers(ScriptedBackend):
    """Answers as the vendors would. Only the vendor's clock counts here, which never jumps."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self.sim = sim

    async def _next(self, call: Call) -> tuple[Reply, Outcome]:
        self.calls.clear()  # a long run keeps no calls
        sim, d = self.sim, call.deployment
        sim.called(call)
        rng, reply = sim.rng, Reply()
        try:
            async with asyncio.timeout(call.timeout_s):
                await asyncio.sleep(rng.random() * sim.wire_s)
                fate = sim.weather.fate(d.provider, sim.true, rng)
                if fate.failure is Failure.UNREACHABLE:
                    return reply, Outcome(fate.failure)
                most = call.parameters["max_tokens"]
                prompt = max(1, int(estimate(call.messages, call.parameters)[0] * rng.uniform(0.6, 1.0)))
                asked = Asked(d, prompt, most, rng.randint(1, most))
                generates = fate.failure not in AT_THE_DOOR
                over = sim.vendor.arrive(asked, START_AT + sim.true, generates=generates)
                if over is not None:
                    return reply, Outcome(Failure.RATE_LIMITED, over.name, 429, over.retry_after_s, over.axis)
                try:
                    await asyncio.sleep(min(fate.delay_s, 1e6))
                finally:
                    if generates:
                        sim.vendor.leave(d)
        except TimeoutError:
            return reply, Outcome(Failure.TIMEOUT, duration_s=call.timeout_s)
        if fate.failure:
            return reply, Outcome(fate.failure, retry_after_s=fate.retry_after_s)
        broken = 1 if rng.random() < 0.01 else None
        reply = Reply("one two three", fate.delay_s, None, asked.prompt, asked.output, broken)
        return reply, Outcome(prompt_tokens=asked.prompt, output_tokens=asked.output, duration_s=fate.delay_s)


class Simulator:
    """One seeded run. `jumps` are (seconds from the start, by how much the wall clock is moved)."""

    def __init__(
        self,
        seed: int,
        requests: int,
        loaded: LoadedConfig | None = None,
        *,
        rate_per_s: float | None = None,
        jumps: tuple[tuple[float, float], ...] = (),
        weather: Weather | None = None,
        wire_s: float = WIRE_S,
    ) -> None:
        loaded = loaded or setups.small()
        kept = tuple(s for s in loaded.providers if s.name in setups.SHIPPED or loaded is setups.small())
        self.loaded = replace(loaded, providers=kept)
        self.rng = random.Random(f"simulator {seed}")
        self.tally, self.requests, self.jumps, self.wire_s = Tally(), requests, jumps, wire_s
        self.rate = rate_per_s or 10 ** self.rng.uniform(-1.5, 0.5)
        self.deployments = setups.deployments(self.loaded)
        self.vendor = Vendor(self.deployments)
        names = list(dict.fromkeys(d.provider for d in self.deployments))
        self.weather = weather or Weather(seed, names, 2 * requests / self.rate + 3600, mtbf_s=1800, mean_s=300)
        self.store, self.clock = MemoryStore(), VirtualClock()
        self.router = LLMRouter(self.loaded, backend=Providers(self), clock=self.clock, store=self.store)
        # The jitter of reopenings is the one draw inside the router.
        self.router._ledger._random = random.Random(f"jitter {seed}")

    @property
    def true(self) -> float:
        """Seconds since the start, by the vendors' clock."""
        return asyncio.get_running_loop().time()

    def run(self) -> Tally:
        """In virtual time, until every request has ended."""
        run_virtual(self._run())
        for name in self.vendor.breaches:
            self.tally.violate("limit", name)
        return self.tally

    def called(self, call: Call) -> None:
        """A call is about to be made."""
        self.tally.count("calls")
        self.tally.trace(round(self.true, 6), call.deployment.id, call.parameters["max_tokens"])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for at, by in self.jumps:
            loop.call_at(at, self.clock.jump, by)
        burst = self.rng.choice((1, 1, 5, 20))
        async with asyncio.TaskGroup() as group:
            for index in range(self.requests):
                if index % burst == 0:
                    await asyncio.sleep(self.rng.expovariate(self.rate / burst))
                group.create_task(self._one(index))
        self._at_rest()

    async def _one(self, index: int) -> None:
        rng = self.rng
        messages: list[Message] = [{"role": "user", "content": "word " * int(10 * 100 ** rng.random())}]
        parameters: dict[str, Any] = {"max_tokens": rng.choice((64, 256, 1000, 4000))}
        context = RequestContext(request_id=str(index), deadline_s=rng.choice((30.0, 120.0)))
        patience = rng.expovariate(1 / 2) if rng.random() < 0.02 else None
        call = self._stream if rng.random() < 0.1 else self._complete
        self.tally.count("requests")
        end = "left"
        try:
            async with asyncio.timeout(patience):
                end = await call(messages, context, parameters)
            self.tally.count("answered")
        except TimeoutError:
            self.tally.count("ended by the caller or the request")
        except (RequestRejectedError, StreamInterruptedError) as error:
            end = type(error).__name__
            self.tally.count("ended by the caller or the request")
        except RoutingError as error:
            end = type(error).__name__
            self.tally.count("not served")
            self._judge(error)
        self.tally.trace(round(self.true, 6), index, end)

    async def _complete(self, messages: list[Message], context: RequestContext, parameters: dict[str, Any]) -> str:
        return (await self.router.complete(messages, context, **parameters)).deployment

    async def _stream(self, messages: list[Message], context: RequestContext, parameters: dict[str, Any]) -> str:
        async with contextlib.aclosing(self.router.stream(messages, context, **parameters)) as chunks:
            last = [chunk async for chunk in chunks][-1]
        assert last.result is not None
        return last.result.deployment

    def _judge(self, error: RoutingError) -> None:
        """A request that nobody served: somebody could have, or the wait it names is longer than the window."""
        assert error.decision is not None
        tried = {a.deployment for a in error.attempts}
        kinds = [POLICIES[a.failure] for a in error.attempts if a.failure]
        counted = sum(policy.counted for policy in kinds)
        wide = any(policy.scope is not Scope.DEPLOYMENT and policy.scope is not Scope.REQUEST for policy in kinds)
        untried = [s.deployment.id for s in error.decision.ranking if s.deployment.id not in tried]
        if untried and counted < plan.MAX_COUNTED and not wide and "deadline" not in str(error):
            self.tally.violate("noloss", f"{untried} not tried; tried {sorted(tried)}")
        for rejected in error.decision.rejected:
            reason, d = rejected.rejection, rejected.deployment
            if reason.filter == "rate_limits" and reason.free_at is not None:
                named = [b for b in d.limits if reason.summary == f"over {b.name}" and not b.concurrent]
                # A slice more than without jumps: what is moved along with the clock is rounded up.
                longest = max((b.shape.span_s + 2 * b.shape.slice_s for b in named), default=math.inf)
                self.tally.count("waits")
                if reason.free_at - error.decision.now > longest + 1e-6:
                    wait = reason.free_at - error.decision.now
                    self.tally.violate("clock", f"{d.id} {reason.summary}: wait {wait} s")

    def _at_rest(self) -> None:
        """Nothing is under way: no lease is held and no call counts as in flight."""
        now = self.clock.now()
        cells = self.store.read_now().items()
        held = [key for key, cell in cells if key != ALERTS and any(u > now for u in cell.leases.values())]
        busy = {id: n for id, n in self.router._ledger._in_flight.items() if n}
        tasks = len(asyncio.all_tasks()) - 1
        if held or busy or tasks:
            self.tally.violate("conserve", f"leases {held}, in flight {busy}, {tasks} task(s) left")
