"""What hooks hear of a request, however it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable

import pytest

from llm7router import LLMRouter
from llm7router.events import ENDINGS as ERRORS
from llm7router.events import OUTCOMES, RequestEvent
from llm7router.testing import START_AT, ScriptedBackend, VirtualClock
from llm7router.types import Failure
from tests.hooks import heard
from tests.hooks.heard import ENDINGS, Heard
from tests.router.scene import HELLO, Scene, config, ranked
from tests.virtual import in_virtual_time, run_virtual


@pytest.mark.parametrize(("outcome", "scenario"), ENDINGS.items(), ids=list(ENDINGS))
def test_a_request_is_told_once_with_its_outcome(outcome: str, scenario: Callable[..., Awaitable[None]]) -> None:
    hook = Heard()
    run_virtual(scenario(hook))  # type: ignore[arg-type]
    assert hook.only.outcome == outcome
    assert bool(hook.only.error) == (outcome in ERRORS.values()), "the words of an error of ours, and of no other"
    assert (hook.only.result is not None) == (outcome == "ok")


def test_every_outcome_has_a_scenario() -> None:
    assert set(ENDINGS) == set(OUTCOMES)


@in_virtual_time
async def test_times_count_from_the_begin_of_the_request() -> None:
    hook = Heard()
    await asyncio.sleep(5)
    await heard.ok(hook)
    assert (hook.only.at, hook.only.duration_s, hook.only.first_token_s) == (START_AT + 5, 2, None)
    assert (hook.only.stream, hook.only.deployment, hook.only.messages) == (False, "a/m", HELLO)


@in_virtual_time
async def test_a_stream_tells_when_its_first_content_came() -> None:
    hook = Heard()
    await heard.streamed(hook)
    assert (hook.only.outcome, hook.only.stream, hook.only.first_token_s) == ("ok", True, 1)


@in_virtual_time
async def test_a_stream_left_half_way_is_cancelled() -> None:
    hook = Heard()
    await heard.left_half_way(hook)
    assert (hook.only.outcome, hook.only.deployment, hook.only.duration_s) == ("cancelled", "a/m", 3)
    assert [attempt.failure for attempt in hook.only.attempts] == [Failure.CANCELLED]


@in_virtual_time
async def test_a_stream_that_is_only_dropped_is_told_when_it_is_collected() -> None:
    hook = Heard()
    scene = heard.listening(Scene(ranked("a"), {"a/m": heard.LONG}), hook)
    async for _ in scene.router.stream(HELLO):
        break
    gc.collect()
    await asyncio.sleep(1)
    assert hook.only.outcome == "cancelled"


@in_virtual_time
async def test_a_reader_who_stops_after_the_result_has_got_it() -> None:
    hook = Heard()
    await heard.left_after_the_result(hook)
    assert hook.only.outcome == "ok"
    assert hook.only.result is not None


@in_virtual_time
async def test_a_hook_that_raises_changes_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: RequestEvent) -> None:
        raise RuntimeError("out of paper")

    after = Heard()
    scene = heard.listening(Scene(ranked("a")), broken, after)
    result = await scene.router.complete(HELLO)
    assert (result.content, after.only.outcome) == ("ok", "ok")
    assert [(r.levelno, "broken failed: RuntimeError" in r.message) for r in caplog.records] == [(logging.ERROR, True)]
    assert "out of paper" not in caplog.text, "its words may quote the prompt"


@in_virtual_time
async def test_hooks_come_and_go_and_may_remove_themselves() -> None:
    told: list[str] = []
    scene = Scene(ranked("a"))

    def once(event: RequestEvent) -> None:
        told.append("once")
        scene.router.hooks.remove(once)

    for hook in (once, lambda event: told.append("always")):
        scene.router.hooks.add(hook)
    scene.router.hooks.remove(Heard())
    await heard.asked(scene)
    await heard.asked(scene)
    assert told == ["once", "always", "always"]


@in_virtual_time
async def test_hooks_can_be_given_to_the_router() -> None:
    hook = Heard()
    router = LLMRouter(config(ranked("a")), env={}, backend=ScriptedBackend(), clock=VirtualClock(), hooks=[hook])
    await router.complete(HELLO)
    assert hook.only.deployment == "a/m"


@in_virtual_time
async def test_an_event_shows_no_content_when_it_is_printed() -> None:
    hook = Heard()
    await heard.ok(hook)
    assert "Hello!" not in repr(hook.only)
    assert "'Hi'" not in repr(hook.only)
