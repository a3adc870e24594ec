"""Fakes for scenarios: a clock that follows a virtual event loop, and a backend that answers by script.

clock = VirtualClock()                       # under async_solipsism's loop, sleeping costs no time
backend = ScriptedBackend({"groq/x": [Failure.RATE_LIMITED, "Hello!"]})
router = LLMRouter(config, backend=backend, clock=clock, store=MemoryStore())
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llm7router.calls import vectors
from llm7router.calls.base import BrokenStreamError, Call
from llm7router.types import Failure, Outcome, StreamChunk

START_AT = 1_800_000_000.0  # 2027-01-15 08:00 UTC


class VirtualClock:
    """Tells the running loop's time, so that it stands still while nothing waits; `jump` moves the wall clock."""

    def __init__(self, start_at: float = START_AT) -> None:
        self._start_at = start_at
        self._manual = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return self._start_at + self.monotonic()

    def monotonic(self) -> float:
        """Seconds of the running loop, and what `sleep_now` added."""
        try:
            return asyncio.get_running_loop().time() + self._manual
        except RuntimeError:
            return self._manual

    def jump(self, seconds: float) -> None:
        """Move the wall clock, forwards or backwards."""
        self._start_at += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass, for code that does not await."""
        self._manual += seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """A scripted answer: after `delay_s`, `content` or a failure; streams break off after `break_after` chunks.

    Embeddings get `vectors`, which are validated as a provider's are, or else [length, 1.0] for each text.
    """

    content: str = "ok"
    delay_s: float = 0.0
    outcome: Outcome | None = None
    prompt_tokens: int | None = 10
    output_tokens: int | None = 5
    break_after: int | None = None
    vectors: Sequence[Sequence[float] | str] | None = None
    cache_tokens: int = 0


Step = Reply | Failure | str
Script = Iterable[Step] | Step | Callable[[Call], Step]


@dataclass
class _Message:
    content: str
    tool_calls: Any = None
    reasoning_content: str | None = None


@dataclass
class _Choice:
    message: _Message
    finish_reason: str = "stop"


@dataclass
class _Response:
    choices: list[_Choice]


@dataclass
class _Vectors:
    data: list[dict[str, Any]]


@dataclass
class ScriptedBackend:
    """Answers by script, by deployment id; what has no script answers "ok". `calls` keeps every call made.

    A script is one step for ever, steps to use up (the last one stays), or a function of the call.
    """

    scripts: Mapping[str, Script] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self._queues: dict[str, deque[Step]] = {
            id: deque(script)
            for id, script in self.scripts.items()
            if not isinstance(script, Reply | Failure | str) and not callable(script)
        }

    async def complete(self, call: Call) -> Outcome:
        """The next scripted outcome."""
        self.calls.append(call)
        reply, outcome = await self._next(call)
        if not outcome.ok:
            return outcome
        return replace(outcome, response=_Response([_Choice(_Message(reply.content))]))

    async def stream(self, call: Call) -> Outcome:
        """The next scripted outcome, as a stream of words."""
        self.calls.append(call)
        reply, outcome = await self._next(call)
        if not outcome.ok:
            return outcome
        return replace(outcome, stream=_Words(call, reply), first_token_s=reply.delay_s)

    async def embed(self, call: Call) -> Outcome:
        """The next scripted outcome, with vectors."""
        self.calls.append(call)
        reply, outcome = await self._next(call)
        if not outcome.ok:
            return outcome
        given = reply.vectors or [[float(len(text)), 1.0] for text in call.inputs]
        data = [{"index": index, "embedding": vector} for index, vector in enumerate(given)]
        read = vectors.read(_Vectors(data), len(call.inputs), call.parameters.get("dimensions"))
        return replace(outcome, failure=read.failure, detail=read.detail, response=read.response, output_tokens=0)

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    async def _next(self, call: Call) -> tuple[Reply, Outcome]:
        step = self._step(call)
        reply = step if isinstance(step, Reply) else Reply() if isinstance(step, Failure) else Reply(step)
        if isinstance(step, Failure):
            reply = replace(reply, outcome=Outcome(step, "scripted"))
        try:
            async with asyncio.timeout(call.timeout_s):
                await asyncio.sleep(reply.delay_s)
        except TimeoutError:
            return reply, Outcome(Failure.TIMEOUT, "scripted", duration_s=call.timeout_s)
        tokens = {name: getattr(reply, name) for name in ("prompt_tokens", "output_tokens", "cache_tokens")}
        outcome = reply.outcome or Outcome(**tokens)
        return reply, replace(outcome, duration_s=reply.delay_s)

    def _step(self, call: Call) -> Step:
        id = call.deployment.id
        queue = self._queues.get(id)
        if queue:
            return queue.popleft() if len(queue) > 1 else queue[0]
        script = self.scripts.get(id, "ok")
        if callable(script):
            return script(call)
        assert isinstance(script, Reply | Failure | str)
        return script


class _Words:
    """A ChunkStream over the words of a reply."""

    def __init__(self, call: Call, reply: Reply) -> None:
        self._call, self._reply = call, reply
        self.usage: tuple[int, int] | None = None
        self.waited_s = reply.delay_s
        self.cache_tokens = reply.cache_tokens
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[StreamChunk]:
        d = self._call.deployment
        words = self._reply.content.split(" ")
        for index, word in enumerate(words):
            if index == self._reply.break_after:
                raise BrokenStreamError(Outcome(Failure.BAD_ANSWER, "scripted"))
            text = word if index == len(words) - 1 else word + " "
            yield StreamChunk(text, provider=d.provider, model=d.model)
        yield StreamChunk(finish_reason="stop", provider=d.provider, model=d.model)
        if self._reply.prompt_tokens is not None and self._reply.output_tokens is not None:
            self.usage = (self._reply.prompt_tokens, self._reply.output_tokens)

    async def aclose(self) -> None:
        self.closed = True
