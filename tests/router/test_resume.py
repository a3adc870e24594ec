"""A text that broke off goes on elsewhere, where that was asked for; nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from llm7router import StreamChunk, StreamInterruptedError
from llm7router.decision.request import estimate
from llm7router.testing import Reply
from tests.router.scene import HELLO, Scene, model, provider
from tests.virtual import in_virtual_time


def providers(**keys: Any) -> dict[str, Any]:
    """`a` is the best, and only `b` goes on with what others began."""
    return {
        "a": provider(model(quality={"chat": 5})),
        "b": provider(model(quality={"chat": 3}, resume="prefix", **keys)),
    }


CUT = {"a/m": Reply("One two three", break_after=2), "b/m": "four five"}


async def read(scene: Scene, messages: list[Any] = HELLO, **parameters: Any) -> list[StreamChunk]:
    return [chunk async for chunk in scene.router.stream(messages, **parameters)]


@in_virtual_time
async def test_a_text_that_broke_off_goes_on_where_it_was_asked_for() -> None:
    scene = Scene(providers(), CUT)
    chunks = await read(scene)
    result = chunks[-1].result
    assert result is not None
    assert result.content == "One two four five"
    assert [(a.deployment, a.ok) for a in result.attempts] == [("a/m", False), ("b/m", True)]
    assert scene.backend.calls[1].messages[-1] == {"role": "assistant", "content": "One two ", "prefix": True}
    marked = [chunk for chunk in chunks if chunk.resumed]
    assert [(chunk.provider, chunk.content) for chunk in marked] == [("b", "four ")]
    assert result.estimated_usage, "nobody counted the whole"


@in_virtual_time
@pytest.mark.parametrize(
    "parameters",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"logprobs": True},
        {"n": 2},
    ],
    ids=["tools", "a format", "logprobs", "several choices"],
)
async def test_what_two_models_cannot_share_is_interrupted(parameters: dict[str, Any]) -> None:
    able = {"capabilities": ["streaming", "tools", "json_mode"]}
    scene = Scene({"a": provider(model(**able)), "b": provider(model(resume="prefix", **able))}, CUT)
    with pytest.raises(StreamInterruptedError):
        await read(scene, **parameters)
    assert scene.called == ["a/m"]


@in_virtual_time
async def test_a_text_goes_on_once_at_most() -> None:
    others = {**providers(), "c": provider(model(resume="prefix"))}
    scripts = {**CUT, "b/m": Reply("four five", break_after=1), "c/m": Reply("six seven", break_after=1)}
    scene = Scene(others, scripts)
    with pytest.raises(StreamInterruptedError) as caught:
        await read(scene)
    assert len(scene.called) == len(caught.value.attempts) == 2


@in_virtual_time
async def test_where_nobody_goes_on_the_answer_is_interrupted() -> None:
    scene = Scene(providers(enabled=False), CUT)
    with pytest.raises(StreamInterruptedError):
        await read(scene)


@in_virtual_time
async def test_the_text_so_far_is_a_part_of_the_second_prompt() -> None:
    scene = Scene(
        {
            "a": provider(model(quality={"chat": 5})),
            "b": provider(model(resume="prefix", limits=[{"unit": "input_tokens", "window": "day", "max": 50}])),
        },
        {"a/m": Reply("word " * 100, break_after=100)},
    )
    with pytest.raises(StreamInterruptedError):  # 20 tokens of prompt would have fitted, with 170 of text they do not
        await read(scene)
    assert scene.called == ["a/m"]


@in_virtual_time
async def test_what_the_first_half_may_have_cost_is_not_there_for_the_second() -> None:
    price = {"input": 1, "output": 1}
    paid = {"cost": price, "max_output": 1000}
    scene = Scene(
        {"a": provider(model(quality={"chat": 5}, **paid)), "b": provider(model(resume="prefix", **paid))},
        CUT,
        budget={"usd_per_request": 0.0015, "usd_per_day": 1},
    )
    with pytest.raises(StreamInterruptedError):
        await read(scene, max_tokens=1000)
    assert scene.called == ["a/m"]


@in_virtual_time
@pytest.mark.parametrize("room", [-1, 0], ids=["a byte too few", "just enough"])
async def test_the_text_so_far_may_be_written_to_a_cache_too(room: int) -> None:
    text = "word " * 100
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}]
    most = 2 * (estimate(messages, {})[1] + len(text))  # at a cent for 1,000 tokens
    paid = provider(model(resume="prefix", cost={"input": 10, "output": 0}))
    scene = Scene(
        {"a": provider(model(quality={"chat": 5})), "b": paid},
        {"a/m": Reply(text + "and so on", break_after=100), "b/m": "four five"},
        budget={"usd_per_request": (most + room) / 100_000, "usd_per_day": 1},
    )
    if room < 0:
        with pytest.raises(StreamInterruptedError):
            await read(scene, messages)
    else:
        await read(scene, messages)
    assert scene.called == ["a/m", "b/m"][: 2 + room]
