"""Models in this process, through the same backend and the same LiteLLM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from llm7router.calls.backend import LiteLLMBackend
from llm7router.types import Deployment, Failure, Kind
from tests.calls.helpers import call, drain, make, text


def local(target: Callable[..., Any] | None = None, **changes: Any) -> Deployment:
    """A deployment of a callable, or of a file."""
    kind = Kind.CALLABLE if target else Kind.LLAMA_CPP
    return Deployment(id="local/m", provider="local", model="m", kind=kind, target=target, **changes)


def pieces(messages: Any, **_: Any) -> Any:
    """A model that says what it was told, word by word."""
    yield from messages[-1]["content"].split(" ")


async def test_a_callable_answers_as_a_whole_and_as_a_stream(backend: LiteLLMBackend) -> None:
    whole = await backend.complete(call(local(lambda messages, **_: "Hello!")))
    assert (whole.failure, whole.response.choices[0].message.content) == (None, "Hello!")
    chunks, broken = await drain(await backend.stream(call(local(pieces))))
    assert (text(chunks), broken) == ("Hithere", None)
    assert chunks[-1].finish_reason == "stop"


async def test_a_model_without_its_file_is_broken_and_says_what_to_do(backend: LiteLLMBackend, way: str) -> None:
    outcome = await make(backend, way, call(local(path="nowhere/model.gguf")))
    assert outcome.failure is Failure.LOCAL_BROKEN
    assert "nowhere/model.gguf" in outcome.detail


async def test_a_callable_that_raises_is_a_failure(backend: LiteLLMBackend, way: str) -> None:
    def broken(messages: Any, **_: Any) -> str:
        raise RuntimeError("out of order")

    outcome = await make(backend, way, call(local(broken)))
    assert outcome.failure is Failure.SERVER_ERROR


async def test_a_slow_model_is_bounded_and_does_not_stall_the_loop(backend: LiteLLMBackend, way: str) -> None:
    def slow(messages: Any, **_: Any) -> Any:
        for _word in range(20):
            time.sleep(0.1)
            yield ""

    longest, last = 0.0, time.monotonic()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    ticking = asyncio.ensure_future(tick())
    outcome = await make(backend, way, call(local(slow), timeout_s=0.3))
    ticking.cancel()
    assert outcome.failure is Failure.TIMEOUT
    assert outcome.duration_s < 1.5
    assert longest < 0.3


async def test_what_a_local_model_counts_itself_is_kept_also_of_a_stream(backend: LiteLLMBackend) -> None:
    def counting(messages: Any, **_: Any) -> Any:
        yield {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}]}
        yield {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}

    opened = await backend.stream(call(local(counting)))
    assert opened.stream is not None
    await drain(opened)
    assert opened.stream.usage == (3, 1)
