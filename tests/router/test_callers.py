"""Callers with limits of their own, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llm7router import RequestContext, StreamInterruptedError
from llm7router.errors import CallerLimitError
from llm7router.testing import Reply
from llm7router.types import Failure
from tests.router.scene import HELLO, Scene, ranked
from tests.virtual import in_virtual_time

CI = RequestContext(caller="ci")


def scene(*limits: dict[str, Any], scripts: Any = None) -> Scene:
    keys = [{"name": "ci", "sha256": "0" * 64, "limits": list(limits)}]
    return Scene(ranked("a"), scripts, server={"keys": keys})


@in_virtual_time
async def test_a_caller_over_its_limit_is_told_when_it_frees_up_and_nobody_is_called() -> None:
    one = scene({"unit": "requests", "window": "minute", "max": 2})
    for _ in range(2):
        await one.router.complete(HELLO, CI)
    with pytest.raises(CallerLimitError, match=r"ci: .*requests/minute") as caught:
        await one.router.complete(HELLO, CI)
    assert caught.value.retry_after_s == pytest.approx(63, abs=3)
    assert len(one.called) == 2
    await one.router.complete(HELLO)
    await one.router.complete(HELLO, RequestContext(caller="another"))
    await asyncio.sleep(caught.value.retry_after_s or 0)
    await one.router.complete(HELLO, CI)


@in_virtual_time
async def test_tokens_are_counted_as_used_and_given_back_when_nobody_answered() -> None:
    tokens = {"unit": "tokens", "window": "minute", "max": 1100}
    one = scene(tokens, scripts={"a/m": ["ok", Failure.SERVER_ERROR, "ok"]})
    await one.router.complete(HELLO, CI)  # reserved 1,024 and more, used 15
    with pytest.raises(Exception, match="server error"):
        await one.router.complete(HELLO, CI)
    await one.router.complete(HELLO, CI)
    with pytest.raises(CallerLimitError, match="free in"):
        await one.router.complete(HELLO, CI, max_tokens=1080)


@in_virtual_time
async def test_counts_that_cannot_be_true_keep_no_caller_away() -> None:
    tokens = {"unit": "tokens", "window": "day", "max": 10_000}
    one = scene(tokens, scripts={"a/m": Reply(prompt_tokens=10**9, output_tokens=10**9)})
    for _ in range(2):
        await one.router.complete(HELLO, CI, max_tokens=1000)


@in_virtual_time
async def test_a_stream_holds_its_part_until_it_ends() -> None:
    one = scene({"unit": "concurrent", "max": 1})
    stream = one.router.stream(HELLO, CI)
    await anext(stream)
    with pytest.raises(CallerLimitError):
        await one.router.complete(HELLO, CI)
    await stream.aclose()
    await one.router.complete(HELLO, CI)


@in_virtual_time
async def test_what_a_broken_stream_brought_stays_counted() -> None:
    one = scene(
        {"unit": "tokens", "window": "day", "max": 1000}, scripts={"a/m": Reply("word " * 300, break_after=299)}
    )
    with pytest.raises(StreamInterruptedError):
        async for _ in one.router.stream(HELLO, CI, max_tokens=600):
            pass
    with pytest.raises(CallerLimitError):
        await one.router.complete(HELLO, CI, max_tokens=600)


@in_virtual_time
async def test_an_answer_is_never_longer_than_its_callers_limit_holds() -> None:
    one = scene({"unit": "tokens", "window": "day", "max": 1000})
    await one.router.complete(HELLO, CI, max_tokens=8000)
    (call,) = one.backend.calls
    assert call.parameters["max_tokens"] == 1000 - one.router.decide(HELLO).request.prompt_tokens


@in_virtual_time
async def test_a_prompt_that_its_limit_never_holds_is_told_so() -> None:
    one = scene({"unit": "tokens", "window": "day", "max": 1000})
    with pytest.raises(CallerLimitError, match="send less") as caught:
        await one.router.complete([{"role": "user", "content": "x" * 9000}], CI)
    assert caught.value.retry_after_s is None
    assert one.called == []


@in_virtual_time
@pytest.mark.parametrize("jump_s", [90_000, -90_000], ids=["a day ahead", "a day back"])
async def test_a_clock_that_is_moved_neither_frees_nor_locks_a_callers_limit(jump_s: float) -> None:
    one = scene({"unit": "requests", "window": "day", "max": 2})
    for _ in range(2):
        await one.router.complete(HELLO, CI)
    one.clock.jump(jump_s)
    with pytest.raises(CallerLimitError) as caught:
        await one.router.complete(HELLO, CI)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s < 100_000
