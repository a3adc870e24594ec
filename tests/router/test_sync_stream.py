"""Streams for code that is not async."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from llm7router import AllProvidersExhaustedError, LLMRouter, StreamInterruptedError
from llm7router.sync import LOOP
from llm7router.testing import Reply, ScriptedBackend
from llm7router.types import Failure
from tests.router.scene import HELLO, config, ranked


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend({"a/m": Reply("One two three")})


@pytest.fixture
def router(backend: ScriptedBackend) -> Iterator[LLMRouter]:
    with LLMRouter(config(ranked("a")), env={}, backend=backend) as running:
        yield running


def test_chunks_come_one_by_one_and_the_last_holds_the_result(router: LLMRouter) -> None:
    chunks = list(router.stream_sync(HELLO))
    assert "".join(chunk.content for chunk in chunks) == "One two three"
    assert chunks[-1].result is not None
    assert chunks[-1].result.content == "One two three"


def test_leaving_early_ends_the_call(router: LLMRouter) -> None:
    stream = router.stream_sync(HELLO)
    assert next(stream).content == "One "
    stream.close()
    assert router.stats().deployments[0].in_flight == 0


def test_errors_are_those_of_the_async_stream(backend: ScriptedBackend, router: LLMRouter) -> None:
    backend.scripts = {"a/m": Failure.SERVER_ERROR}
    with pytest.raises(AllProvidersExhaustedError):
        list(router.stream_sync(HELLO))
    backend.scripts = {"a/m": Reply("One two", break_after=1)}
    with pytest.raises(StreamInterruptedError):
        list(router.stream_sync(HELLO))


def test_it_works_while_the_calling_thread_has_a_loop(router: LLMRouter) -> None:
    async def inside() -> str:
        return "".join(chunk.content for chunk in router.stream_sync(HELLO))

    assert asyncio.run(inside()) == "One two three"


def test_inside_the_routers_own_loop_it_says_what_to_do(router: LLMRouter) -> None:
    async def inside() -> None:
        list(router.stream_sync(HELLO))

    with pytest.raises(RuntimeError, match="stream"):
        LOOP.run(inside())


def test_an_interrupt_while_waiting_is_passed_on_after_the_call_has_ended(
    backend: ScriptedBackend, router: LLMRouter
) -> None:
    backend.scripts = {"a/m": Reply("Too late", delay_s=30)}
    stream = router.stream_sync(HELLO)
    main = threading.main_thread().ident  # which a terminal's Ctrl-C interrupts; it waits in a lock
    assert main is not None
    threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    assert time.monotonic() - began < 15, "it did not wait for the answer"
    assert router.stats().deployments[0].in_flight == 0
