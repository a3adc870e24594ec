"""Whole answers through the real LiteLLM over real HTTP."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from llm7router.calls import answers
from llm7router.calls.backend import LiteLLMBackend
from llm7router.result import Answer
from llm7router.types import Failure
from tests import upstream_behaviours as behave
from tests.calls.helpers import arrived, call, drain, make, saw_close
from tests.guard import CANARY
from tests.upstream import Upstream

BAD_COUNTS = [-1, 10**9 + 1, 10**400]
BAD_INDICES = [-1, 256, 10**12, "one", 1.5]


async def test_an_answer_has_its_text_usage_and_headers(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("answer", "Hi!", headers={"X-RateLimit-Remaining-Requests": "41"})
    outcome = await backend.complete(call(upstream, {"max_tokens": 9}, prefix=prefix))
    assert outcome.ok
    assert outcome.response.choices[0].message.content == "Hi!"
    assert (outcome.prompt_tokens, outcome.output_tokens) == (7, 5)
    assert outcome.headers["x-ratelimit-remaining-requests"] == "41"
    assert 0 < outcome.duration_s < 5


async def test_the_request_carries_the_model_the_key_and_nothing_else(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    await backend.complete(call(upstream, {"max_tokens": 9}, prefix=prefix))
    assert upstream.last.path == "/v1/chat/completions"
    assert upstream.last.headers["authorization"] == f"Bearer {CANARY}"
    assert upstream.last.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi there"}],
        "max_tokens": 9,
    }


@pytest.mark.parametrize(
    ("told", "extra"),
    [
        ({}, 0),
        ({"prompt_tokens_details": {"cached_tokens": 4}}, 0),
        ({"prompt_tokens_details": {"cached_creation_tokens": 3}}, 3),
        ({"prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3}}, 3),
        ({"cache_creation_input_tokens": 3, "cache_read_input_tokens": 9}, 6),
        ({"cache_creation_input_tokens": -3, "prompt_tokens_details": {"cache_write_tokens": -1}}, 0),
    ],
    ids=str,
)
async def test_what_was_written_to_a_cache_is_told_in_many_ways(
    backend: LiteLLMBackend, upstream: Upstream, way: str, prefix: str, told: dict[str, Any], extra: int
) -> None:
    usage = behave.USAGE | told
    if way == "whole":
        upstream.always("answer", usage=usage)
        outcome = await backend.complete(call(upstream, prefix=prefix))
        assert (outcome.cache_tokens, outcome.prompt_tokens) == (extra, 7), outcome
    else:
        upstream.always("stream", [{"content": "Hello"}], usage=usage)
        outcome = await backend.stream(call(upstream, prefix=prefix))
        await drain(outcome)
        assert outcome.stream
        assert (outcome.stream.cache_tokens, outcome.stream.usage) == (extra, (7, 5))


async def test_usage_that_was_not_sent_is_not_made_up(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("answer", usage=None)
    outcome = await backend.complete(call(upstream))
    assert (outcome.ok, outcome.prompt_tokens, outcome.output_tokens) == (True, None, None)


@pytest.mark.parametrize(
    ("total", "output"),
    [(7 + 5 + 300, 305), (12, 5), (3, 5), (0, 5), (-1, 5), (None, 5), (10**400, 5), ("9", 5)],
    ids=str,
)
async def test_thoughts_that_only_the_total_counts_are_output(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str, total: Any, output: int
) -> None:
    upstream.always("answer", usage=behave.USAGE | {"total_tokens": total})
    wanted = call(upstream, prefix=prefix)
    if way == "whole":
        outcome = await backend.complete(wanted)
        assert (outcome.prompt_tokens, outcome.output_tokens) == (7, output)
    else:
        outcome = await backend.stream(wanted)
        await drain(outcome)
        assert outcome.stream is not None
        assert outcome.stream.usage == (7, output)


@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens"])
@pytest.mark.parametrize("count", BAD_COUNTS, ids=lambda count: str(count)[:12])
async def test_usage_that_cannot_be_is_no_usage(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str, field: str, count: Any
) -> None:
    upstream.always("answer", usage=behave.USAGE | {field: count})
    wanted = call(upstream, prefix=prefix)
    if way == "whole":
        outcome = await backend.complete(wanted)
        usage = (outcome.prompt_tokens, outcome.output_tokens)
        assert usage == (None, None)
        assert outcome.ok or outcome.failure is Failure.BAD_ANSWER  # LiteLLM itself refuses some
    else:
        outcome = await backend.stream(wanted)
        if outcome.stream is not None:
            await drain(outcome)
            assert outcome.stream.usage is None


def test_token_counts_are_whole_numbers_up_to_a_billion() -> None:
    assert [answers.count(good) for good in (0, 1, 10**9)] == [0, 1, 10**9]
    assert {answers.count(bad) for bad in (*BAD_COUNTS, None, True, "7", 7.0, [7])} == {None}


@pytest.mark.parametrize(
    ("said", "reason"),
    [("model_length", "length"), ("abort", "length"), ("length", "length"), ("stop", "stop"), ("end_turn", "stop")],
)
async def test_an_answer_that_was_cut_off_says_so_in_the_providers_word_or_in_openais(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str, said: str, reason: str
) -> None:
    upstream.always("answer", "Hi", finish_reason=said)
    wanted = call(upstream, prefix=prefix)
    if way == "whole":
        assert Answer.of((await backend.complete(wanted)).response).finish_reason == reason
    else:
        chunks, _ = await drain(await backend.stream(wanted))
        assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [reason]


async def test_a_tool_call_without_text_is_an_answer(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("answer", None, tool_calls=[behave.tool_call()], finish_reason="tool_calls")
    outcome = await backend.complete(call(upstream, prefix=prefix))
    assert outcome.response.choices[0].message.tool_calls[0].function.name == "lookup"


@pytest.mark.parametrize("index", BAD_INDICES, ids=str)
async def test_a_tool_call_at_an_impossible_place_is_a_bad_answer(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str, index: Any
) -> None:
    fragment = behave.tool_call() | {"index": index}
    if way == "whole":
        upstream.always("answer", None, tool_calls=[fragment], finish_reason="tool_calls")
    else:
        upstream.always("stream", [{"tool_calls": [fragment]}], finish_reason="tool_calls")
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert (outcome.failure, outcome.stream, outcome.response) == (Failure.BAD_ANSWER, None, None), outcome


def test_a_tool_calls_place_is_a_whole_number_below_256() -> None:
    assert [answers.place_of({"index": good}) for good in (0, 255)] == [0, 255]
    assert answers.place_of({}) == answers.place_of({"index": None}) == 0
    assert {answers.place_of({"index": bad}) for bad in (*BAD_INDICES, True, [1])} == {None}


async def test_only_reasoning_until_the_tokens_ran_out_is_no_answer(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    if way == "whole":
        upstream.always("answer", None, reasoning_content="hm", finish_reason="length")
    else:
        upstream.always("stream", [{"reasoning_content": "hm "}, {"reasoning_content": "hm"}], finish_reason="length")
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert (outcome.failure, outcome.detail) == (Failure.NO_ANSWER, "only reasoning within max_tokens")


async def test_reasoning_and_a_text_that_was_cut_is_an_answer(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    if way == "whole":
        upstream.always("answer", "So", reasoning_content="hm", finish_reason="length")
    else:
        upstream.always("stream", [{"reasoning_content": "hm "}, {"content": "So"}], finish_reason="length")
    assert (await make(backend, way, call(upstream, prefix=prefix))).ok


async def test_reasoning_without_text_is_an_answer(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("answer", "", reasoning_content="hm")
    outcome = await backend.complete(call(upstream))
    assert outcome.response.choices[0].message.reasoning_content == "hm"


async def test_messages_and_tools_are_not_changed(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello"}], "thinking_blocks": []},
        {"role": "user", "content": "Go on"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "strict": True}}}]
    before = copy.deepcopy((messages, tools))
    await backend.complete(call(upstream, {"tools": tools}, messages=messages, prefix=prefix))
    assert (messages, tools) == before


async def test_an_image_arrives_as_it_is(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    await backend.complete(call(upstream, messages=[{"role": "user", "content": content}], prefix=prefix))
    assert upstream.last.body["messages"][0]["content"] == content


@pytest.mark.parametrize("behaviour", [behave.stall(), behave.slow_bytes()], ids=["silence", "one byte at a time"])
async def test_the_deadline_holds_and_the_upstream_is_let_go(
    backend: LiteLLMBackend, upstream: Upstream, behaviour: behave.Behaviour, prefix: str
) -> None:
    upstream.always(behaviour)
    outcome = await backend.complete(call(upstream, timeout_s=0.3, prefix=prefix))
    assert outcome.failure is Failure.TIMEOUT
    assert outcome.duration_s < 1
    assert await saw_close(upstream)


async def test_a_cancelled_call_ends_upstream_and_stays_cancelled(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("stall")
    task = asyncio.ensure_future(backend.complete(call(upstream, prefix=prefix)))
    await arrived(upstream)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await saw_close(upstream)


async def test_connections_are_used_again(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    for _ in range(5):
        assert (await backend.complete(call(upstream, prefix=prefix))).ok
    assert upstream.connections == 1


async def test_many_calls_at_once_are_answered(backend: LiteLLMBackend, upstream: Upstream) -> None:
    outcomes = await asyncio.gather(*(backend.complete(call(upstream)) for _ in range(20)))
    assert all(outcome.ok for outcome in outcomes)


@pytest.mark.parametrize("unsaid", [None, ...], ids=["null", "absent"])
@pytest.mark.parametrize("message", [{}, {"tool_calls": [behave.tool_call()]}], ids=["text", "a call"])
async def test_a_finish_reason_that_was_not_sent_is_not_made_up(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, unsaid: Any, message: dict[str, Any]
) -> None:
    body = behave.completion('say "finish_reason": "stop"', finish_reason=None, **message)
    if unsaid is ...:
        del body["choices"][0]["finish_reason"]
    upstream.script("m", [("json_body", body), "answer"])
    outcome = await backend.complete(call(upstream, prefix=prefix))
    assert outcome.ok
    assert Answer.of(outcome.response).finish_reason is None
    outcome = await backend.complete(call(upstream, prefix=prefix))
    assert Answer.of(outcome.response).finish_reason == "stop", "the next one says how it ended"


async def test_a_refusal_is_an_answer(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("json_body", behave.completion(None, refusal="I cannot help with that."))
    outcome = await backend.complete(call(upstream, prefix=prefix))
    assert outcome.ok
    answer = Answer.of(outcome.response)
    assert (answer.content, answer.refusal, answer.finish_reason) == ("", "I cannot help with that.", "stop")


async def test_a_refusal_of_nothing_is_no_answer(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("json_body", behave.completion(None, refusal=""))
    assert (await backend.complete(call(upstream, prefix=prefix))).failure is Failure.BAD_ANSWER
