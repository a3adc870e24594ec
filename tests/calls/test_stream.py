"""Streams through the real LiteLLM: the gate, what passes it, deadlines on content, and closing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from llm7router.calls import stream
from llm7router.calls.backend import LiteLLMBackend
from llm7router.types import Failure
from tests import upstream_behaviours as behave
from tests.calls.helpers import arrived, call, deployment, drain, saw_close, text
from tests.upstream import Upstream

HELLO = [{"content": "Hello "}, {"content": "you"}]


async def test_a_stream_is_told_in_pieces_with_its_end_and_the_providers_usage(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", HELLO, headers={"x-ratelimit-remaining-tokens": "9"})
    outcome = await backend.stream(call(upstream, prefix=prefix))
    chunks, broken = await drain(outcome)
    assert [chunk.content for chunk in chunks if chunk.content] == ["Hello ", "you"]
    assert (broken, chunks[-1].finish_reason) == (None, "stop")
    assert outcome.stream is not None
    assert outcome.stream.usage == (7, 5)
    assert outcome.headers["x-ratelimit-remaining-tokens"] == "9"
    assert outcome.first_token_s is not None
    assert 0 < outcome.first_token_s < 5


async def test_the_outcome_waits_for_the_first_content(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", ["PROCESSING", {"content": ""}, 0.3, {"content": ""}, {"content": "late"}])
    outcome = await backend.stream(call(upstream, prefix=prefix))
    chunks, _ = await drain(outcome)
    assert outcome.first_token_s is not None
    assert outcome.first_token_s >= 0.3
    assert chunks[0].content == "late"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_content_and_kept_apart(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, field: str
) -> None:
    upstream.always("stream", [{field: "hm "}, {field: "well"}, *HELLO])
    chunks, _ = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert "".join(chunk.reasoning for chunk in chunks) == "hm well"
    assert text(chunks) == "Hello you"


async def test_fragments_of_a_tool_call_are_content(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    first = {"tool_calls": [behave.tool_call(arguments='{"ci', index=0)]}
    second = {"tool_calls": [{"index": 0, "function": {"arguments": 'ty": 1}'}}]}
    upstream.always("stream", [first, second], finish_reason="tool_calls")
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    fragments = [fragment for chunk in chunks for fragment in chunk.tool_calls]
    assert [fragment["index"] for fragment in fragments] == [0, 0]
    assert fragments[0]["id"] == "t1"
    assert "".join(fragment["function"]["arguments"] for fragment in fragments) == '{"city": 1}'
    assert (broken, chunks[-1].finish_reason) == (None, "tool_calls")


async def test_a_stream_that_ran_out_of_tokens_says_so(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", HELLO, finish_reason="length")
    chunks, _ = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert chunks[-1].finish_reason == "length"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"done": False}, id="no [DONE]"),
        pytest.param({"finish_reason": None}, id="no finish reason but usage"),
        pytest.param({"finish_reason": None, "usage": None}, id="no finish reason but [DONE]"),
    ],
)
async def test_any_sign_of_an_end_is_enough(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, options: dict[str, Any]
) -> None:
    upstream.always("stream", HELLO, **options)
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert (text(chunks), broken) == ("Hello you", None)


async def test_usage_beside_text_is_no_end(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    pieces = [behave.event({"content": word}, usage=behave.USAGE) for word in ("Hello ", "you")]
    upstream.always("stream", pieces, finish_reason=None, usage=None, done=False)
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert text(chunks) == "Hello you"
    assert broken is not None
    assert broken.detail == "the stream ended without a finish reason"


async def test_usage_in_a_last_event_is_an_end(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("stream", HELLO, finish_reason=None, done=False)
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert (text(chunks), broken) == ("Hello you", None)


ENDS = {
    "an event of its own": [*HELLO, behave.event({}, "length"), behave.event(None, usage=behave.USAGE)],
    "the last piece": [HELLO[0], behave.event(HELLO[1], "length"), behave.event(None, usage=behave.USAGE)],
    "[DONE]": [*HELLO, behave.event({}, "length"), behave.event(None, usage=behave.USAGE), b"data: [DONE]\n\n"],
}


@pytest.mark.parametrize("pieces", ENDS.values(), ids=ENDS)
async def test_an_answer_that_is_whole_is_one_though_its_connection_is_held_open(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, pieces: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LAST_S", 0.2)
    upstream.always("stream", pieces, end="stall")
    outcome = await backend.stream(call(upstream, prefix=prefix, between_tokens_s=0.4))
    chunks, broken = await drain(outcome)
    assert (text(chunks), broken) == ("Hello you", None)
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["length"]
    assert outcome.stream is not None
    assert outcome.stream.usage == (7, 5)
    assert await saw_close(upstream)


async def test_an_end_in_a_line_that_has_not_ended_is_none(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    """What is held open in the middle of a line may still hold text, which nobody has got."""
    upstream.always("stream", [HELLO[0], behave.event(HELLO[1], "stop").rstrip()], end="stall")
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix, between_tokens_s=0.3)))
    assert text(chunks) == "Hello "
    assert broken is not None
    assert broken.failure is Failure.TIMEOUT


@pytest.mark.parametrize("native", ["abort", "model_length"])
async def test_an_answer_that_was_cut_off_is_so_though_its_connection_is_held_open(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, native: str
) -> None:
    upstream.always("stream", [*HELLO, behave.event({}, native)], end="stall")
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix, between_tokens_s=0.2)))
    assert (text(chunks), broken) == ("Hello you", None)
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["length"]


async def test_the_end_of_one_of_several_choices_is_not_that_of_the_others(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", [*HELLO, behave.event({}, "stop")], end="stall")
    _, broken = await drain(await backend.stream(call(upstream, {"n": 2}, prefix=prefix, between_tokens_s=0.3)))
    assert broken is not None
    assert broken.failure is Failure.TIMEOUT


async def test_text_that_looks_like_the_end_is_not_one(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    lie = '"finish_reason": "stop" "usage": {"prompt_tokens": 1} \ndata: [DONE]\n'
    upstream.always("stream", [{"content": lie}], finish_reason=None, usage=None, done=False)
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert text(chunks) == lie
    assert broken is not None


async def test_text_with_an_end_mark_in_it_is_not_lost(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    said = "Send `data: [DONE]` last"
    upstream.always("stream", [{"content": said}, {"content": " and [DONE] is it"}])
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert (text(chunks), broken) == (said + " and [DONE] is it", None)


async def test_usage_that_was_not_sent_is_not_made_up(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("stream", HELLO, usage=None)
    outcome = await backend.stream(call(upstream, prefix=prefix))
    _, broken = await drain(outcome)
    assert outcome.stream is not None
    assert (broken, outcome.stream.usage) == (None, None)


async def test_usage_is_asked_for_unless_the_caller_or_the_provider_decides(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    plain = deployment(upstream.base_url, prefix)
    without = deployment(upstream.base_url, prefix, unsupported_params=frozenset({"stream_options"}))
    asked = []
    for target, parameters in ((plain, {}), (without, {}), (plain, {"stream_options": {"include_usage": False}})):
        await drain(await backend.stream(call(target, parameters)))
        asked.append(upstream.last.body.get("stream_options"))
    assert asked == [{"include_usage": True}, None, {"include_usage": False}]


async def test_keep_alives_do_not_hold_a_request(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("comments_forever")
    outcome = await backend.stream(call(upstream, prefix=prefix, first_token_s=0.3))
    assert outcome.failure is Failure.TIMEOUT
    assert outcome.duration_s < 1
    assert await saw_close(upstream)


async def test_the_whole_time_bounds_a_stream_that_goes_on(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", [{"content": "word "}, 0.05] * 100)
    started = time.monotonic()
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix, timeout_s=0.5)))
    assert broken is not None
    assert broken.failure is Failure.TIMEOUT
    assert 0.4 < time.monotonic() - started < 1.5
    assert len(chunks) > 3
    assert await saw_close(upstream)


async def test_a_stream_that_goes_on_may_take_longer_than_an_attempt(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", [{"content": "word "}, 0.1, {"content": "word "}, 0.5, {"content": "word"}])
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix, timeout_s=0.4, deadline_s=5)))
    assert (text(chunks), broken) == ("word word word", None)


async def test_the_requests_deadline_bounds_a_stream_that_goes_on(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", [{"content": "word "}, 0.05] * 100)
    outcome = await backend.stream(call(upstream, prefix=prefix, timeout_s=0.2, deadline_s=0.6))
    chunks, broken = await drain(outcome)
    assert broken is not None
    assert broken.failure is Failure.TIMEOUT
    assert 0.5 < broken.duration_s < 1.5
    assert len(chunks) > 5
    assert await saw_close(upstream)


async def test_a_slow_reader_costs_the_provider_nothing(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", [{"content": "a"}, {"content": "b"}, {"content": "c"}])
    outcome = await backend.stream(call(upstream, prefix=prefix, deadline_s=0.5, between_tokens_s=0.2))
    assert outcome.stream is not None
    pieces = []
    async for chunk in outcome.stream:
        pieces.append(chunk.content)
        await asyncio.sleep(0.25)
    assert "".join(pieces) == "abc"
    assert outcome.stream.waited_s < 0.3


async def test_the_time_that_was_waited_counts_from_the_start_of_the_call(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", [0.2, {"content": "a"}, 0.2, {"content": "b"}])
    outcome = await backend.stream(call(upstream, prefix=prefix))
    assert outcome.stream is not None
    assert outcome.first_token_s is not None
    assert outcome.first_token_s == pytest.approx(outcome.stream.waited_s, abs=0.05)
    assert outcome.stream.waited_s >= 0.2
    await asyncio.sleep(0.3)
    await drain(outcome)
    assert 0.2 <= outcome.stream.waited_s < 0.6


async def test_the_time_between_pieces_does_not_count_while_nobody_asks(
    backend: LiteLLMBackend, upstream: Upstream
) -> None:
    upstream.always("stream", HELLO)
    outcome = await backend.stream(call(upstream, between_tokens_s=0.2))
    assert outcome.stream is not None
    pieces = []
    async for chunk in outcome.stream:
        pieces.append(chunk.content)
        await asyncio.sleep(0.3)
    assert "".join(pieces) == "Hello you"


async def test_closing_ends_the_call_upstream(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("stream", HELLO, end="stall")
    outcome = await backend.stream(call(upstream, prefix=prefix))
    assert outcome.stream is not None
    assert (await anext(aiter(outcome.stream))).content == "Hello "
    await outcome.stream.aclose()
    await outcome.stream.aclose()
    assert await saw_close(upstream)
    assert [chunk async for chunk in outcome.stream] == []


@pytest.mark.parametrize("behaviour", [behave.stall(), behave.stream([], end="stall")], ids=["headers", "content"])
async def test_leaving_before_the_first_content_ends_the_call_upstream(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, behaviour: behave.Behaviour
) -> None:
    upstream.always(behaviour)
    task = asyncio.ensure_future(backend.stream(call(upstream, prefix=prefix)))
    await arrived(upstream)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await saw_close(upstream)


async def test_leaving_in_the_middle_ends_the_call_upstream(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stream", HELLO, end="stall")
    outcome = await backend.stream(call(upstream, prefix=prefix))
    task = asyncio.ensure_future(drain(outcome))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await saw_close(upstream)


async def test_a_broken_stream_is_over(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("stream", HELLO, end="reset")
    outcome = await backend.stream(call(upstream))
    await drain(outcome)
    assert outcome.stream is not None
    assert [chunk async for chunk in outcome.stream] == []


async def test_a_line_without_an_end_is_cut_off(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("endless", b"x" * 65536, {"content-type": "text/event-stream"})
    outcome = await backend.stream(call(upstream, prefix=prefix, timeout_s=30, first_token_s=30))
    assert outcome.failure is Failure.BAD_ANSWER
    assert "longer than" in outcome.detail
    assert await saw_close(upstream)


async def test_streams_at_once_do_not_mix(backend: LiteLLMBackend, upstream: Upstream) -> None:
    words = [f"word{number}" for number in range(8)]
    upstream.script("m", [behave.stream([{"content": word}, 0.05, {"content": "!"}]) for word in words])
    outcomes = await asyncio.gather(*(backend.stream(call(upstream)) for _ in words))
    results = await asyncio.gather(*(drain(outcome) for outcome in outcomes))
    assert sorted(text(chunks) for chunks, _ in results) == sorted(f"{word}!" for word in words)
    assert all(outcome.stream is not None and outcome.stream.usage == (7, 5) for outcome in outcomes)


REFUSED = [behave.event({"refusal": "I "}), behave.event({"content": None, "refusal": 'can\n"not".'})]


@pytest.mark.parametrize("size", [1, 7, 10**6], ids=["byte by byte", "in pieces", "at once"])
async def test_a_refusal_is_an_answer(backend: LiteLLMBackend, upstream: Upstream, prefix: str, size: int) -> None:
    wire = behave.event({"role": "assistant", "content": "", "refusal": None}) + b"".join(REFUSED)
    upstream.always("stream", [wire[at : at + size] for at in range(0, len(wire), size)])
    outcome = await backend.stream(call(upstream, prefix=prefix))
    assert outcome.ok, outcome
    chunks, broken = await drain(outcome)
    assert (text(chunks), broken) == ("", None)
    assert "".join(chunk.refusal for chunk in chunks) == 'I can\n"not".'
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert outcome.stream is not None
    assert outcome.stream.usage == (7, 5)


async def test_text_that_looks_like_a_refusal_is_text(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("stream", [{"content": '{"refusal": "no"}'}, {"content": ' "refusal": "'}])
    chunks, broken = await drain(await backend.stream(call(upstream, prefix=prefix)))
    assert (text(chunks), broken) == ('{"refusal": "no"} "refusal": "', None)
    assert not any(chunk.refusal for chunk in chunks)


@pytest.mark.parametrize("end", ["clean", "stall"])
async def test_a_connection_that_stays_open_makes_no_provider_slower(
    backend: LiteLLMBackend, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, prefix: str, end: str
) -> None:
    """An answer takes as long as its content comes, not until the end of the connection."""
    monkeypatch.setattr(stream, "LAST_S", 0.8)
    late = [0.2, {"content": "a"}, 0.2, {"content": "b"}, behave.event({}, "stop"), 0.7]
    upstream.always("stream", late, finish_reason=None, end=end)
    outcome = await backend.stream(call(upstream, prefix=prefix))
    chunks, broken = await drain(outcome)
    assert (text(chunks), broken) == ("ab", None)
    assert outcome.stream is not None
    assert 0.4 <= outcome.stream.waited_s < 0.75
