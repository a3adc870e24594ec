"""Short ways to say what tests of calls need."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from llm7router.calls.backend import LiteLLMBackend
from llm7router.calls.base import BrokenStreamError, Call
from llm7router.types import Deployment, Outcome, Secret, StreamChunk
from tests.guard import CANARY
from tests.upstream import Upstream

HELLO = ({"role": "user", "content": "Hi there"},)
WAYS = ("whole", "stream")
PREFIXES = ("hosted_vllm", "openai")


def deployment(base_url: str, prefix: str = "hosted_vllm", **changes: Any) -> Deployment:
    """A deployment `p/m` at an upstream, with the canary as its key."""
    given = {"api_key": Secret(CANARY), "litellm_model": f"{prefix}/m", "base_url": base_url}
    return Deployment(id="p/m", provider="p", model="m", **{**given, **changes})


def call(
    where: Upstream | str | Deployment,
    parameters: dict[str, Any] | None = None,
    *,
    prefix: str = "hosted_vllm",
    messages: Sequence[Any] = HELLO,
    timeout_s: float = 5.0,
    first_token_s: float = 5.0,
    between_tokens_s: float = 5.0,
    deadline_s: float | None = None,
) -> Call:
    """A call of `p/m`, with generous times."""
    url = where.base_url if isinstance(where, Upstream) else where
    target = url if isinstance(url, Deployment) else deployment(url, prefix)
    return Call(target, messages, parameters or {}, timeout_s, first_token_s, between_tokens_s, deadline_s)


async def make(backend: LiteLLMBackend, way: str, wanted: Call) -> Outcome:
    """Make a call as a whole or as a stream; a stream is read to its end, and what breaks it is the outcome."""
    if way == "whole":
        return await backend.complete(wanted)
    outcome = await backend.stream(wanted)
    if outcome.stream is not None:
        _, broken = await drain(outcome)
        return broken or outcome
    return outcome


async def drain(outcome: Outcome) -> tuple[list[StreamChunk], Outcome | None]:
    """Every chunk of a stream, and how it broke, if it did."""
    chunks: list[StreamChunk] = []
    assert outcome.stream is not None, outcome
    try:
        async for chunk in outcome.stream:
            chunks.append(chunk)  # noqa: PERF401  what came before it broke is wanted
    except BrokenStreamError as broken:
        return chunks, broken.outcome
    finally:
        await outcome.stream.aclose()
    return chunks, None


def text(chunks: list[StreamChunk]) -> str:
    """What the chunks say together."""
    return "".join(chunk.content for chunk in chunks)


async def arrived(upstream: Upstream) -> None:
    """Wait for a request."""
    while not upstream.count:  # noqa: ASYNC110  it arrives in another thread
        await asyncio.sleep(0.01)


async def saw_close(upstream: Upstream, within_s: float = 1.0) -> bool:
    """Whether the upstream saw its last client leave in time."""
    return await asyncio.to_thread(upstream.wait_closed, None, within_s)
