"""What the dashboard watches: the last requests of this process, and those to come, without their content."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from llm7router.decision.describe import as_dict
from llm7router.events import RequestEvent
from llm7router.hooks import facts
from llm7router.router import LLMRouter
from llm7router.server.errors import ApiError

KEPT = 200  # requests
WAITING = 100  # events for a reader that is slow; then it misses some
READERS = 16
TICK_S = 1.0
_WORDLESS = {"task_evidence": "", "difficulty_evidence": ""}  # both quote the prompt


class Seen(NamedTuple):
    """A request without its content; put into words only when somebody looks."""

    event: RequestEvent
    cached: bool
    tokens_input: int  # none for a stored answer
    tokens_output: int
    deployment: str | None
    cost: float

    @classmethod
    def of(cls, event: RequestEvent) -> Seen:
        """What is kept of an event."""
        result = event.result
        cached = result is not None and result.cached
        counted = None if cached else result
        return cls(
            event=replace(event, messages=(), inputs=(), result=None),
            cached=cached,
            tokens_input=counted.tokens_input if counted else 0,
            tokens_output=counted.tokens_output if counted else 0,
            deployment=event.deployment,
            cost=facts.usd(event),
        )

    def view(self) -> dict[str, Any]:
        """For JSON. `decision` has the points of every candidate, each with its reason."""
        event = self.event
        best = event.decision.best if event.decision else None
        return {
            "id": event.request.id,
            "at": event.at,
            "caller": event.request.caller,
            "operation": event.request.operation,
            "task": event.request.task,
            "stream": event.stream,
            "outcome": event.outcome,
            "deployment": self.deployment,
            "cached": self.cached,
            "pick": best.deployment.id if best else None,
            "duration_s": event.duration_s,
            "first_token_s": event.first_token_s,
            "tokens_input": self.tokens_input,
            "tokens_output": self.tokens_output,
            "cost": self.cost,
            "error": event.error,
            "attempts": [
                {
                    "deployment": a.deployment,
                    "ok": a.ok,
                    "failure": a.failure,
                    "status": a.status,
                    "detail": a.detail,
                    "began_s": a.began_s,
                    "duration_s": a.duration_s,
                    "first_token_s": a.first_token_s,
                }
                for a in event.attempts
            ],
            "decision": as_dict(event.decision) | _WORDLESS if event.decision else None,
        }


@dataclass(slots=True)
class Totals:
    """Sums over every request of this process since the instant `since` (epoch seconds). `cost` in USD."""

    since: float
    outcomes: dict[str, int] = field(default_factory=dict)
    tokens_input: int = 0
    tokens_output: int = 0
    cost: float = 0.0

    def add(self, seen: Seen) -> None:
        """One more request."""
        outcome = seen.event.outcome
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.tokens_input += seen.tokens_input
        self.tokens_output += seen.tokens_output
        self.cost += seen.cost


class Live:
    """A hook that remembers, and tells who listens."""

    def __init__(self, router: LLMRouter) -> None:
        self._router = router
        self._seen: deque[Seen] = deque(maxlen=KEPT)
        self._totals = Totals(time.time())
        self._readers: set[asyncio.Queue[Seen]] = set()

    def __call__(self, event: RequestEvent) -> None:
        """Called by the router when a request has ended."""
        seen = Seen.of(event)
        self._seen.append(seen)
        self._totals.add(seen)
        for reader in self._readers:
            with contextlib.suppress(asyncio.QueueFull):
                reader.put_nowait(seen)

    def recent(self) -> list[dict[str, Any]]:
        """The last requests, the newest last."""
        return [seen.view() for seen in self._seen]

    async def events(self) -> AsyncIterator[bytes]:
        """Server-sent events without end: `requests` once (the last ones), then `stats` and `request`.

        Raises ApiError (429) if too many listen already.
        """
        with self._listening() as queue:
            yield event("requests", self.recent())
            before = None
            while True:
                await self._router.refresh()
                stats = self.stats()
                if (shown := {**stats, "now": None}) != before:
                    before = shown
                    yield event("stats", stats)
                else:
                    yield b": \n\n"  # tells a proxy, and us, whether anybody is there
                tick = asyncio.get_running_loop().time() + TICK_S
                while (seen := await _next(queue, tick)) is not None:
                    yield event("request", seen.view())

    def stats(self) -> dict[str, Any]:
        """The router's figures, and `totals` of this process."""
        return {**finite(self._router.stats().to_dict()), "totals": asdict(self._totals)}

    @contextlib.contextmanager
    def _listening(self) -> Iterator[asyncio.Queue[Seen]]:
        if len(self._readers) >= READERS:
            raise ApiError(429, f"{READERS} dashboards are open already; close one", type="rate_limit_error")
        queue: asyncio.Queue[Seen] = asyncio.Queue(WAITING)
        self._readers.add(queue)
        try:
            yield queue
        finally:
            self._readers.discard(queue)


async def _next(queue: asyncio.Queue[Seen], until: float) -> Seen | None:
    """The next one, or None at that time of the loop. The time-out is around this wait alone: one around a `yield`
    would cancel whoever reads, while a slow connection takes what it got."""
    try:
        async with asyncio.timeout_at(until):
            return await queue.get()
    except TimeoutError:
        return None


def finite(data: Any) -> Any:
    """The same with None for infinity ("never"), which JSON cannot say."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {name: finite(value) for name, value in data.items()}
    return [finite(value) for value in data] if isinstance(data, list | tuple) else data


def event(name: str, data: Any) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'), default=str)}\n\n".encode()
